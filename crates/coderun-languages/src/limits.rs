//! Describes the limits of a language in which it differs from others.

use std::num::NonZeroU64;

use coderun_domain::{LanguageLimits, RequestedLimits};
use serde::Deserialize;

/// The limits of a language as the table has them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsEntry {
    /// The limits of a program for which none were requested; where absent those of the service.
    pub default: ChosenLimits,
    /// The least that a program may be given.
    pub minimum: ChosenLimits,
}

/// Limits of which each may be absent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ChosenLimits {
    /// CPU time of the run, in milliseconds.
    pub cpu_time_ms: Option<NonZeroU64>,
    /// Wall time of the run, in milliseconds.
    pub wall_time_ms: Option<NonZeroU64>,
    /// Memory of the run, in MiB.
    pub memory_mib: Option<NonZeroU64>,
    /// Output per stream, in MiB.
    pub output_mib: Option<NonZeroU64>,
    /// Processes and threads at one time.
    pub processes: Option<NonZeroU64>,
}

impl From<LimitsEntry> for LanguageLimits {
    fn from(entry: LimitsEntry) -> Self {
        Self {
            default: entry.default.into(),
            minimum: entry.minimum.into(),
        }
    }
}

impl From<ChosenLimits> for RequestedLimits {
    fn from(limits: ChosenLimits) -> Self {
        let bytes = |mib: NonZeroU64| mib.get().saturating_mul(1 << 20);
        Self {
            cpu_time_ms: limits.cpu_time_ms.map(NonZeroU64::get),
            wall_time_ms: limits.wall_time_ms.map(NonZeroU64::get),
            memory_bytes: limits.memory_mib.map(bytes),
            output_bytes: limits.output_mib.map(bytes),
            processes: limits.processes.map(NonZeroU64::get),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn limits_are_read_with_their_units() {
        let text = "
            default = { cpu_time_ms = 1, wall_time_ms = 2, memory_mib = 3, output_mib = 4, processes = 5 }
            minimum.processes = 6
        ";
        let limits: LimitsEntry = toml::from_str(text).unwrap();
        let expected = LanguageLimits {
            default: RequestedLimits {
                cpu_time_ms: Some(1),
                wall_time_ms: Some(2),
                memory_bytes: Some(3 << 20),
                output_bytes: Some(4 << 20),
                processes: Some(5),
            },
            minimum: RequestedLimits {
                processes: Some(6),
                ..RequestedLimits::default()
            },
        };
        assert_eq!(LanguageLimits::from(limits), expected);
    }

    #[rstest]
    #[case::zero("default.memory_mib = 0", "nonzero")]
    #[case::another_key("minimum.memory = 1", "unknown field `memory`")]
    #[case::another_part("maximum.memory_mib = 1", "unknown field `maximum`")]
    fn other_limits_are_refused(#[case] text: &str, #[case] reason: &str) {
        let error = toml::from_str::<LimitsEntry>(text).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
}
