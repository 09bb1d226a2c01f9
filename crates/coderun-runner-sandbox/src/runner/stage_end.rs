//! Says how a stage ended, or why that is not known.

use std::io;
use std::time::Duration;

use super::stage_signals::StopReason;
use crate::cgroup::GroupUsage;
use crate::protocol::ProgramEnd;

/// How a stage ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct StageEnd {
    /// The reason for which it was killed, if it was.
    pub(super) stopped: Option<StopReason>,
    /// The report of its first process, unless that was killed before.
    pub(super) program: Option<ProgramEnd>,
    /// Whether the kernel has ended all its processes. It may take its time to end those that were killed.
    pub(super) is_gone: bool,
    /// Whether the launcher did not answer when it was to kill it: it dies with the launcher.
    pub(super) launcher_hangs: bool,
    /// From the dispatch to the end, or to the kill.
    pub(super) wall: Duration,
    /// The greatest usage that was found while it ran.
    pub(super) sampled: GroupUsage,
}

/// The reason for which the end of a stage is not known.
#[derive(Debug, thiserror::Error)]
pub(super) enum StageError {
    /// The sandbox could not be built.
    #[error("{0}")]
    NotBuilt(String),
    /// The first process ended by itself and did not say how the program ended.
    #[error("the first process of the sandbox ended without a report")]
    NoReport,
    /// The launcher died, broke the protocol, or does not answer ([`io::ErrorKind::TimedOut`]).
    #[error("the sandbox launcher failed")]
    Launcher(#[source] io::Error),
}

impl StageError {
    /// Whether the launcher runs but does not answer.
    pub(super) fn launcher_hangs(&self) -> bool {
        match self {
            Self::NotBuilt(_) | Self::NoReport => false,
            Self::Launcher(error) => error.kind() == io::ErrorKind::TimedOut,
        }
    }
}
