//! Detects when a program waits for input.

use std::time::Duration;

use tokio::net::unix::pipe;
use tokio::time::{Instant, sleep_until};

use super::supervise::StageSignals;
use crate::stdin_readers::{self, PipeIdentity, StdinWait};

/// Checks repeatedly whether a program waits for input, the less often the longer it does not.
#[derive(Debug)]
pub(super) struct WaitDetector {
    pause: Duration,
    next_check: Instant,
}

impl WaitDetector {
    pub(super) fn new() -> Self {
        Self {
            pause: PAUSE_FIRST,
            next_check: Instant::now() + PAUSE_FIRST,
        }
    }

    /// Checks soon again, because bytes have moved.
    pub(super) fn reset(&mut self) {
        self.pause = PAUSE_FIRST;
        self.next_check = self.next_check.min(Instant::now() + PAUSE_FIRST);
    }

    /// Checks seldom until bytes move again, because no more than its place depends on the answer.
    pub(super) fn slow_down(&mut self) {
        self.pause = PAUSE_SLOW;
        self.next_check = Instant::now() + PAUSE_SLOW;
    }

    /// Waits until the program waits for input and all that was written has been read. Cancel-safe: when it is asked
    /// again, it goes on at its pace.
    pub(super) async fn until_waiting(
        &mut self,
        stdin: &pipe::Sender,
        signals: &StageSignals,
    ) -> StdinWait {
        loop {
            sleep_until(self.next_check).await;
            // Set before the check, so that a cancelled one is not repeated at once.
            self.next_check = Instant::now() + self.pause;
            self.pause = (self.pause * 5 / 4).min(PAUSE_MAX.max(self.pause));
            if let Some(wait) = find_wait(stdin, signals).await {
                return wait;
            }
        }
    }
}

async fn find_wait(stdin: &pipe::Sender, signals: &StageSignals) -> Option<StdinWait> {
    let first_process = signals.first_process()?;
    // An error means that the answer is unknown.
    let is_empty = rustix::io::ioctl_fionread(stdin).is_ok_and(|unread| unread == 0);
    let (true, Ok(pipe)) = (is_empty, PipeIdentity::of(stdin)) else {
        return None;
    };
    let check = move || stdin_readers::find_wait(first_process, pipe);
    tokio::task::spawn_blocking(check).await.ok().flatten()
}

/// The first and the longest pause between two checks. A check of a small program takes some hundredths of a millisecond.
const PAUSE_FIRST: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_millis(50);
/// The pause after a program was found that asks for input from time to time.
const PAUSE_SLOW: Duration = Duration::from_secs(1);
