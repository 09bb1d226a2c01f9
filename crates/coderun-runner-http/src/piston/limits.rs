//! The limits that Piston takes: what it is configured with, and what a run is sent with.

use std::time::Duration;

use coderun_domain::{ByteSize, Limits, StageLimits, StorageLimits};

/// The greatest whole number that every JSON reader keeps exactly.
pub(super) const NUMBER_MAX: u64 = (1 << 53) - 1;

/// One limit that a request may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LimitField {
    CompileMemory,
    RunMemory,
    CompileTimeout,
    RunTimeout,
    CompileCpuTime,
    RunCpuTime,
}

impl LimitField {
    /// All of them, in the order in which Piston checks them.
    pub(super) const ALL: [Self; 6] = [
        Self::CompileMemory,
        Self::RunMemory,
        Self::CompileTimeout,
        Self::RunTimeout,
        Self::CompileCpuTime,
        Self::RunCpuTime,
    ];

    /// What a request calls it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::CompileMemory => "compile_memory_limit",
            Self::RunMemory => "run_memory_limit",
            Self::CompileTimeout => "compile_timeout",
            Self::RunTimeout => "run_timeout",
            Self::CompileCpuTime => "compile_cpu_time",
            Self::RunCpuTime => "run_cpu_time",
        }
    }

    /// The limit with this name.
    pub(super) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.as_str() == word)
    }

    /// What Piston counts it in, for a sentence.
    pub(super) const fn unit(self) -> &'static str {
        match self {
            Self::CompileMemory | Self::RunMemory => "bytes",
            Self::CompileTimeout | Self::RunTimeout | Self::CompileCpuTime | Self::RunCpuTime => {
                "ms"
            }
        }
    }
}

/// The greatest value that a Piston is configured to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Cap {
    /// Nobody has asked yet.
    #[default]
    Unknown,
    /// There is none.
    None,
    /// This, in milliseconds or bytes; never zero.
    At(u64),
}

impl Cap {
    fn applied_to(self, value: u64) -> u64 {
        match self {
            Self::Unknown | Self::None => value,
            Self::At(max) => value.min(max),
        }
    }

    const fn lower(self, other: Self) -> Self {
        match (self, other) {
            (Self::At(one), Self::At(other)) => Self::At(if one < other { one } else { other }),
            (Self::At(max), Self::Unknown | Self::None)
            | (Self::Unknown | Self::None, Self::At(max)) => Self::At(max),
            (Self::None, Self::None) => Self::None,
            (Self::Unknown, Self::Unknown | Self::None) | (Self::None, Self::Unknown) => {
                Self::Unknown
            }
        }
    }

    const fn at(self) -> Option<u64> {
        match self {
            Self::Unknown | Self::None => None,
            Self::At(max) => Some(max),
        }
    }
}

/// The caps of one runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Caps {
    pub(super) compile_memory: Cap,
    pub(super) run_memory: Cap,
    pub(super) compile_timeout: Cap,
    pub(super) run_timeout: Cap,
    pub(super) compile_cpu_time: Cap,
    pub(super) run_cpu_time: Cap,
}

impl Caps {
    /// The cap of one limit.
    pub(super) const fn get(&self, field: LimitField) -> Cap {
        match field {
            LimitField::CompileMemory => self.compile_memory,
            LimitField::RunMemory => self.run_memory,
            LimitField::CompileTimeout => self.compile_timeout,
            LimitField::RunTimeout => self.run_timeout,
            LimitField::CompileCpuTime => self.compile_cpu_time,
            LimitField::RunCpuTime => self.run_cpu_time,
        }
    }

    /// The same with this cap.
    #[must_use]
    pub(super) const fn with(mut self, field: LimitField, cap: Cap) -> Self {
        match field {
            LimitField::CompileMemory => self.compile_memory = cap,
            LimitField::RunMemory => self.run_memory = cap,
            LimitField::CompileTimeout => self.compile_timeout = cap,
            LimitField::RunTimeout => self.run_timeout = cap,
            LimitField::CompileCpuTime => self.compile_cpu_time = cap,
            LimitField::RunCpuTime => self.run_cpu_time = cap,
        }
        self
    }

    /// The first limit that nobody has asked for.
    pub(super) fn first_unknown(&self) -> Option<LimitField> {
        LimitField::ALL
            .into_iter()
            .find(|field| self.get(*field) == Cap::Unknown)
    }

    /// The lower of each two.
    #[must_use]
    pub(super) fn lower(self, other: Self) -> Self {
        LimitField::ALL.into_iter().fold(self, |caps, field| {
            caps.with(field, caps.get(field).lower(other.get(field)))
        })
    }

    /// The greatest limits under these caps and this one of each stream; `None` where there is nothing that is known.
    pub(super) fn maximum_limits(&self, output_max: Option<ByteSize>) -> Option<Limits> {
        let is_capped = |field| self.get(field).at().is_some();
        if output_max.is_none() && !LimitField::ALL.into_iter().any(is_capped) {
            return None;
        }
        let stage = |cpu: Cap, wall: Cap, memory: Cap| {
            StageLimits::new(duration(cpu), duration(wall), size(memory), u32::MAX).ok()
        };
        let all = ByteSize::from_bytes(u64::MAX);
        Some(Limits {
            run: stage(self.run_cpu_time, self.run_timeout, self.run_memory)?,
            compile: stage(
                self.compile_cpu_time,
                self.compile_timeout,
                self.compile_memory,
            )?,
            storage: StorageLimits::new(output_max.unwrap_or(all), all, all, u32::MAX).ok()?,
        })
    }
}

fn duration(cap: Cap) -> Duration {
    cap.at().map_or(Duration::MAX, Duration::from_millis)
}

fn size(cap: Cap) -> ByteSize {
    ByteSize::from_bytes(cap.at().unwrap_or(u64::MAX))
}

/// The limits that a run is sent with: those of the submission, or Piston's own where they are lower.
///
/// Memory is what Piston calls bytes. It hands kilobytes of 1000 to a tool that counts kilobytes of 1024, so that 2.4 %
/// more is enforced than is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SentLimits {
    pub(super) run: SentStage,
    pub(super) compile: SentStage,
}

/// The limits of one stage; none is zero, which would mean none at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SentStage {
    pub(super) cpu_ms: u64,
    pub(super) wall_ms: u64,
    pub(super) memory_bytes: u64,
}

impl SentLimits {
    pub(super) fn new(limits: &Limits, caps: &Caps) -> Self {
        Self {
            run: SentStage {
                cpu_ms: caps.run_cpu_time.applied_to(millis(limits.run.cpu_time())),
                wall_ms: caps.run_timeout.applied_to(millis(limits.run.wall_time())),
                memory_bytes: caps.run_memory.applied_to(bytes(limits.run.memory())),
            },
            compile: SentStage {
                cpu_ms: caps
                    .compile_cpu_time
                    .applied_to(millis(limits.compile.cpu_time())),
                wall_ms: caps
                    .compile_timeout
                    .applied_to(millis(limits.compile.wall_time())),
                memory_bytes: caps
                    .compile_memory
                    .applied_to(bytes(limits.compile.memory())),
            },
        }
    }

    /// What is sent for one limit.
    pub(super) const fn get(&self, field: LimitField) -> u64 {
        match field {
            LimitField::CompileMemory => self.compile.memory_bytes,
            LimitField::RunMemory => self.run.memory_bytes,
            LimitField::CompileTimeout => self.compile.wall_ms,
            LimitField::RunTimeout => self.run.wall_ms,
            LimitField::CompileCpuTime => self.compile.cpu_ms,
            LimitField::RunCpuTime => self.run.cpu_ms,
        }
    }

    /// The longest that both stages may take on the clock, together.
    pub(super) const fn wall_in_all(&self) -> Duration {
        Duration::from_millis(self.run.wall_ms.saturating_add(self.compile.wall_ms))
    }
}

/// Less than a millisecond counts as one.
fn millis(duration: Duration) -> u64 {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    millis.clamp(1, NUMBER_MAX)
}

fn bytes(size: ByteSize) -> u64 {
    size.as_bytes().clamp(1, NUMBER_MAX)
}

#[cfg(test)]
mod tests {
    use coderun_domain::testing;

    use super::*;

    fn stock() -> Caps {
        Caps {
            compile_memory: Cap::None,
            run_memory: Cap::None,
            compile_timeout: Cap::At(10_000),
            run_timeout: Cap::At(3000),
            compile_cpu_time: Cap::At(10_000),
            run_cpu_time: Cap::At(2500),
        }
    }

    #[test]
    fn names_and_limits_agree() {
        for field in LimitField::ALL {
            assert_eq!(LimitField::from_word(field.as_str()), Some(field));
            let caps = Caps::default().with(field, Cap::At(7));
            assert_eq!(caps.get(field), Cap::At(7));
            let others = LimitField::ALL.into_iter().filter(|other| *other != field);
            assert!({ others }.all(|other| caps.get(other) == Cap::Unknown));
        }
    }

    #[test]
    fn a_run_is_sent_with_its_own_limits_where_they_are_lower() {
        let limits = testing::limit_policy();
        let sent = SentLimits::new(limits.default_limits(), &stock());
        assert_eq!(sent.run.cpu_ms, 2500);
        assert_eq!(sent.run.wall_ms, 3000);
        assert_eq!(sent.run.memory_bytes, 256 << 20);
        assert_eq!(sent.compile.wall_ms, 10_000);
        assert_eq!(sent.wall_in_all(), Duration::from_secs(13));
        let unknown = SentLimits::new(limits.default_limits(), &Caps::default());
        assert_eq!(unknown.run.cpu_ms, 5000);
    }

    #[test]
    fn no_limit_is_ever_sent_as_zero_which_means_none() {
        let tiny = Duration::from_nanos(1);
        let stage = StageLimits::new(tiny, tiny, ByteSize::from_bytes(1), 1).unwrap();
        let limits = Limits {
            run: stage,
            ..*testing::limit_policy().default_limits()
        };
        let sent = SentLimits::new(&limits, &Caps::default());
        assert_eq!((sent.run.cpu_ms, sent.run.wall_ms), (1, 1));
    }

    #[test]
    fn the_maximum_is_what_is_known_and_the_rest_is_open() {
        assert_eq!(Caps::default().maximum_limits(None), None);
        let output = Some(ByteSize::from_bytes(1024));
        let maximum = stock().maximum_limits(output).unwrap();
        assert_eq!(maximum.run.wall_time(), Duration::from_secs(3));
        assert_eq!(maximum.run.cpu_time(), Duration::from_millis(2500));
        assert_eq!(maximum.run.memory(), ByteSize::from_bytes(u64::MAX));
        assert_eq!(maximum.storage.output(), ByteSize::from_kib(1));
        let policy = testing::limit_policy().capped_at(maximum);
        assert_eq!(policy.maximum_limits().run.processes(), 64);
        assert_eq!(
            policy.default_limits().run.wall_time(),
            Duration::from_secs(3)
        );
    }

    #[test]
    fn of_two_runtimes_the_lower_cap_counts() {
        let other = stock()
            .with(LimitField::RunTimeout, Cap::At(1000))
            .with(LimitField::RunMemory, Cap::At(5))
            .with(LimitField::CompileTimeout, Cap::Unknown);
        let both = stock().lower(other);
        assert_eq!(both.run_timeout, Cap::At(1000));
        assert_eq!(both.run_memory, Cap::At(5));
        assert_eq!(both.compile_timeout, Cap::At(10_000));
        assert_eq!(both.compile_memory, Cap::None);
    }
}
