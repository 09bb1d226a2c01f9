//! Implements the ports for time and randomness with the operating system, and names the process.

use coderun_domain::{Clock, ExecutionId, IdGenerator, UserId, WorkerId};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use time::OffsetDateTime;
use uuid::Uuid;

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the adapter of the `Clock` port")]
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }
}

/// Ids with 122 random bits, and secrets with 256.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RandomIds;

impl IdGenerator for RandomIds {
    fn execution_id(&self, _user: &UserId) -> ExecutionId {
        ExecutionId::from_uuid(random())
    }

    fn secret(&self) -> [u8; 32] {
        // Every byte of a random UUID is random but two, which hold its version and its variant.
        let is_random = |(index, byte): (usize, u8)| (index != 6 && index != 8).then_some(byte);
        let uuids = std::iter::repeat_with(|| random().into_bytes());
        let mut bytes = uuids.flat_map(|uuid| uuid.into_iter().enumerate().filter_map(is_random));
        std::array::from_fn(|_| bytes.next().unwrap_or_default())
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the source of randomness of this process"
)]
fn random() -> Uuid {
    Uuid::new_v4()
}

/// A random seed, so that processes do not act in step.
pub(crate) fn seed() -> u64 {
    let (upper, lower) = random().as_u64_pair();
    upper ^ lower
}

/// A unique id for the worker of this process.
pub(crate) fn worker_id() -> anyhow::Result<WorkerId> {
    Ok(WorkerId::parse(format!(
        "{}-{}",
        std::process::id(),
        random()
    ))?)
}

/// Raises the limit of open files of this process as far as allowed.
pub(crate) fn raise_open_files_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        let error = std::io::Error::from(error);
        tracing::warn!(%error, "cannot raise the limit of open files");
    }
}

/// The limit of open files of this process; `None` if there is none.
pub(crate) fn open_files_limit() -> Option<usize> {
    let limit = getrlimit(Resource::Nofile).current?;
    Some(usize::try_from(limit).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_of_a_secret_is_random() {
        let secrets: Vec<_> = (0..64).map(|_| RandomIds.secret()).collect();
        for index in 0..32 {
            let mut seen: Vec<_> = secrets.iter().map(|secret| secret[index]).collect();
            seen.sort_unstable();
            seen.dedup();
            assert!(seen.len() > 32, "byte {index} has {} values", seen.len());
        }
    }
}
