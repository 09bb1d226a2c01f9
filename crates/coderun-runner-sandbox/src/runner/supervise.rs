//! Supervises a running stage: enforces its limits on time, memory and processes, and waits for its end.

use std::io;
use std::num::NonZero;
use std::os::fd::OwnedFd;
use std::time::Duration;

use coderun_domain::StageLimits;
use rustix::io::Errno;
use tokio::net::UnixStream;
use tokio::time::{Instant, sleep_until};

use super::stage::{END_DEADLINE, StageGuard};
use super::stage_end::{StageEnd, StageError};
use super::stage_signals::{StageSignals, StopReason};
use super::waiting_program::{Place, WaitingProgram};
use crate::cgroup::{Frozen, GroupUsage, OutsideLimit, machine_memory_kills};
use crate::process_watch::ProcessWatch;
use crate::protocol::{InitReport, LauncherMessage, MESSAGE_MAX_BYTES, decode};

/// Supervises a stage to its end, and kills it when it exceeds a limit or when its end is requested.
pub(super) async fn supervise(
    guard: &StageGuard,
    socket: OwnedFd,
    limits: &StageLimits,
    signals: &StageSignals,
    processors: NonZero<u32>,
) -> Result<StageEnd, StageError> {
    let mut supervisor = Supervisor {
        guard,
        limits,
        signals,
        socket: UnixStream::from_std(socket.into()).map_err(StageError::Launcher)?,
        started: Instant::now(),
        killed: None,
        processors,
        watch: None,
        machine_kills_before: (!guard.is_counted()).then(machine_memory_kills).flatten(),
        sampled: GroupUsage::default(),
        waiting: WaitingProgram::default(),
    };
    let end = supervisor.until_end().await;
    // Also after an error, so that no task waits for ever.
    signals.gone.send_replace(true);
    end
}

struct Supervisor<'a> {
    guard: &'a StageGuard,
    limits: &'a StageLimits,
    signals: &'a StageSignals,
    socket: UnixStream,
    started: Instant,
    killed: Option<Instant>,
    processors: NonZero<u32>,
    /// Polls the processes, where no group counts what they use.
    watch: Option<ProcessWatch>,
    /// How many processes the machine had killed for lack of memory at the start, where no group counts that.
    machine_kills_before: Option<u64>,
    sampled: GroupUsage,
    waiting: WaitingProgram,
}

impl Supervisor<'_> {
    async fn until_end(&mut self) -> Result<StageEnd, StageError> {
        let first_pause = self.pause(&self.sampled).max(CHECK_INTERVAL_MIN);
        let mut next_check = self.started + first_pause;
        let mut kill_deadline = None;
        let mut is_launcher_alive = false;
        loop {
            let is_stopping = kill_deadline.is_some();
            let wake = kill_deadline.unwrap_or(next_check);
            tokio::select! {
                message = receive(&self.socket) => {
                    let message = match message {
                        // It dies with the launcher.
                        Err(_) if is_stopping && self.signals.first_process().is_some() => {
                            return self.end_while_dying(false);
                        }
                        message => message.map_err(StageError::Launcher)?,
                    };
                    match message {
                        LauncherMessage::Started { pid } => {
                            self.signals.first_process.get_or_init(|| pid);
                            let is_counted = self.guard.is_counted();
                            let watch = || ProcessWatch::new(pid, *self.limits);
                            self.watch = (!is_counted).then(watch);
                        }
                        LauncherMessage::Killed => {
                            is_launcher_alive = true;
                            kill_deadline = Some(Instant::now() + self.patience());
                        }
                        LauncherMessage::Ended { report, was_killed } => {
                            return self.end(report, was_killed);
                        }
                        // It was killed while it was being built, which the launcher cannot tell from a fault.
                        LauncherMessage::Refused { .. } if is_stopping => {
                            return self.end(None, true);
                        }
                        LauncherMessage::Refused { reason } => {
                            return Err(StageError::NotBuilt(reason));
                        }
                    }
                }
                () = self.signals.stop_requested(), if !is_stopping => {
                    self.guard.kill();
                    let killed = *self.killed.insert(Instant::now());
                    kill_deadline = Some(killed + END_DEADLINE);
                }
                () = self.signals.place.until(Place::Held), if self.waiting.is_frozen() => self.thaw().await,
                () = sleep_until(wake) => {
                    if is_stopping {
                        return self.end_while_dying(!is_launcher_alive);
                    }
                    next_check = self.check_limits().await.map_err(StageError::Launcher)?;
                }
            }
        }
    }

    fn end(
        &mut self,
        report: Option<InitReport>,
        was_killed: bool,
    ) -> Result<StageEnd, StageError> {
        let (program, out_of_memory) = match report {
            Some(InitReport::Ended(program)) => {
                let watch = self.watch.as_ref();
                let is_too_large = watch.is_some_and(|it| it.is_too_large(program.peak_bytes));
                (Some(program), is_too_large.then_some(StopReason::Memory))
            }
            // The memory limit is too low even for the sandbox itself.
            Some(InitReport::Failed { errno, .. }) if errno == libc::ENOMEM => {
                (None, Some(StopReason::Memory))
            }
            Some(InitReport::Failed { step, errno }) => {
                let errno = Errno::from_raw_os_error(errno);
                return Err(StageError::NotBuilt(format!("could not {step}: {errno}")));
            }
            None if self.signals.reason().is_some() => (None, None),
            None if was_killed => {
                self.sampled.outside = self.sampled.outside.or_else(|| self.machine_is_full());
                (None, None)
            }
            None => return Err(StageError::NoReport),
        };
        Ok(StageEnd {
            stopped: self.signals.reason().or(out_of_memory),
            program,
            is_gone: true,
            ..self.end_without_report()
        })
    }

    /// Whether the machine itself lacked memory while the stage ran. A group counts that by itself.
    fn machine_is_full(&self) -> Option<OutsideLimit> {
        let before = self.machine_kills_before?;
        (machine_memory_kills()? > before).then_some(OutsideLimit::Memory)
    }

    /// The end of a stage that is to be killed and is not known to be gone. If it has begun, that is the reason for the kill, also
    /// where the launcher hangs.
    fn end_while_dying(&self, launcher_hangs: bool) -> Result<StageEnd, StageError> {
        if launcher_hangs && self.signals.first_process().is_none() {
            return Err(StageError::Launcher(io::ErrorKind::TimedOut.into()));
        }
        Ok(StageEnd {
            launcher_hangs,
            ..self.end_without_report()
        })
    }

    /// The end of a stage that was killed, while the kernel has not ended it.
    fn end_without_report(&self) -> StageEnd {
        StageEnd {
            stopped: self.signals.reason(),
            program: None,
            is_gone: false,
            launcher_hangs: false,
            wall: self.killed.unwrap_or_else(Instant::now) - self.started,
            sampled: self.sampled,
        }
    }

    /// How long a killed program may take to end before its verdict is told. One that was cancelled is gone by then.
    fn patience(&self) -> Duration {
        match self.signals.reason() {
            Some(StopReason::Cancelled) => END_DEADLINE,
            _ => SLOW_END,
        }
    }

    /// Checks time and usage against the limits, and returns when to check again.
    async fn check_limits(&mut self) -> io::Result<Instant> {
        let used = self.usage().await?;
        self.sampled = self.sampled.max(used);
        let cpu_used = used.cpu.unwrap_or_default();
        let exceeded = if let Some(limit) = used.outside {
            Some(match limit {
                OutsideLimit::Memory => StopReason::Memory,
                OutsideLimit::Processes => StopReason::Processes,
            })
        } else if used.memory_kills > 0 {
            Some(StopReason::Memory)
        } else if used.processes_refused > 0 {
            Some(StopReason::Processes)
        } else if cpu_used >= self.limits.cpu_time() {
            Some(self.out_of_time(StopReason::CpuTime))
        } else if self.elapsed() >= self.limits.wall_time() {
            Some(self.out_of_time(StopReason::WallTime))
        } else {
            None
        };
        if let Some(reason) = exceeded {
            self.signals.stop(reason);
        } else if self.waiting.is_frozen() {
            self.keep_frozen(cpu_used).await;
        } else if self.waiting.has_gone_on(self.signals.place.get(), cpu_used) {
            self.freeze().await;
        }
        Ok(Instant::now() + self.pause(&used).max(CHECK_INTERVAL_MIN))
    }

    /// The limit to blame when the time is over: that of memory if the program spent its time on the lack of it.
    fn out_of_time(&self, time: StopReason) -> StopReason {
        if self.guard.is_memory_exhausted() {
            StopReason::Memory
        } else {
            time
        }
    }

    /// Stops the program until the run has a place again.
    async fn freeze(&mut self) {
        let first_process = self.signals.first_process();
        self.guard.set_frozen(Frozen::Yes, first_process).await;
        self.waiting.mark_frozen();
        self.signals.place.set(Place::Wanted);
    }

    /// Stops what signals did not reach when it was frozen: what was started meanwhile, and what was continued. A program that
    /// always continues itself is killed.
    async fn keep_frozen(&mut self, cpu_used: Duration) {
        let watch = self.watch.as_ref();
        let is_multiplying = watch.is_some_and(ProcessWatch::is_multiplying);
        let has_stirred = self.waiting.has_stirred(cpu_used);
        if self.waiting.cannot_be_frozen(cpu_used) {
            self.signals.stop(StopReason::NotFrozen);
        } else if has_stirred || is_multiplying {
            let first_process = self.signals.first_process();
            self.guard.set_frozen(Frozen::Yes, first_process).await;
        }
    }

    async fn thaw(&mut self) {
        let first_process = self.signals.first_process();
        self.guard.set_frozen(Frozen::No, first_process).await;
        self.waiting.mark_thawed();
    }

    /// The time that counts against the limit.
    fn elapsed(&self) -> Duration {
        let elapsed = self.started.elapsed();
        elapsed.saturating_sub(self.waiting.frozen_for())
    }

    /// The time within which no limit can be exceeded by much, within bounds.
    fn pause(&self, used: &GroupUsage) -> Duration {
        let cpu_used = used.cpu.unwrap_or_default();
        let cpu_left = self.limits.cpu_time().saturating_sub(cpu_used);
        let wall_left = self.limits.wall_time().saturating_sub(self.elapsed());
        // With more processors the CPU time goes by faster than the clock.
        let cpu_left = cpu_left / self.processors.get();
        let watch = self.watch.as_ref();
        let is_idle = watch.is_some_and(ProcessWatch::is_idle);
        let longest = match self.signals.place.get() {
            Place::Held if !is_idle => CHECK_INTERVAL_MAX,
            Place::Held | Place::Given | Place::Wanted => IDLE_CHECK_INTERVAL,
        };
        let pause = cpu_left.min(wall_left).min(longest);
        if self.guard.is_counted() {
            // The kernel keeps the limit on memory.
            return pause;
        }
        let cost = watch.map_or(Duration::ZERO, ProcessWatch::cost);
        if watch.is_some_and(ProcessWatch::is_multiplying) {
            return cost;
        }
        let memory_used = used.memory_bytes.unwrap_or_default();
        let memory_left = self.limits.memory().as_bytes().saturating_sub(memory_used);
        let until_full = Duration::from_micros(memory_left / FILLED_BYTES_PER_US);
        // Looking takes no more than some of the time, however much there is to look at.
        pause.min(until_full).max(cost * PAUSE_FACTOR)
    }

    async fn usage(&mut self) -> io::Result<GroupUsage> {
        let counted = self.guard.usage();
        if counted.cpu.is_some() {
            return Ok(counted);
        }
        let Some(mut watch) = self.watch.take() else {
            // It has not begun.
            return Ok(self.sampled);
        };
        let look = move || {
            let usage = watch.look();
            (watch, usage)
        };
        let (watch, usage) = tokio::task::spawn_blocking(look).await?;
        self.watch = Some(watch);
        Ok(usage)
    }
}

/// The time after which a run does not wait for the end of its killed program. The kernel needs milliseconds, unless the machine
/// is overloaded, or has much to take down.
const SLOW_END: Duration = Duration::from_secs(2);

/// The shortest and the longest time between two checks: a program may exceed a limit by this much.
const CHECK_INTERVAL_MIN: Duration = Duration::from_millis(2);
const CHECK_INTERVAL_MAX: Duration = Duration::from_millis(20);

/// The longest time between two checks of a program that waits for a person or uses no processor time: there may be many of them.
const IDLE_CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// The pause after a look is at least this many times what the look cost.
const PAUSE_FACTOR: u32 = 4;

/// How fast all processors together fill memory at most, in bytes per microsecond: 4 GB per second.
const FILLED_BYTES_PER_US: u64 = 4000;

/// Receives the launcher's next message. Cancel-safe.
///
/// The socket keeps messages apart, so a short read is a whole message and another one may follow.
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

#[cfg(test)]
mod tests;
