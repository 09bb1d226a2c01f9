//! Buffers the input of a program until it is written to its stdin.

use bytes::{Buf, BytesMut};
use coderun_domain::{InputWanted, RunInput, RunIo, Submission};

use super::stage_signals::{StageSignals, StopReason};
use super::waiting_program::Place;

/// The input of a program that is not written yet. It lives through both stages: input may come during the compilation.
#[derive(Debug, Default)]
pub(super) struct Input {
    pending: BytesMut,
    closed: bool,
    notice: WaitNotice,
}

/// Whether the client gets a notice when the program waits for input.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum WaitNotice {
    /// Never: the client cannot send any.
    #[default]
    Off,
    /// As soon as the program waits.
    Due,
    /// Not until more input has come: the client knows already.
    Sent,
}

impl Input {
    /// Begins with the submission's own input.
    pub(super) fn of(submission: &Submission) -> Self {
        Self {
            pending: submission.input().as_bytes().into(),
            closed: false,
            notice: if submission.is_interactive() {
                WaitNotice::Due
            } else {
                WaitNotice::Off
            },
        }
    }

    /// Waits for a cancellation, and keeps all input that comes before it. Cancel-safe.
    pub(super) async fn until_cancelled(&mut self, io: &mut (dyn RunIo + '_)) {
        while !self.accept(io.input(self.wanted()).await) {}
    }

    /// The input for which there is room. It gives back-pressure: with much input pending, the sender must wait.
    pub(super) fn wanted(&self) -> InputWanted {
        if self.pending.len() < PENDING_MAX_BYTES {
            InputWanted::Anything
        } else {
            InputWanted::Cancel
        }
    }

    /// Keeps received input, or stops the stage if it is a cancellation.
    pub(super) fn receive(&mut self, received: RunInput, signals: &StageSignals) {
        if self.accept(received) {
            signals.stop(StopReason::Cancelled);
        } else {
            signals.place.set(Place::Held);
        }
    }

    /// Keeps received input; returns whether it is a cancellation.
    fn accept(&mut self, received: RunInput) -> bool {
        match received {
            RunInput::Data(bytes) => {
                if self.notice == WaitNotice::Sent && !bytes.is_empty() {
                    self.notice = WaitNotice::Due;
                }
                self.pending.extend_from_slice(&bytes);
                false
            }
            RunInput::Closed => {
                self.closed = true;
                false
            }
            RunInput::Cancel => true,
            RunInput::Resumed => false,
        }
    }

    /// The input that is not written yet.
    pub(super) fn pending(&self) -> &[u8] {
        &self.pending
    }

    /// Removes this many bytes, which were written.
    pub(super) fn advance(&mut self, length: usize) {
        self.pending.advance(length.min(self.pending.len()));
    }

    /// Drops input that the program will not read.
    pub(super) fn drop_pending(&mut self) {
        self.pending = BytesMut::new();
    }

    /// Whether everything was written and no more can come.
    pub(super) fn is_at_end(&self) -> bool {
        self.closed && self.pending.is_empty()
    }

    /// Whether the client gets a notice if the program waits for input now.
    pub(super) fn wants_wait_notice(&self) -> bool {
        self.notice == WaitNotice::Due && self.pending.is_empty() && !self.closed
    }

    /// Records that the client got the notice.
    pub(super) fn mark_wait_noticed(&mut self) {
        if self.notice == WaitNotice::Due {
            self.notice = WaitNotice::Sent;
        }
    }
}

/// With this much pending no more input is requested. Input that was requested before may go beyond it.
const PENDING_MAX_BYTES: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use coderun_domain::testing;

    use super::*;

    fn interactive() -> Input {
        Input::of(testing::interactive_execution().submission())
    }

    fn data(length: usize) -> RunInput {
        RunInput::Data(Bytes::from(vec![b'x'; length]))
    }

    #[test]
    fn with_much_input_pending_only_a_cancellation_is_wanted() {
        let mut input = Input::default();
        assert_eq!(input.wanted(), InputWanted::Anything);
        input.accept(data(PENDING_MAX_BYTES));
        assert_eq!(input.wanted(), InputWanted::Cancel);
        input.advance(1);
        assert_eq!(input.wanted(), InputWanted::Anything);
    }

    #[test]
    fn input_is_at_its_end_when_it_is_closed_and_all_written() {
        let mut input = Input::default();
        input.accept(data(2));
        input.accept(RunInput::Closed);
        assert!(!input.is_at_end());
        input.advance(2);
        assert!(input.is_at_end());
    }

    #[test]
    fn a_wait_is_noticed_once_until_more_input_comes() {
        let mut input = interactive();
        assert!(
            !input.wants_wait_notice(),
            "the submission's own is not written"
        );
        input.advance(usize::MAX);
        assert!(input.wants_wait_notice());
        input.mark_wait_noticed();
        input.accept(data(0));
        assert!(!input.wants_wait_notice(), "nothing has come");
        input.accept(data(1));
        input.advance(1);
        assert!(input.wants_wait_notice());
    }

    #[test]
    fn no_wait_is_noticed_after_the_end_of_input() {
        let mut input = interactive();
        input.advance(usize::MAX);
        input.accept(RunInput::Closed);
        assert!(!input.wants_wait_notice());
    }

    #[test]
    fn no_wait_is_noticed_in_a_program_that_takes_no_input() {
        let mut input = Input::of(testing::execution().submission());
        input.advance(usize::MAX);
        assert!(!input.wants_wait_notice());
    }
}
