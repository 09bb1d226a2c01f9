//! Those who type and those who come with tickets, among everything else that happens.

use std::collections::HashMap;
use std::time::Duration;

use coderun_domain::{ExecutionId, InputError, InputPiece, InputPosition, InputReply, Lease};
use time::OffsetDateTime;

use crate::Backend;
use crate::fixtures::{LIFETIME, data, sender};

/// What visitors know: what they have typed, and their tickets.
#[derive(Debug, Default)]
pub(super) struct Visitors {
    /// What was kept of the input of each execution.
    typed: HashMap<ExecutionId, Vec<InputPiece>>,
    /// One ticket at a time, and until when it is good.
    ticket: Option<(ExecutionId, u8, OffsetDateTime)>,
    tickets: u8,
}

impl Visitors {
    /// Types a little, twice by mistake. It is kept where a program runs or waits that takes input.
    pub(super) async fn send(&mut self, backend: &Backend, id: ExecutionId) {
        let typed = self.typed.entry(id).or_default();
        let number = typed.len() as u64 + 1;
        let piece = data(number.to_string());
        let execution = backend.find(id).await;
        let expected = match &execution {
            None => InputReply::Absent,
            Some(it) if !it.submission().is_interactive() => InputReply::NotInteractive,
            Some(it) if it.status().is_final() => InputReply::Final,
            Some(_) => InputReply::Kept,
        };
        for _ in 0..2 {
            let reply = backend.send(id, sender(1, number), piece.clone()).await;
            let refused_both_ways =
                expected == InputReply::NotInteractive && reply == InputReply::Final;
            assert!(reply == expected || refused_both_ways, "{reply:?}");
        }
        if expected == InputReply::Kept {
            typed.push(piece);
        }
    }

    /// A worker reads everything that was typed, and one whose lease is lost reads nothing.
    pub(super) async fn check_input(&self, backend: &Backend, lease: &Lease) {
        let start = InputPosition::START;
        match backend.inputs.receive(lease, start).await {
            Ok(_) => {
                let typed = self.typed.get(&lease.id()).cloned().unwrap_or_default();
                assert_eq!(backend.read_all(lease).await, typed);
                assert_eq!(backend.get(lease.id()).await.attempt(), lease.attempt());
            }
            Err(InputError::LeaseLost) => {}
            Err(error @ (InputError::Forgotten | InputError::Unavailable { .. })) => {
                panic!("{error}")
            }
        }
    }

    /// Somebody comes with the ticket of the last time, and gets one for the next time.
    pub(super) async fn come(&mut self, backend: &Backend, id: ExecutionId) {
        if let Some((id, number, until)) = self.ticket.take() {
            let exists = backend.find(id).await.is_some();
            let admitted = backend.redeem(id, number).await.is_some();
            let grace = Duration::from_secs(1);
            assert!(!admitted || (exists && backend.now() < until + grace));
            assert!(admitted || !exists || backend.now() + grace > until);
            assert_eq!(backend.redeem(id, number).await, None);
        }
        self.tickets = self.tickets.wrapping_add(1);
        if backend.try_issue(id, self.tickets).await.is_ok() {
            self.ticket = Some((id, self.tickets, backend.now() + LIFETIME));
        }
    }
}
