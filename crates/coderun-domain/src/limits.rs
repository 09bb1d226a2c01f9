//! Defines the resource limits of a program and those that a caller may ask for.

use std::time::Duration;

use crate::{ByteSize, Field, FieldProblem, LanguageLimits, LimitName, SubmissionError};

/// Limits of one stage, compiling or running. None of them is zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StageLimits {
    cpu_time: Duration,
    wall_time: Duration,
    memory: ByteSize,
    processes: u32,
}

impl StageLimits {
    /// Limits of one stage.
    ///
    /// # Errors
    /// [`ZeroLimit`] names the first that is zero.
    pub fn new(
        cpu_time: Duration,
        wall_time: Duration,
        memory: ByteSize,
        processes: u32,
    ) -> Result<Self, ZeroLimit> {
        non_zero("cpu_time", cpu_time.is_zero())?;
        non_zero("wall_time", wall_time.is_zero())?;
        non_zero("memory", memory == ByteSize::default())?;
        non_zero("processes", processes == 0)?;
        Ok(Self {
            cpu_time,
            wall_time,
            memory,
            processes,
        })
    }

    /// CPU time of all its processes together.
    #[must_use]
    pub const fn cpu_time(&self) -> Duration {
        self.cpu_time
    }

    /// Wall time.
    #[must_use]
    pub const fn wall_time(&self) -> Duration {
        self.wall_time
    }

    /// Memory of all its processes together.
    #[must_use]
    pub const fn memory(&self) -> ByteSize {
        self.memory
    }

    /// Processes and threads at one time.
    #[must_use]
    pub const fn processes(&self) -> u32 {
        self.processes
    }
}

/// Limits of the files and streams of one execution. None of them is zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StorageLimits {
    output: ByteSize,
    file_size: ByteSize,
    disk: ByteSize,
    open_files: u32,
}

impl StorageLimits {
    /// Limits of files and streams.
    ///
    /// # Errors
    /// [`ZeroLimit`] names the first that is zero.
    pub fn new(
        output: ByteSize,
        file_size: ByteSize,
        disk: ByteSize,
        open_files: u32,
    ) -> Result<Self, ZeroLimit> {
        non_zero("output", output == ByteSize::default())?;
        non_zero("file_size", file_size == ByteSize::default())?;
        non_zero("disk", disk == ByteSize::default())?;
        non_zero("open_files", open_files == 0)?;
        Ok(Self {
            output,
            file_size,
            disk,
            open_files,
        })
    }

    /// The most that is kept of each of stdout and stderr.
    #[must_use]
    pub const fn output(&self) -> ByteSize {
        self.output
    }

    /// The size of any one file.
    #[must_use]
    pub const fn file_size(&self) -> ByteSize {
        self.file_size
    }

    /// All files of the execution together.
    #[must_use]
    pub const fn disk(&self) -> ByteSize {
        self.disk
    }

    /// Open file descriptors of one process.
    #[must_use]
    pub const fn open_files(&self) -> u32 {
        self.open_files
    }
}

/// All limits of one execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Limits while the program runs.
    pub run: StageLimits,
    /// Limits while the program is compiled.
    pub compile: StageLimits,
    /// Limits of files and streams in both stages.
    pub storage: StorageLimits,
}

impl Limits {
    /// The wall time of both stages together.
    #[must_use]
    pub const fn total_wall_time(&self) -> Duration {
        self.run.wall_time.saturating_add(self.compile.wall_time)
    }
}

/// Says that a limit is zero, under which no program could run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("limit `{name}` must be greater than zero")]
pub struct ZeroLimit {
    /// The name of the limit.
    pub name: &'static str,
}

/// The limits that a caller may choose; `None` means no choice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RequestedLimits {
    /// CPU time of the run, in milliseconds.
    pub cpu_time_ms: Option<u64>,
    /// Wall time of the run, in milliseconds.
    pub wall_time_ms: Option<u64>,
    /// Memory of the run, in bytes.
    pub memory_bytes: Option<u64>,
    /// Output per stream, in bytes.
    pub output_bytes: Option<u64>,
    /// Processes at one time.
    pub processes: Option<u64>,
}

impl RequestedLimits {
    const fn get(&self, name: LimitName) -> Option<u64> {
        match name {
            LimitName::CpuTimeMs => self.cpu_time_ms,
            LimitName::WallTimeMs => self.wall_time_ms,
            LimitName::MemoryBytes => self.memory_bytes,
            LimitName::OutputBytes => self.output_bytes,
            LimitName::Processes => self.processes,
        }
    }
}

/// The default, the minimum and the maximum limits of an execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitPolicy {
    default: Limits,
    maximum: Limits,
    minimum: RequestedLimits,
}

impl LimitPolicy {
    /// A policy whose defaults never exceed its maxima: a default above the maximum is lowered to it.
    #[must_use]
    pub fn new(default: Limits, maximum: Limits) -> Self {
        Self {
            default: lower(default, maximum),
            maximum,
            minimum: RequestedLimits::default(),
        }
    }

    /// The policy for a language: with its defaults, as far as the maximum allows, and with its minima.
    #[must_use]
    pub fn for_language(&self, language: &LanguageLimits) -> Self {
        let default = map(self.default, |name, value| {
            let least = language.minimum.get(name).unwrap_or(1);
            let default = language.default.get(name).unwrap_or(value);
            default.max(least).clamp(1, get(&self.maximum, name))
        });
        Self {
            default,
            maximum: self.maximum,
            minimum: language.minimum,
        }
    }

    /// The policy that allows only what both allow: the lower of each two limits.
    #[must_use]
    pub fn lowered_to(&self, other: &Self) -> Self {
        Self {
            default: lower(self.default, other.default),
            maximum: lower(self.maximum, other.maximum),
            minimum: self.minimum,
        }
    }

    /// The policy that allows nothing above these limits.
    #[must_use]
    pub fn capped_at(&self, maximum: Limits) -> Self {
        self.lowered_to(&Self::new(maximum, maximum))
    }

    /// The policy with this default and maximum wall time of a run. Nothing changes if
    /// that is zero.
    #[must_use]
    pub const fn with_wall_time(mut self, wall_time: Duration) -> Self {
        if !wall_time.is_zero() {
            self.default.run.wall_time = wall_time;
            self.maximum.run.wall_time = wall_time;
        }
        self
    }

    /// The default limits.
    #[must_use]
    pub const fn default_limits(&self) -> &Limits {
        &self.default
    }

    /// The maximum limits.
    #[must_use]
    pub const fn maximum_limits(&self) -> &Limits {
        &self.maximum
    }

    /// The least of this limit that may be requested.
    #[must_use]
    pub fn minimum(&self, name: LimitName) -> u64 {
        let max = get(&self.maximum, name);
        self.minimum.get(name).unwrap_or(1).clamp(1, max)
    }

    /// The limits in force for a request.
    ///
    /// # Errors
    /// One error for each limit that is below the minimum or above the maximum.
    pub fn resolve(&self, requested: &RequestedLimits) -> Result<Limits, SubmissionError> {
        let mut errors = SubmissionError::default();
        let limits = map(self.default, |name, default| {
            let value = requested.get(name).unwrap_or(default);
            let max = get(&self.maximum, name);
            let min = self.minimum(name);
            if requested.get(name).is_some() && value < min {
                errors.add(Field::Limit(name), FieldProblem::BelowMinimum { min });
            } else if value > max {
                errors.add(Field::Limit(name), FieldProblem::AboveMaximum { max });
            }
            value
        });
        errors.into_result(limits)
    }
}

fn non_zero(name: &'static str, is_zero: bool) -> Result<(), ZeroLimit> {
    if is_zero {
        return Err(ZeroLimit { name });
    }
    Ok(())
}

fn lower(one: Limits, other: Limits) -> Limits {
    Limits {
        run: lower_stage(one.run, other.run),
        compile: lower_stage(one.compile, other.compile),
        storage: StorageLimits {
            output: one.storage.output.min(other.storage.output),
            file_size: one.storage.file_size.min(other.storage.file_size),
            disk: one.storage.disk.min(other.storage.disk),
            open_files: one.storage.open_files.min(other.storage.open_files),
        },
    }
}

fn lower_stage(one: StageLimits, other: StageLimits) -> StageLimits {
    StageLimits {
        cpu_time: one.cpu_time.min(other.cpu_time),
        wall_time: one.wall_time.min(other.wall_time),
        memory: one.memory.min(other.memory),
        processes: one.processes.min(other.processes),
    }
}

/// The limits after a change of those that a caller may choose.
fn map(limits: Limits, mut change: impl FnMut(LimitName, u64) -> u64) -> Limits {
    let mut changed = |name| change(name, get(&limits, name));
    Limits {
        run: StageLimits {
            cpu_time: with_millis(limits.run.cpu_time, changed(LimitName::CpuTimeMs)),
            wall_time: with_millis(limits.run.wall_time, changed(LimitName::WallTimeMs)),
            memory: ByteSize::from_bytes(changed(LimitName::MemoryBytes)),
            processes: u32::try_from(changed(LimitName::Processes)).unwrap_or(u32::MAX),
        },
        compile: limits.compile,
        storage: StorageLimits {
            output: ByteSize::from_bytes(changed(LimitName::OutputBytes)),
            ..limits.storage
        },
    }
}

fn get(limits: &Limits, name: LimitName) -> u64 {
    match name {
        LimitName::CpuTimeMs => millis(limits.run.cpu_time),
        LimitName::WallTimeMs => millis(limits.run.wall_time),
        LimitName::MemoryBytes => limits.run.memory.as_bytes(),
        LimitName::OutputBytes => limits.storage.output.as_bytes(),
        LimitName::Processes => limits.run.processes.into(),
    }
}

/// The time in milliseconds; where that is no change, as exact as it was.
fn with_millis(time: Duration, changed: u64) -> Duration {
    if millis(time) == changed {
        return time;
    }
    Duration::from_millis(changed)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
