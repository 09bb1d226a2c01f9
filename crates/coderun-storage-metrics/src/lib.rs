//! Times the calls of every storage backend, by operation and result.
//!
//! A backend has one [`StorageTimer`] and passes the calls of its ports through it. It records to the recorder that the
//! process has installed; without one nothing is kept. A call costs two readings of the clock, a
//! search in a short list, and one atomic operation.

use std::fmt;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use coderun_domain::{InputError, QueueError, RegistryError, StoreError, TicketError, WatchError};
use metrics::{Histogram, counter, histogram};

/// Durations of storage calls in seconds, by `backend`, `operation` and `result`.
///
/// The result is `ok`, `refused` (by a rule of the service), `unavailable` or `corrupt`.
pub const STORAGE_DURATION: &str = "coderun_storage_duration_seconds";

/// Index entries and counts that contradicted the executions and were repaired, by `backend`.
pub const STORAGE_REPAIRS: &str = "coderun_storage_repairs_total";

/// The operations of all ports. The handle of each is looked up once.
const OPERATIONS: [&str; 24] = [
    "append",
    "renew",
    "take",
    "finish",
    "submit",
    "get",
    "subscribe",
    "receive_input",
    "send_input",
    "release",
    "sweep",
    "depth",
    "list",
    "request_cancel",
    "delete",
    "queue_position",
    "usage",
    "issue_ticket",
    "redeem_ticket",
    "announce",
    "withdraw",
    "offers",
    "check_store",
    "check_queue",
];

/// Times the calls of one backend.
pub struct StorageTimer {
    backend: &'static str,
    /// Created at the first call, because no recorder may be installed before, and a role does not use every operation.
    succeeded: [OnceLock<Histogram>; OPERATIONS.len()],
}

impl fmt::Debug for StorageTimer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StorageTimer({})", self.backend)
    }
}

impl StorageTimer {
    /// A timer for the backend of this name.
    #[must_use]
    pub const fn new(backend: &'static str) -> Self {
        Self {
            backend,
            succeeded: [const { OnceLock::new() }; OPERATIONS.len()],
        }
    }

    /// Waits for a call and records its duration. A call that is dropped before it ends is not recorded.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn time<T, E: StorageError>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let began = Instant::now();
        let result = call.await;
        let took = began.elapsed();
        match &result {
            Ok(_) => self.record_success(operation, took),
            Err(error) => self.histogram(operation, error.result()).record(took),
        }
        result
    }

    /// Counts repairs of what contradicted the stored executions.
    pub fn count_repairs(&self, repaired: u64) {
        if repaired > 0 {
            counter!(STORAGE_REPAIRS, "backend" => self.backend).increment(repaired);
        }
    }

    fn record_success(&self, operation: &'static str, took: Duration) {
        let mut handles = OPERATIONS.iter().zip(&self.succeeded);
        let make = || self.histogram(operation, "ok");
        match handles.find(|(name, _)| **name == operation) {
            Some((_, handle)) => handle.get_or_init(make).record(took),
            None => make().record(took),
        }
    }

    fn histogram(&self, operation: &'static str, result: &'static str) -> Histogram {
        histogram!(
            STORAGE_DURATION,
            "backend" => self.backend,
            "operation" => operation,
            "result" => result,
        )
    }
}

/// The error of a storage port, which has one of few results in metrics.
pub trait StorageError {
    /// The value of the label `result`.
    fn result(&self) -> &'static str;
}

/// Maps the variants of an error to results.
macro_rules! results {
    ($error:ident, $($variants:pat => $result:literal),+) => {
        impl StorageError for $error {
            fn result(&self) -> &'static str {
                match self {
                    $($variants => $result,)+
                    Self::Unavailable { .. } => "unavailable",
                }
            }
        }
    };
}

results!(StoreError, Self::Full { .. } | Self::QuotaExceeded { .. } => "refused", Self::Corrupt { .. } => "corrupt");
results!(QueueError, Self::LeaseLost => "refused", Self::Corrupt { .. } => "corrupt");
results!(WatchError, Self::Gone => "refused");
results!(InputError, Self::LeaseLost | Self::Forgotten => "refused");
results!(TicketError, Self::Absent | Self::TooMany { .. } => "refused");

impl StorageError for RegistryError {
    fn result(&self) -> &'static str {
        match self {
            Self::Unavailable { .. } => "unavailable",
        }
    }
}
