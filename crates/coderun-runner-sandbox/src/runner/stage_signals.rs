//! Passes signals between the tasks that watch over one stage.

use std::sync::OnceLock;

use tokio::sync::watch;

use super::waiting_program::PlaceSignal;

/// Why a stage was killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StopReason {
    Cancelled,
    CpuTime,
    WallTime,
    Memory,
    Processes,
    Output,
    /// It went on although it was frozen.
    NotFrozen,
}

/// Signals between the tasks of a stage: its start, its place, the request to stop it, and its end.
#[derive(Debug)]
pub(super) struct StageSignals {
    pub(super) first_process: OnceLock<i32>,
    pub(super) place: PlaceSignal,
    reason: watch::Sender<Option<StopReason>>,
    pub(super) gone: watch::Sender<bool>,
}

impl StageSignals {
    pub(super) fn new() -> Self {
        Self {
            first_process: OnceLock::new(),
            place: PlaceSignal::default(),
            reason: watch::Sender::new(None),
            gone: watch::Sender::new(false),
        }
    }

    /// The first process of the sandbox, by its id outside; `None` until it exists.
    pub(super) fn first_process(&self) -> Option<i32> {
        self.first_process.get().copied()
    }

    /// Requests the end of the stage. The first reason counts.
    pub(super) fn stop(&self, reason: StopReason) {
        self.reason.send_if_modified(|current| {
            let is_first = current.is_none();
            current.get_or_insert(reason);
            is_first
        });
    }

    /// Waits until the stage is gone.
    pub(super) async fn gone(&self) {
        // The sender lives as long as this does.
        let _ = self.gone.subscribe().wait_for(|gone| *gone).await;
    }

    pub(super) async fn stop_requested(&self) {
        let mut reason = self.reason.subscribe();
        // The sender lives as long as this does.
        let _ = reason.wait_for(Option::is_some).await;
    }

    pub(super) fn reason(&self) -> Option<StopReason> {
        *self.reason.borrow()
    }
}
