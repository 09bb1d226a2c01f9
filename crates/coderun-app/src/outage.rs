//! Logs when periodic work begins to fail, for which causes, and when it works again, instead of every failure.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use coderun_domain::{Diagnosis, ErrorChain};
use parking_lot::Mutex;
use tokio::time::Instant;

/// The causes for which one operation fails that are logged; more of them would be noise.
const CAUSES_MAX: usize = 8;

/// An operation that failed this long ago is no longer tried, such as the check of a readiness that nobody asks for.
const ABANDONED_AFTER: Duration = Duration::from_mins(1);

/// A call that began during an outage may fail this long after its end.
const LATE_FAILURES: Duration = Duration::from_secs(5);

/// The failures of all periodic work of a process, which often have one cause: what one operation has logged, the others do not
/// log again. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct OutageLog(Arc<Mutex<Causes>>);

#[derive(Debug, Default)]
struct Causes {
    /// Those that were logged and are not over.
    current: Vec<Cause>,
    /// Those that are over, and since when, for as long as calls may fail late.
    over: Vec<(String, Instant)>,
}

/// A cause of failures.
#[derive(Debug)]
struct Cause {
    text: String,
    /// The operations that failed for it when they were tried last, and when that was.
    operations: HashMap<&'static str, Instant>,
    failures: u64,
}

/// The failures of one operation, such as `sweep`.
#[derive(Debug)]
pub(crate) struct Outage {
    log: OutageLog,
    operation: &'static str,
}

impl OutageLog {
    /// The part of one operation.
    pub(crate) fn of(&self, operation: &'static str) -> Outage {
        let log = self.clone();
        Outage { log, operation }
    }
}

impl Outage {
    /// Logs each cause once, and that it is over when no operation fails for it any more.
    pub(crate) fn note<T, E: Error + 'static>(&self, result: &Result<T, E>) {
        match result {
            Ok(_) => self.note_success(),
            Err(error) => self.note_failure(error),
        }
    }

    /// Logs that it works again, if it was the last that failed for a cause.
    pub(crate) fn note_success(&self) {
        let operation = self.operation;
        let failures = self.log.0.lock().end_those_of(operation);
        if failures > 0 {
            tracing::info!(operation, failures, "operation works again");
        }
    }

    /// Logs the failure with all its causes, unless this or another operation has logged it before.
    pub(crate) fn note_failure(&self, error: &(dyn Error + 'static)) {
        let error_with_causes = ErrorChain(error).to_string();
        // The causes of a diagnosis may differ each time, as in the port that was used.
        let cause = Diagnosis::of(error).unwrap_or(&error_with_causes);
        if self.begins(cause) {
            let operation = self.operation;
            tracing::warn!(
                operation,
                error = error_with_causes,
                "operation fails and is retried"
            );
        }
    }

    /// Counts a failure, and answers whether its cause is new.
    fn begins(&self, text: &str) -> bool {
        self.log.0.lock().count_failure(self.operation, text)
    }
}

impl Causes {
    /// Ends the causes for which this operation alone still failed, and returns the number of failures for them.
    fn end_those_of(&mut self, operation: &'static str) -> u64 {
        let now = Instant::now();
        let is_over = |cause: &mut Cause| {
            cause.operations.retain(|other, failed_at| {
                *other != operation && failed_at.elapsed() < ABANDONED_AFTER
            });
            cause.operations.is_empty()
        };
        let mut failures: u64 = 0;
        for cause in self.current.extract_if(.., is_over) {
            failures = failures.saturating_add(cause.failures);
            self.over.push((cause.text, now));
        }
        failures
    }

    /// Counts a failure of an operation, and answers whether its cause is new.
    fn count_failure(&mut self, operation: &'static str, text: &str) -> bool {
        self.over.retain(|(_, at)| at.elapsed() < LATE_FAILURES);
        if let Some(cause) = self.current.iter_mut().find(|cause| cause.text == text) {
            cause.failures = cause.failures.saturating_add(1);
            cause.operations.insert(operation, Instant::now());
            return false;
        }
        let is_late = self.over.iter().any(|(over, _)| over == text);
        let own = self.current.iter();
        let own = own.filter(|cause| cause.operations.contains_key(operation));
        if is_late || own.count() >= CAUSES_MAX {
            return false;
        }
        self.current.push(Cause {
            text: text.to_owned(),
            operations: HashMap::from([(operation, Instant::now())]),
            failures: 1,
        });
        true
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Error as Refused;
    use std::io::{Error as IoError, ErrorKind};

    use super::*;

    const REDIS: &str = "redis is down";

    impl OutageLog {
        /// The failures for each cause that is not over.
        fn failures(&self) -> Vec<u64> {
            let causes = self.0.lock();
            causes.current.iter().map(|cause| cause.failures).collect()
        }
    }

    #[test]
    fn each_cause_is_counted_until_the_operation_works() {
        let log = OutageLog::default();
        let outage = log.of("test");
        outage.note::<(), _>(&Err(Refused));
        outage.note::<(), _>(&Err(Refused));
        outage.note::<(), _>(&Err(IoError::from(ErrorKind::TimedOut)));
        assert_eq!(log.failures(), [2, 1]);
        outage.note::<_, Refused>(&Ok(()));
        assert_eq!(log.failures(), [0; 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn operations_that_fail_for_one_cause_begin_and_end_one_outage() {
        let log = OutageLog::default();
        let [take, sweep, announce] = ["take", "sweep", "announce"].map(|name| log.of(name));
        assert!(take.begins(REDIS));
        assert!(!sweep.begins(REDIS));
        sweep.note_success();
        assert_eq!(log.failures(), [2], "a part of redis is still down");
        take.note_success();
        assert_eq!(log.failures(), [0; 0]);
        tokio::time::advance(LATE_FAILURES / 2).await;
        assert!(!announce.begins(REDIS), "it began before the end");
        tokio::time::advance(LATE_FAILURES / 2).await;
        assert!(announce.begins(REDIS), "the next outage");
        tokio::time::advance(ABANDONED_AFTER).await;
        assert!(!take.begins(REDIS));
        take.note_success();
        assert_eq!(log.failures(), [0; 0], "nobody announces any more");
    }

    #[test]
    fn a_cause_is_not_over_when_an_operation_works_that_did_not_fail_for_it() {
        let log = OutageLog::default();
        let [take, sweep] = ["take", "sweep"].map(|operation| log.of(operation));
        assert!(take.begins("the runner is down"));
        assert!(sweep.begins(REDIS));
        sweep.note_success();
        assert!(!take.begins("the runner is down"));
        assert_eq!(log.failures(), [2]);
    }

    #[test]
    fn one_diagnosis_is_one_cause() {
        let log = OutageLog::default();
        for number in 0..2 {
            let source = IoError::other(number.to_string());
            let error = Diagnosis::new("the memory is full", source);
            log.of("test").note::<(), _>(&Err(error));
        }
        assert_eq!(log.failures(), [2]);
    }

    #[test]
    fn causes_that_always_differ_are_not_logged_without_end() {
        let log = OutageLog::default();
        for number in 0..100 {
            let error = IoError::other(number.to_string());
            log.of("test").note::<(), _>(&Err(error));
        }
        assert_eq!(log.failures().len(), CAUSES_MAX);
    }
}
