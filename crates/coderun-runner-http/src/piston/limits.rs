//! Converts between the limits of the domain and those of Piston.

use std::time::Duration;

use coderun_domain::{ByteSize, Limits, StageLimits, StorageLimits, ZeroLimit};

use super::PistonConfig;
use crate::config::ConfigError;

/// The greatest whole number that every JSON reader keeps exactly.
const NUMBER_MAX: u64 = (1 << 53) - 1;

/// The greatest limits that a server with this configuration accepts.
pub(super) fn maximum(config: &PistonConfig) -> Result<Limits, ConfigError> {
    if config.body_max == ByteSize::default() {
        return Err(ConfigError::Zero { name: "body_max" });
    }
    let unlimited = ByteSize::from_bytes(u64::MAX);
    let stage = |cpu_time, timeout, memory: Option<ByteSize>| {
        StageLimits::new(cpu_time, timeout, memory.unwrap_or(unlimited), u32::MAX)
    };
    let limits = || -> Result<Limits, ZeroLimit> {
        Ok(Limits {
            run: stage(config.run_cpu_time, config.run_timeout, config.run_memory)?,
            compile: stage(
                config.compile_cpu_time,
                config.compile_timeout,
                config.compile_memory,
            )?,
            storage: StorageLimits::new(config.output_max, unlimited, unlimited, u32::MAX)?,
        })
    };
    limits().map_err(|ZeroLimit { name }| ConfigError::Zero { name })
}

/// Whole milliseconds. Never zero, which means the server's own limit.
pub(super) fn millis(time: Duration) -> u64 {
    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    millis.clamp(1, NUMBER_MAX)
}

/// Bytes. Never zero, which means the server's own limit.
///
/// Piston passes kilobytes of 1000 to a tool that counts kilobytes of 1024, so it enforces 2.4 % more.
pub(super) fn bytes(size: ByteSize) -> u64 {
    size.as_bytes().clamp(1, NUMBER_MAX)
}

#[cfg(test)]
mod tests {
    use coderun_domain::testing;

    use super::*;

    #[test]
    fn no_limit_is_sent_as_zero() {
        assert_eq!(millis(Duration::from_nanos(1)), 1);
        assert_eq!(millis(Duration::MAX), NUMBER_MAX);
        assert_eq!(bytes(ByteSize::default()), 1);
    }

    #[test]
    fn the_maximum_is_what_is_configured_and_the_rest_is_open() {
        let config = PistonConfig {
            compile_memory: Some(ByteSize::from_mib(64)),
            ..PistonConfig::default()
        };
        let maximum = maximum(&config).unwrap();
        assert_eq!(maximum.run.wall_time(), Duration::from_secs(3));
        assert_eq!(maximum.compile.cpu_time(), Duration::from_secs(10));
        assert_eq!(maximum.run.memory(), ByteSize::from_bytes(u64::MAX));
        assert_eq!(maximum.compile.memory(), ByteSize::from_mib(64));
        assert_eq!(maximum.storage.output(), ByteSize::from_kib(1));
        let policy = testing::limit_policy().capped_at(maximum);
        assert_eq!(policy.maximum_limits().run.processes(), 64);
        let default = policy.default_limits();
        assert_eq!(default.run.wall_time(), Duration::from_secs(3));
    }

    #[test]
    fn a_limit_of_zero_is_refused() {
        let stock = PistonConfig::default();
        let run_timeout = Duration::ZERO;
        let body_max = ByteSize::default();
        for (config, name) in [
            (
                PistonConfig {
                    run_timeout,
                    ..stock
                },
                "wall_time",
            ),
            (PistonConfig { body_max, ..stock }, "body_max"),
        ] {
            assert_eq!(maximum(&config), Err(ConfigError::Zero { name }));
        }
    }
}
