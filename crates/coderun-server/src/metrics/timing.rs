//! How long calls of the storage take, by how they end.

use std::fmt;
use std::sync::OnceLock;
use std::time::Instant;

use coderun_domain::{InputError, QueueError, RegistryError, StoreError, TicketError, WatchError};
use metrics::{Histogram, histogram};

use super::catalog::STORAGE_DURATION;

/// Measures one operation of one backend. Costs two looks at the clock and one atomic step where all is well.
pub(super) struct Timing {
    backend: &'static str,
    operation: &'static str,
    /// Made when it is first used, so that there is nothing to see of what a role never does.
    ok: OnceLock<Histogram>,
}

impl Timing {
    pub(super) const fn new(backend: &'static str, operation: &'static str) -> Self {
        Self {
            backend,
            operation,
            ok: OnceLock::new(),
        }
    }

    /// Measures a call that is to be made. One that is dropped before its end is not counted.
    pub(super) async fn of<T, E: Failure>(
        &self,
        call: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let began = Instant::now();
        let result = call.await;
        let took = began.elapsed();
        match &result {
            Ok(_) => self.ok.get_or_init(|| self.histogram("ok")).record(took),
            Err(error) => self.histogram(error.result()).record(took),
        }
        result
    }

    fn histogram(&self, result: &'static str) -> Histogram {
        histogram!(
            STORAGE_DURATION,
            "backend" => self.backend,
            "operation" => self.operation,
            "result" => result,
        )
    }
}

impl fmt::Debug for Timing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timing({})", self.operation)
    }
}

/// How a call failed, in one of few words.
pub(super) trait Failure {
    fn result(&self) -> &'static str;
}

const REFUSED: &str = "refused";
const UNAVAILABLE: &str = "unavailable";
const CORRUPT: &str = "corrupt";

impl Failure for StoreError {
    fn result(&self) -> &'static str {
        match self {
            Self::Full { .. } | Self::QuotaExceeded { .. } => REFUSED,
            Self::Unavailable { .. } => UNAVAILABLE,
            Self::Corrupt { .. } => CORRUPT,
        }
    }
}

impl Failure for QueueError {
    fn result(&self) -> &'static str {
        match self {
            Self::LeaseLost => REFUSED,
            Self::Unavailable { .. } => UNAVAILABLE,
            Self::Corrupt { .. } => CORRUPT,
        }
    }
}

impl Failure for WatchError {
    fn result(&self) -> &'static str {
        match self {
            Self::Gone => REFUSED,
            Self::Unavailable { .. } => UNAVAILABLE,
        }
    }
}

impl Failure for InputError {
    fn result(&self) -> &'static str {
        match self {
            Self::LeaseLost | Self::Forgotten => REFUSED,
            Self::Unavailable { .. } => UNAVAILABLE,
        }
    }
}

impl Failure for TicketError {
    fn result(&self) -> &'static str {
        match self {
            Self::Absent | Self::TooMany { .. } => REFUSED,
            Self::Unavailable { .. } => UNAVAILABLE,
        }
    }
}

impl Failure for RegistryError {
    fn result(&self) -> &'static str {
        match self {
            Self::Unavailable { .. } => UNAVAILABLE,
        }
    }
}
