//! Decides how a stage ended from its code, its signal and Piston's word for it.

use coderun_domain::{ExitStatus, OutputStream, Signal, StageLimits, Verdict};

use super::response::Stage;
use crate::error::ApiError;

const SIGXCPU: i32 = 24;
const SIGSYS: i32 = 31;
/// The exit code of a shell whose program was ended by SIGKILL.
const SHELL_KILLED: i32 = 137;

/// How a stage ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StageEnd {
    pub(super) verdict: Verdict,
    /// `None` if Piston has no name for the signal.
    pub(super) exit_status: Option<ExitStatus>,
    /// The stream of which Piston dropped a part.
    pub(super) truncated: Option<OutputStream>,
    /// Whether Piston goes on to the next stage.
    is_passed: bool,
}

impl StageEnd {
    /// How a program ended.
    pub(super) fn of_run(stage: &Stage, limits: &StageLimits) -> Result<Self, ApiError> {
        // Piston sends SIGKILL for these three, whatever the code is.
        let killed = Some(ExitStatus::Signaled(Signal::KILL));
        let (verdict, exit_status, truncated) = match stage.status.as_deref() {
            // Not the fault of the program: another attempt may do better.
            Some("XX") => return Err(ApiError::Unusable("the sandbox of the API failed")),
            Some("TO") => (Verdict::TimeLimit, killed, None),
            Some("OL") => (Verdict::OutputLimit, killed, Some(OutputStream::Stdout)),
            Some("EL") => (Verdict::OutputLimit, killed, Some(OutputStream::Stderr)),
            // Other words add nothing to code and signal. Old versions have none.
            status => {
                let (verdict, exit_status) = by_code_and_signal(stage, status, limits)?;
                (verdict, exit_status, None)
            }
        };
        // Piston goes on after a code of 0, even if it had stopped the compiler.
        let is_stopped = matches!(stage.status.as_deref(), Some("TO" | "OL" | "EL"));
        Ok(Self {
            verdict,
            exit_status,
            truncated,
            is_passed: stage.code == Some(0) && (is_stopped || verdict == Verdict::Accepted),
        })
    }

    /// How a compiler ended. One that says nothing about itself has passed.
    pub(super) fn of_compile(stage: &Stage, limits: &StageLimits) -> Result<Self, ApiError> {
        if stage.code.is_none() && stage.signal.is_none() && stage.status.is_none() {
            return Ok(Self {
                verdict: Verdict::Accepted,
                exit_status: None,
                truncated: None,
                is_passed: true,
            });
        }
        Self::of_run(stage, limits)
    }

    /// The verdict on a program whose compiler ended like this; `None` if it was compiled.
    pub(super) const fn failure(&self) -> Option<Verdict> {
        if self.is_passed {
            None
        } else if matches!(self.verdict, Verdict::RuntimeError | Verdict::Accepted) {
            Some(Verdict::CompileError)
        } else {
            Some(self.verdict)
        }
    }
}

/// A signal counts before the code, which some versions report as 0 then.
fn by_code_and_signal(
    stage: &Stage,
    status: Option<&str>,
    limits: &StageLimits,
) -> Result<(Verdict, Option<ExitStatus>), ApiError> {
    let verdict_or_memory = |verdict, is_killed| {
        if is_killed && is_out_of_memory(stage, limits) {
            Verdict::MemoryLimit
        } else {
            verdict
        }
    };
    match (stage.signal.as_deref(), stage.code) {
        (Some(name), _) => {
            let signal = signal(name);
            let verdict = match signal.map(Signal::number) {
                Some(SIGXCPU) => Verdict::TimeLimit,
                Some(SIGSYS) => Verdict::SecurityViolation,
                Some(_) | None => Verdict::RuntimeError,
            };
            let is_killed = signal == Some(Signal::KILL);
            let exit_status = signal.map(ExitStatus::Signaled);
            Ok((verdict_or_memory(verdict, is_killed), exit_status))
        }
        // Piston's table lacks the two signals that the C library keeps for itself.
        (None, _) if status == Some("SG") => Ok((Verdict::RuntimeError, None)),
        (None, Some(0)) if status != Some("RE") => {
            Ok((Verdict::Accepted, Some(ExitStatus::Exited(0))))
        }
        (None, Some(code @ 1..=255)) => {
            let verdict = verdict_or_memory(Verdict::RuntimeError, code == SHELL_KILLED);
            Ok((verdict, Some(ExitStatus::Exited(code))))
        }
        (None, _) => Err(ApiError::Contradiction(
            "code, signal and status do not fit",
        )),
    }
}

/// Whether a stage was so close to its limit that it was killed for it: Piston has no word for that. Both numbers are in
/// Piston's own thousands.
fn is_out_of_memory(stage: &Stage, limits: &StageLimits) -> bool {
    let near = super::limits::bytes(limits.memory()) / 100 * 95;
    stage.memory.is_some_and(|used| used >= near)
}

/// Reads the name of a signal. Real-time signals are counted from the first or the last; `None` for other unknown names.
fn signal(name: &str) -> Option<Signal> {
    let (first, last) = (34_i32, 64_i32);
    let offset = |text: &str, sign: char| match text.strip_prefix(sign) {
        Some(count) => count.parse().ok(),
        None => text.is_empty().then_some(0),
    };
    let number = if let Some(rest) = name.strip_prefix("SIGRTMIN") {
        first.checked_add(offset(rest, '+')?)?
    } else if let Some(rest) = name.strip_prefix("SIGRTMAX") {
        last.checked_sub(offset(rest, '-')?)?
    } else {
        Signal::from_name(name)?.number()
    };
    let is_signal = (1..=last).contains(&number);
    is_signal.then(|| Signal::from_number(number))
}
