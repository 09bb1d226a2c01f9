//! Sends input and redeems tickets at random times, and checks the answers.

use std::collections::HashMap;

use coderun_domain::{ExecutionId, InputError, InputPiece, InputPosition, InputReply, Lease};
use time::OffsetDateTime;

use crate::Backend;
use crate::fixtures::{LIFETIME, SECOND, data, sender};

/// The clients of the executions, with the input that they sent and the ticket that they hold.
#[derive(Debug, Default)]
pub(super) struct Clients {
    /// The input of each execution that was kept.
    sent: HashMap<ExecutionId, Vec<InputPiece>>,
    /// One ticket at a time, and when it expires.
    ticket: Option<(ExecutionId, u8, OffsetDateTime)>,
    tickets: u8,
}

impl Clients {
    /// Sends a piece twice. It is kept where an interactive execution is pending or running.
    pub(super) async fn send(&mut self, backend: &Backend, id: ExecutionId) {
        let sent = self.sent.entry(id).or_default();
        let number = sent.len() as u64 + 1;
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
            sent.push(piece);
        }
    }

    /// A worker reads everything that was sent, and a worker whose lease is lost reads nothing.
    pub(super) async fn check_input(&self, backend: &Backend, lease: &Lease) {
        let start = InputPosition::START;
        match backend.inputs.receive(lease, start).await {
            Ok(_) => {
                let sent = self.sent.get(&lease.id()).cloned().unwrap_or_default();
                assert_eq!(backend.read_all(lease).await, sent);
                assert_eq!(backend.get(lease.id()).await.attempt(), lease.attempt());
            }
            Err(InputError::LeaseLost) => {}
            Err(error @ (InputError::Forgotten | InputError::Unavailable { .. })) => {
                panic!("{error}")
            }
        }
    }

    /// Redeems the last ticket and issues another.
    pub(super) async fn redeem_and_issue(&mut self, backend: &Backend, id: ExecutionId) {
        if let Some((id, number, until)) = self.ticket.take() {
            let exists = backend.find(id).await.is_some();
            let admitted = backend.redeem(id, number).await.is_some();
            let grace = SECOND;
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
