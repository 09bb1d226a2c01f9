//! Defines the limits of a language, which differ from those of the service.

use crate::RequestedLimits;

/// Limits of one language.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LanguageLimits {
    /// The limits of a program for which none were requested; where absent those of the service.
    pub default: RequestedLimits,
    /// The least that a program may be given, because the language would not even start with less.
    pub minimum: RequestedLimits,
}

impl LanguageLimits {
    /// The limits under which a program runs on each of two workers: the higher of each two.
    #[must_use]
    pub fn raised_to(&self, other: &Self) -> Self {
        Self {
            default: higher(&self.default, &other.default),
            minimum: higher(&self.minimum, &other.minimum),
        }
    }
}

fn higher(one: &RequestedLimits, other: &RequestedLimits) -> RequestedLimits {
    RequestedLimits {
        cpu_time_ms: one.cpu_time_ms.max(other.cpu_time_ms),
        wall_time_ms: one.wall_time_ms.max(other.wall_time_ms),
        memory_bytes: one.memory_bytes.max(other.memory_bytes),
        output_bytes: one.output_bytes.max(other.output_bytes),
        processes: one.processes.max(other.processes),
    }
}
