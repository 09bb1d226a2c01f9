//! Watches over a stage while it runs: its clocks, its group, and the launcher's word that it has ended.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::OnceLock;
use std::time::Duration;

use coderun_domain::StageLimits;
use rustix::io::Errno;
use tokio::net::UnixStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::stage::{END_DEADLINE, StageGuard};
use crate::cgroup::GroupUsage;
use crate::process_tree;
use crate::protocol::{Done, InitReport, LauncherMessage, MESSAGE_MAX_BYTES, decode};

/// Why a stage was killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StopReason {
    Cancelled,
    CpuTime,
    WallTime,
    Memory,
    Processes,
    Output,
}

/// Where both sides of a stage learn of its beginning, ask for its end, and learn of that.
#[derive(Debug)]
pub(super) struct StageSignals {
    first_process: OnceLock<i32>,
    reason: watch::Sender<Option<StopReason>>,
    gone: watch::Sender<bool>,
}

impl StageSignals {
    pub(super) fn new() -> Self {
        Self {
            first_process: OnceLock::new(),
            reason: watch::Sender::new(None),
            gone: watch::Sender::new(false),
        }
    }

    /// The first process of the sandbox, as it is numbered outside; `None` until it exists.
    pub(super) fn first_process(&self) -> Option<i32> {
        self.first_process.get().copied()
    }

    /// Asks for the end. The first reason counts.
    pub(super) fn stop(&self, reason: StopReason) {
        self.reason.send_if_modified(|current| {
            let is_first = current.is_none();
            current.get_or_insert(reason);
            is_first
        });
    }

    /// Waits until the stage is gone.
    pub(super) async fn gone(&self) {
        // The sender lives as long as this does.
        let _ = self.gone.subscribe().wait_for(|gone| *gone).await;
    }

    async fn asked(&self) {
        let mut reason = self.reason.subscribe();
        // The sender lives as long as this does.
        let _ = reason.wait_for(Option::is_some).await;
    }

    fn reason(&self) -> Option<StopReason> {
        *self.reason.borrow()
    }
}

/// How a stage ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct StageEnd {
    /// Why it was killed, if it was.
    pub(super) stopped: Option<StopReason>,
    /// What its first process reported, unless it was killed before.
    pub(super) done: Option<Done>,
    /// From the dispatch to the end.
    pub(super) wall: Duration,
    /// What was seen of its processes where no group counts.
    pub(super) seen: GroupUsage,
}

/// Why the end of a stage is not known.
#[derive(Debug, thiserror::Error)]
pub(super) enum StageError {
    /// The sandbox could not be built.
    #[error("{0}")]
    NotBuilt(String),
    /// The launcher died, broke its word, or does not answer ([`io::ErrorKind::TimedOut`]).
    #[error("the sandbox launcher failed")]
    Launcher(#[source] io::Error),
}

impl StageError {
    /// Whether the launcher is there but does not do its work.
    pub(super) fn launcher_hangs(&self) -> bool {
        match self {
            Self::NotBuilt(_) => false,
            Self::Launcher(error) => error.kind() == io::ErrorKind::TimedOut,
        }
    }
}

/// Watches a stage to its end, and ends it when it exceeds a limit or when somebody asks for it.
pub(super) async fn supervise(
    guard: &StageGuard,
    socket: OwnedFd,
    limits: &StageLimits,
    signals: &StageSignals,
) -> Result<StageEnd, StageError> {
    let mut watch = Watch {
        guard,
        limits,
        signals,
        socket: UnixStream::from_std(socket.into()).map_err(StageError::Launcher)?,
        started: Instant::now(),
        seen: GroupUsage::default(),
    };
    let end = watch.until_end().await;
    // Also after an error: nobody else would tell those who wait.
    signals.gone.send_replace(true);
    end
}

struct Watch<'a> {
    guard: &'a StageGuard,
    limits: &'a StageLimits,
    signals: &'a StageSignals,
    socket: UnixStream,
    started: Instant,
    seen: GroupUsage,
}

impl Watch<'_> {
    async fn until_end(&mut self) -> Result<StageEnd, StageError> {
        let mut next_look = self.started + self.until_next_look(Duration::ZERO);
        let mut kill_deadline = None;
        loop {
            let asked = kill_deadline.is_some();
            let wake = kill_deadline.unwrap_or(next_look);
            tokio::select! {
                message = receive(&self.socket) => {
                    match message.map_err(StageError::Launcher)? {
                        LauncherMessage::Started { pid } => {
                            self.signals.first_process.get_or_init(|| pid);
                        }
                        LauncherMessage::Ended { report } => return self.end(report),
                        LauncherMessage::Refused { reason } => {
                            return Err(StageError::NotBuilt(reason));
                        }
                    }
                }
                () = self.signals.asked(), if !asked => {
                    self.guard.kill();
                    kill_deadline = Some(Instant::now() + END_DEADLINE);
                }
                () = sleep_until(wake) => {
                    if asked {
                        return Err(StageError::Launcher(io::ErrorKind::TimedOut.into()));
                    }
                    next_look = Instant::now() + self.look();
                }
            }
        }
    }

    fn end(&self, report: Option<InitReport>) -> Result<StageEnd, StageError> {
        let (done, out_of_memory) = match report {
            Some(InitReport::Done(done)) => (Some(done), None),
            // So little memory that not even the sandbox fits into it.
            Some(InitReport::Failed { errno, .. }) if errno == libc::ENOMEM => {
                (None, Some(StopReason::Memory))
            }
            Some(InitReport::Failed { step, errno }) => {
                let errno = Errno::from_raw_os_error(errno);
                return Err(StageError::NotBuilt(format!("could not {step}: {errno}")));
            }
            None => (None, None),
        };
        Ok(StageEnd {
            stopped: self.signals.reason().or(out_of_memory),
            done,
            wall: self.started.elapsed(),
            seen: self.seen,
        })
    }

    /// Looks at the clocks and at the group; answers when to look again.
    fn look(&mut self) -> Duration {
        let used = self.usage();
        let cpu_used = used.cpu.unwrap_or_default();
        let exceeded = if used.memory_kills > 0 {
            Some(StopReason::Memory)
        } else if used.processes_refused > 0 {
            Some(StopReason::Processes)
        } else if cpu_used >= self.limits.cpu_time() {
            Some(StopReason::CpuTime)
        } else if self.started.elapsed() >= self.limits.wall_time() {
            Some(StopReason::WallTime)
        } else {
            None
        };
        if let Some(reason) = exceeded {
            self.signals.stop(reason);
        }
        self.until_next_look(cpu_used)
    }

    /// How long no limit of time can be exceeded, within bounds.
    fn until_next_look(&self, cpu_used: Duration) -> Duration {
        let cpu_left = self.limits.cpu_time().saturating_sub(cpu_used);
        let wall_left = self
            .limits
            .wall_time()
            .saturating_sub(self.started.elapsed());
        // With more processors the CPU time goes by faster than the clock.
        let cpu_left = cpu_left / u32::try_from(processors()).unwrap_or(1);
        cpu_left.min(wall_left).clamp(LOOK_MIN, LOOK_MAX)
    }

    fn usage(&mut self) -> GroupUsage {
        let counted = self.guard.usage();
        if counted.cpu.is_some() {
            return counted;
        }
        let Some(first_process) = self.signals.first_process() else {
            return self.seen;
        };
        self.seen = process_tree::look(first_process, self.limits, self.seen);
        self.seen
    }
}

/// The shortest and the longest time between two looks: a program may exceed a limit by this much.
const LOOK_MIN: Duration = Duration::from_millis(2);
const LOOK_MAX: Duration = Duration::from_millis(20);

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Receives the launcher's next message. Cancel-safe.
///
/// The socket keeps messages apart, so a short read is a message and says nothing about whether there is another.
async fn receive(socket: &UnixStream) -> io::Result<LauncherMessage> {
    let mut buffer = [0_u8; MESSAGE_MAX_BYTES];
    loop {
        socket.readable().await?;
        match socket.try_read(&mut buffer) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(length) => return decode(buffer.get(..length).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}
