//! What is to go to a program's stdin.

use bytes::{Buf, BytesMut};
use coderun_domain::{InputWanted, RunInput, RunIo, Submission};

use super::supervise::{StageSignals, StopReason};

/// What is to go to a program's stdin. It lives through both stages: input may come while the program is built.
#[derive(Debug)]
pub(super) struct Input {
    waiting: BytesMut,
    closed: bool,
    note: Note,
}

/// Whether somebody is to know that the program waits for input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Note {
    /// Nobody could send any.
    Never,
    /// As soon as it does.
    Due,
    /// It is known, until more has come.
    Given,
}

impl Input {
    /// Begins with the submission's own input.
    pub(super) fn of(submission: &Submission) -> Self {
        Self {
            waiting: submission.input().as_bytes().into(),
            closed: false,
            note: if submission.is_interactive() {
                Note::Due
            } else {
                Note::Never
            },
        }
    }

    /// Nothing yet.
    pub(super) fn none() -> Self {
        Self {
            waiting: BytesMut::new(),
            closed: false,
            note: Note::Never,
        }
    }

    /// Waits for a cancellation, and keeps whatever comes before it. Cancel-safe.
    pub(super) async fn until_cancelled(&mut self, io: &mut (dyn RunIo + '_)) {
        while !self.keep(io.input(self.wanted()).await) {}
    }

    /// What there is room for: while so much waits to be read, who sends it must wait.
    pub(super) fn wanted(&self) -> InputWanted {
        if self.waiting.len() < WAITING_MAX_BYTES {
            InputWanted::Anything
        } else {
            InputWanted::Cancel
        }
    }

    /// Takes what came.
    pub(super) fn take(&mut self, received: RunInput, signals: &StageSignals) {
        if self.keep(received) {
            signals.stop(StopReason::Cancelled);
        }
    }

    /// Keeps what came; answers whether it is a cancellation.
    fn keep(&mut self, received: RunInput) -> bool {
        match received {
            RunInput::Data(bytes) => {
                if self.note == Note::Given && !bytes.is_empty() {
                    self.note = Note::Due;
                }
                self.waiting.extend_from_slice(&bytes);
                false
            }
            RunInput::Closed => {
                self.closed = true;
                false
            }
            RunInput::Cancel => true,
        }
    }

    /// What comes next.
    pub(super) fn waiting(&self) -> &[u8] {
        &self.waiting
    }

    /// Takes note that so many bytes were written.
    pub(super) fn advance(&mut self, length: usize) {
        self.waiting.advance(length.min(self.waiting.len()));
    }

    /// Drops what nobody will read.
    pub(super) fn drop_waiting(&mut self) {
        self.waiting = BytesMut::new();
    }

    /// Whether everything was written and nothing more can come.
    pub(super) fn is_at_end(&self) -> bool {
        self.closed && self.waiting.is_empty()
    }

    /// Whether somebody is to know if the program waits for input now.
    pub(super) fn may_be_awaited(&self) -> bool {
        self.note == Note::Due && self.waiting.is_empty() && !self.closed
    }

    /// Takes note that it is known that the program waits.
    pub(super) fn note_awaited(&mut self) {
        if self.note == Note::Due {
            self.note = Note::Given;
        }
    }
}

/// At this much nothing more is asked for; what was asked for before may go beyond it.
const WAITING_MAX_BYTES: usize = 64 * 1024;

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
    fn while_much_waits_only_a_cancellation_is_wanted() {
        let mut input = Input::none();
        assert_eq!(input.wanted(), InputWanted::Anything);
        input.keep(data(WAITING_MAX_BYTES));
        assert_eq!(input.wanted(), InputWanted::Cancel);
        input.advance(1);
        assert_eq!(input.wanted(), InputWanted::Anything);
    }

    #[test]
    fn it_is_at_its_end_when_it_was_closed_and_all_was_written() {
        let mut input = Input::none();
        input.keep(data(2));
        input.keep(RunInput::Closed);
        assert!(!input.is_at_end());
        input.advance(2);
        assert!(input.is_at_end());
    }

    #[test]
    fn it_is_awaited_once_until_more_has_come() {
        let mut input = interactive();
        assert!(
            !input.may_be_awaited(),
            "the submission's own is not written"
        );
        input.advance(usize::MAX);
        assert!(input.may_be_awaited());
        input.note_awaited();
        input.keep(data(0));
        assert!(!input.may_be_awaited(), "nothing has come");
        input.keep(data(1));
        input.advance(1);
        assert!(input.may_be_awaited());
    }

    #[test]
    fn after_its_end_nothing_is_awaited() {
        let mut input = interactive();
        input.advance(usize::MAX);
        input.keep(RunInput::Closed);
        assert!(!input.may_be_awaited());
    }

    #[test]
    fn nothing_is_awaited_where_nobody_can_send_it() {
        let mut input = Input::of(testing::execution().submission());
        input.advance(usize::MAX);
        assert!(!input.may_be_awaited());
    }
}
