//! Keeps the last events of one execution for its watchers.

use std::collections::VecDeque;

use coderun_domain::{Event, Execution, Progress, Sequence, State, StoredEvent};

use crate::stored_events::start_events;

/// The most events that are kept. A watcher that is further behind reads them from the server.
const EVENTS_MAX: usize = 64;
/// The size from which older events are dropped.
const BYTES_MAX: usize = 64 << 10;
/// What an event takes beside its output.
const EVENT_BYTES: usize = 256;

/// The last events of an execution without a gap, and the number of the last one that the server has stored.
#[derive(Debug, Default)]
pub(super) struct Recent {
    events: VecDeque<StoredEvent>,
    bytes: usize,
    pub(super) last: Sequence,
    /// Whether this process runs the execution, so that this is worth keeping without a watcher.
    pub(super) runs_here: bool,
    /// The execution as this process has begun to run it, unless another process has changed something.
    begun: Option<Execution>,
    /// Grows when the watchers have to read.
    pub(super) reads_required: u64,
}

impl Recent {
    /// Begins a run of this process.
    pub(super) fn begin(&mut self, running: &Execution) {
        if self.last > running.sequence() {
            // The id has been used again.
            self.rewind(Sequence::START);
        }
        self.runs_here = true;
        self.begun = Some(running.clone());
        self.add(events_of_run(running.progress()));
    }

    /// Adds the events that are new; the numbers of these have no gaps.
    pub(super) fn add(&mut self, events: impl IntoIterator<Item = StoredEvent>) {
        for event in events {
            if event.sequence <= self.last {
                continue;
            }
            if event.sequence > self.last.next() {
                self.drop_events();
            }
            self.last = event.sequence;
            self.bytes += size_bytes(&event);
            self.events.push_back(event);
        }
        while self.events.len() > EVENTS_MAX || (self.events.len() > 1 && self.bytes > BYTES_MAX) {
            let dropped = self.events.pop_front();
            self.bytes -= dropped.as_ref().map_or(0, size_bytes);
        }
    }

    /// Notes that the server has stored events up to this one, which watchers would have to read.
    pub(super) fn skip_to(&mut self, last: Sequence) {
        if last > self.last {
            self.drop_events();
            self.last = last;
        }
    }

    /// Adds the last events of a run of this process.
    pub(super) fn end(&mut self, events: impl IntoIterator<Item = StoredEvent>) {
        self.runs_here = false;
        self.begun = None;
        self.add(events);
    }

    /// Forgets what the server has lost, or what belongs to an earlier execution with the same id.
    pub(super) fn rewind(&mut self, last: Sequence) {
        self.drop_events();
        self.last = last;
        self.require_read();
    }

    /// Makes every watcher read, since what is known may be out of date.
    pub(super) fn require_read(&mut self) {
        self.reads_required += 1;
        self.begun = None;
    }

    /// The execution as this process has begun to run it, if the submission of that is known to be still right.
    pub(super) const fn begun(&self) -> Option<&Execution> {
        self.begun.as_ref()
    }

    fn drop_events(&mut self) {
        self.events.clear();
        self.bytes = 0;
    }

    /// The event after this one, if it is kept.
    pub(super) fn event_after(&self, seen: Sequence) -> Option<StoredEvent> {
        let first = self.events.front()?.sequence.number();
        let index = seen.next().number().checked_sub(first)?;
        self.events.get(usize::try_from(index).ok()?).cloned()
    }
}

/// The events up to the start of a run, as far as they follow from it.
fn events_of_run(running: &Progress) -> Vec<StoredEvent> {
    if let State::Running { worker, started_at } = running.state()
        && let Ok(events) = start_events(running.created_at(), Some((worker.clone(), *started_at)))
        && events
            .last()
            .is_some_and(|last| last.sequence == running.sequence())
    {
        return events;
    }
    vec![StoredEvent {
        sequence: running.sequence(),
        event: Event::Updated(running.clone()),
    }]
}

fn size_bytes(event: &StoredEvent) -> usize {
    let output = match &event.event {
        Event::Output(chunk) => chunk.bytes.len(),
        Event::Updated(_) | Event::AwaitingInput(_) => 0,
    };
    EVENT_BYTES + output
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use coderun_domain::testing::{at, execution};
    use coderun_domain::{Attempt, OutputChunk, OutputStream, WorkerId};

    use super::*;

    fn sequence(number: u64) -> Sequence {
        Sequence::from_number(number)
    }

    fn outputs(numbers: impl Iterator<Item = u64>, length: usize) -> Vec<StoredEvent> {
        let output = |number| StoredEvent {
            sequence: sequence(number),
            event: Event::Output(OutputChunk {
                stream: OutputStream::Stdout,
                bytes: Bytes::from(vec![b'x'; length]),
                attempt: Attempt::from_count(1),
            }),
        };
        numbers.map(output).collect()
    }

    fn next(recent: &Recent, seen: u64) -> Option<u64> {
        let event = recent.event_after(sequence(seen));
        event.map(|event| event.sequence.number())
    }

    #[test]
    fn a_submission_is_known_until_another_process_changes_something_or_the_run_ends() {
        let worker = WorkerId::parse("worker-1").unwrap();
        let running = execution().start(worker, at(1)).unwrap();
        let mut recent = Recent::default();
        let endings: [fn(&mut Recent); 2] = [Recent::require_read, |recent| recent.end([])];
        for end in endings {
            recent.begin(&running);
            assert_eq!(recent.begun(), Some(&running));
            end(&mut recent);
            assert_eq!(recent.begun(), None);
        }
    }

    #[test]
    fn the_events_up_to_a_start_follow_from_it() {
        let worker = WorkerId::parse("worker-1").unwrap();
        let running = execution().start(worker, at(1)).unwrap();
        let mut recent = Recent::default();
        recent.begin(&running);
        assert_eq!(next(&recent, 0), Some(1));
        let events = [execution().progress().clone(), running.progress().clone()];
        for (number, progress) in events.into_iter().enumerate() {
            let event = recent.event_after(sequence(number as u64)).unwrap();
            assert_eq!(event.event, Event::Updated(progress));
        }
        assert!(recent.runs_here);
    }

    #[test]
    fn only_new_events_are_added() {
        let mut recent = Recent::default();
        recent.add(outputs(1..=3, 1));
        recent.add(outputs(2..=3, 1));
        assert_eq!(recent.last, sequence(3));
        recent.add(outputs(2..=5, 1));
        assert_eq!(
            (0..6).map(|seen| next(&recent, seen)).collect::<Vec<_>>(),
            [Some(1), Some(2), Some(3), Some(4), Some(5), None]
        );
    }

    /// A watcher that has not seen the events of the gap reads them.
    #[test]
    fn nothing_before_a_gap_in_numbers_is_kept() {
        let mut recent = Recent::default();
        recent.add(outputs(1..=2, 1));
        recent.add(outputs(5..=6, 1));
        let kept = [next(&recent, 1), next(&recent, 2), next(&recent, 4)];
        assert_eq!(kept, [None, None, Some(5)]);
        recent.skip_to(sequence(7));
        assert_eq!((next(&recent, 4), recent.last), (None, sequence(7)));
    }

    #[test]
    fn the_events_that_are_kept_are_bounded() {
        let mut recent = Recent::default();
        recent.add(outputs(1..=100, 1));
        assert_eq!((next(&recent, 35), next(&recent, 36)), (None, Some(37)));
        recent.add(outputs(101..=110, 16 << 10));
        assert_eq!((next(&recent, 106), next(&recent, 107)), (None, Some(108)));
        recent.add(outputs(111..=111, 1 << 20));
        assert_eq!((next(&recent, 109), next(&recent, 110)), (None, Some(111)));
    }
}
