//! The limits of a job: what it asks for, within what is configured.

use std::time::Duration;

use coderun_domain::ByteSize;
use serde_json::Value;

use super::{Refusal, is_falsy};
use crate::PistonLimits;

/// The limits of both stages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StagesBounds {
    pub(crate) compile: StageBounds,
    pub(crate) run: StageBounds,
}

/// The limits of one stage as Isolate gets them; `None` means that there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StageBounds {
    pub(crate) timeout: Option<Duration>,
    pub(crate) cpu_time: Option<Duration>,
    pub(crate) memory: Option<ByteSize>,
}

/// Reads the limits in the order in which Piston checks them.
pub(super) fn read(body: &Value, limits: &PistonLimits) -> Result<StagesBounds, Refusal> {
    let memory = |configured: Option<ByteSize>| configured.map_or(-1.0, exact_bytes);
    let time = |configured: Duration| configured.as_secs_f64() * 1000.0;
    let asked = |name, configured| Asked::read(body, name, configured);
    let compile_memory = asked("compile_memory_limit", memory(limits.compile_memory_limit))?;
    let run_memory = asked("run_memory_limit", memory(limits.run_memory_limit))?;
    let compile_timeout = asked("compile_timeout", time(limits.compile_timeout))?;
    let run_timeout = asked("run_timeout", time(limits.run_timeout))?;
    let compile_cpu_time = asked("compile_cpu_time", time(limits.compile_cpu_time))?;
    let run_cpu_time = asked("run_cpu_time", time(limits.run_cpu_time))?;
    Ok(StagesBounds {
        compile: StageBounds {
            timeout: compile_timeout.as_time(),
            cpu_time: compile_cpu_time.as_time(),
            memory: compile_memory.as_memory(),
        },
        run: StageBounds {
            timeout: run_timeout.as_time(),
            cpu_time: run_cpu_time.as_time(),
            memory: run_memory.as_memory(),
        },
    })
}

/// A limit in force: milliseconds or bytes.
#[derive(Debug, Clone, Copy)]
struct Asked(f64);

impl Asked {
    fn read(body: &Value, name: &str, configured: f64) -> Result<Self, Refusal> {
        let value = body.get(name).unwrap_or(&Value::Null);
        if value.is_null() {
            return Ok(Self(configured));
        }
        // Piston checks nothing of it and passes it on: no limit at all.
        if is_falsy(value) {
            return Ok(Self(0.0));
        }
        let Some(number) = value.as_f64() else {
            return refused(format!("If specified, {name} must be a number"));
        };
        if configured > 0.0 && number > configured {
            return refused(format!(
                "{name} cannot exceed the configured limit of {configured}"
            ));
        }
        if configured > 0.0 && number < 0.0 {
            return refused(format!("{name} must be non-negative"));
        }
        Ok(Self(number))
    }

    /// Isolate counts whole milliseconds, and takes zero for no limit.
    fn as_time(self) -> Option<Duration> {
        let milliseconds = whole(self.0);
        (milliseconds > 0).then(|| Duration::from_millis(milliseconds))
    }

    /// Piston passes on thousands of bytes, which Isolate takes for KiB, and zero for no limit.
    fn as_memory(self) -> Option<ByteSize> {
        let kib = whole(self.0 / 1000.0);
        (kib > 0).then(|| ByteSize::from_kib(kib))
    }
}

fn refused<T>(text: String) -> Result<T, Refusal> {
    Err(Refusal::Message(text))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "JavaScript loses the same precision"
)]
fn exact_bytes(size: ByteSize) -> f64 {
    size.as_bytes() as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "fractions are meant to go, and what is negative means zero"
)]
const fn whole(number: f64) -> u64 {
    number as u64
}
