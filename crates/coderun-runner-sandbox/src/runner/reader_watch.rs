//! Notices when a program waits for input.

use std::time::Duration;

use tokio::net::unix::pipe;
use tokio::time::{Instant, sleep_until};

use super::supervise::StageSignals;
use crate::stdin_readers::{self, PipeIdentity};

/// Looks again and again whether a program waits for input, the less often the longer it does not.
#[derive(Debug)]
pub(super) struct ReaderWatch {
    pause: Duration,
    next_look: Instant,
}

impl ReaderWatch {
    pub(super) fn new() -> Self {
        Self {
            pause: PAUSE_FIRST,
            next_look: Instant::now() + PAUSE_FIRST,
        }
    }

    /// Takes note that something has moved, so that the next look may see something new.
    pub(super) fn expect_soon(&mut self) {
        self.pause = PAUSE_FIRST;
        self.next_look = self.next_look.min(Instant::now() + PAUSE_FIRST);
    }

    /// Waits until the program waits for input and all that was written has been read. Cancel-safe: when it is asked
    /// again, it goes on at its pace.
    pub(super) async fn until_waiting(&mut self, stdin: &pipe::Sender, signals: &StageSignals) {
        loop {
            sleep_until(self.next_look).await;
            // Set before the look, so that one whose answer nobody heard is not repeated at once.
            self.next_look = Instant::now() + self.pause;
            self.pause = (self.pause * 5 / 4).min(PAUSE_MAX);
            if looks_waiting(stdin, signals).await {
                return;
            }
        }
    }
}

async fn looks_waiting(stdin: &pipe::Sender, signals: &StageSignals) -> bool {
    let Some(first_process) = signals.first_process() else {
        return false;
    };
    // An error means that it cannot be known.
    let is_empty = rustix::io::ioctl_fionread(stdin).is_ok_and(|unread| unread == 0);
    let (true, Ok(pipe)) = (is_empty, PipeIdentity::of(stdin)) else {
        return false;
    };
    let look = move || stdin_readers::is_any_waiting(first_process, pipe);
    tokio::task::spawn_blocking(look).await.unwrap_or(false)
}

/// The first pause between two looks and the longest: a look at a small program takes some hundredths of a millisecond.
const PAUSE_FIRST: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_millis(50);
