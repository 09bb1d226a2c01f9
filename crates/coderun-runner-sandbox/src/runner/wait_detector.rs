//! Detects when a program waits for input.

use std::time::Duration;

use tokio::net::unix::pipe;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::stage_signals::StageSignals;
use crate::stdin_readers::{self, PipeIdentity, StdinLook, StdinWait};

/// Checks repeatedly whether a program waits for input, the less often the longer it does not, and the more a check costs.
#[derive(Debug)]
pub(super) struct WaitDetector {
    pause: Duration,
    next_check: Instant,
    /// No check begins before, so that no program can have the service look at it all the time.
    not_before: Instant,
    /// The check that goes on: there is never more than one.
    check: Option<JoinHandle<StdinLook>>,
}

impl WaitDetector {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self {
            pause: PAUSE_FIRST,
            next_check: now + PAUSE_FIRST,
            not_before: now,
            check: None,
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
        // What the check of a cancelled call finds is outdated.
        self.finish_check().await;
        loop {
            sleep_until(self.next_check.max(self.not_before)).await;
            // Set before the check, so that a cancelled one is not repeated at once.
            self.next_check = Instant::now() + self.pause;
            self.pause = (self.pause * 5 / 4).min(PAUSE_MAX.max(self.pause));
            self.check = begin_check(stdin, signals);
            if let Some(wait) = self.finish_check().await {
                return wait;
            }
        }
    }

    /// Waits until the check that goes on has ended, and returns what it found. Cancel-safe.
    async fn finish_check(&mut self) -> Option<StdinWait> {
        let look = self.check.as_mut()?.await;
        self.check = None;
        let look = look.ok()?;
        self.not_before = Instant::now() + look.cost * PAUSE_FACTOR;
        look.wait
    }
}

/// Looks at the program if it has begun and its input is empty.
fn begin_check(stdin: &pipe::Sender, signals: &StageSignals) -> Option<JoinHandle<StdinLook>> {
    let first_process = signals.first_process()?;
    // An error means that the answer is unknown.
    let is_empty = rustix::io::ioctl_fionread(stdin).is_ok_and(|unread| unread == 0);
    let (true, Ok(pipe)) = (is_empty, PipeIdentity::of(stdin)) else {
        return None;
    };
    let look = move || stdin_readers::look(first_process, pipe);
    Some(tokio::task::spawn_blocking(look))
}

/// The first and the longest pause between two checks. A check of a small program takes some hundredths of a millisecond.
const PAUSE_FIRST: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_millis(50);
/// The pause after a program was found that asks for input from time to time.
const PAUSE_SLOW: Duration = Duration::from_secs(1);

/// The pause after a check is at least this many times the processor time that it took: two per cent of a processor.
const PAUSE_FACTOR: u32 = 50;
