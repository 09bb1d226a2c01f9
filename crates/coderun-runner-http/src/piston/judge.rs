//! From what Piston says about the stages to what is said about a program.

use std::time::Duration;

use coderun_domain::{
    ByteSize, CompileReport, Ending, Output, OutputStream, Signal, Usage, Verdict,
};

use super::limits::{SentLimits, SentStage};
use super::response::{Executed, Stage};

/// What is said about a program.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Judgement {
    pub(super) verdict: Verdict,
    /// `None` where it was not started.
    pub(super) ending: Option<Ending>,
    pub(super) usage: Usage,
    pub(super) compile: Option<CompileReport>,
    /// What it wrote, where it was started.
    pub(super) written: Option<Written>,
    pub(super) hint: Option<String>,
}

/// What the program wrote, as far as Piston kept it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) stdout: String,
    pub(super) stderr: String,
    /// The stream of which there was more.
    pub(super) cut: Option<OutputStream>,
}

/// What Piston says does not fit together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Contradiction {
    /// Its own sandbox failed.
    #[error("the API says that its own sandbox failed")]
    SandboxFailed,
    /// There is a status that it does not have.
    #[error("the answer has a status that Piston does not have")]
    UnknownStatus,
    /// There is a signal that Linux does not have.
    #[error("the answer has a signal that there is not")]
    UnknownSignal,
    /// The code, the signal and the status do not fit.
    #[error("code, signal and status of the answer do not fit together")]
    Ending,
    /// A time that is none.
    #[error("the answer has a time that is none")]
    Time,
}

/// Judges by the stage that came last. Compiling comes first: where it failed, the run is a copy of it.
pub(super) fn judge(executed: Executed, sent: &SentLimits) -> Result<Judgement, Contradiction> {
    let Some(compiled) = executed.compile else {
        return judge_run(executed.run, &sent.run, None);
    };
    let stage = StageJudgement::new(&compiled, &sent.compile)?;
    // Piston goes on to run whatever left with code 0, even if its output was cut or it came too late.
    let is_built = compiled.code == Some(0);
    let report = compile_report(compiled, &stage);
    if is_built {
        return judge_run(executed.run, &sent.run, Some(report));
    }
    Ok(Judgement {
        verdict: compile_verdict(stage.verdict),
        ending: None,
        usage: Usage::default(),
        compile: Some(report),
        written: None,
        hint: stage.cut.map(|_| COMPILER_TALKS_MUCH.to_owned()),
    })
}

const COMPILER_TALKS_MUCH: &str =
    "The compiler wrote more than the runner takes, and was stopped for it";

fn judge_run(
    run: Stage,
    sent: &SentStage,
    compile: Option<CompileReport>,
) -> Result<Judgement, Contradiction> {
    let stage = StageJudgement::new(&run, sent)?;
    Ok(Judgement {
        verdict: stage.verdict,
        ending: stage.ending,
        usage: stage.usage,
        compile,
        written: Some(Written {
            stdout: run.stdout,
            stderr: run.stderr,
            cut: stage.cut,
        }),
        hint: hint(stage.verdict, stage.ending),
    })
}

fn compile_report(compiled: Stage, stage: &StageJudgement) -> CompileReport {
    let output = |text: String, stream| {
        if stage.cut == Some(stream) {
            Output::truncated(text)
        } else {
            Output::complete(text)
        }
    };
    CompileReport {
        ending: stage.ending,
        usage: stage.usage,
        output: output(compiled.stdout, OutputStream::Stdout),
        error_output: output(compiled.stderr, OutputStream::Stderr),
    }
}

/// To the compiler's own exit code and to its crashes there is nothing to add.
const fn compile_verdict(verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::RuntimeError | Verdict::Accepted => Verdict::CompileError,
        Verdict::WrongAnswer
        | Verdict::CompileError
        | Verdict::TimeLimit
        | Verdict::MemoryLimit
        | Verdict::OutputLimit
        | Verdict::ProcessLimit
        | Verdict::SecurityViolation
        | Verdict::Cancelled
        | Verdict::Rejected
        | Verdict::InternalError => verdict,
    }
}

/// What is said about a stage.
struct StageJudgement {
    verdict: Verdict,
    /// `None` where Piston has no name for the signal.
    ending: Option<Ending>,
    usage: Usage,
    cut: Option<OutputStream>,
}

impl StageJudgement {
    fn new(stage: &Stage, sent: &SentStage) -> Result<Self, Contradiction> {
        let signal = stage.signal.as_deref().map(signal).transpose()?;
        let usage = usage(stage)?;
        let code = stage.code.filter(|code| (0..=255).contains(code));
        if code != stage.code {
            return Err(Contradiction::Ending);
        }
        // Piston sets this signal by itself for these, whatever it knows of the code.
        let killed = Some(Ending::Signaled(Signal::KILL));
        let (verdict, ending, cut) = match stage.status.as_deref() {
            Some("XX") => return Err(Contradiction::SandboxFailed),
            Some("TO") => (Verdict::TimeLimit, killed, None),
            Some("OL") => (Verdict::OutputLimit, killed, Some(OutputStream::Stdout)),
            Some("EL") => (Verdict::OutputLimit, killed, Some(OutputStream::Stderr)),
            Some("RE") => (by_code(stage, code, signal, sent)?, exited(code)?, None),
            Some("SG") => signaled(stage, code, signal, sent)?,
            Some(_) => return Err(Contradiction::UnknownStatus),
            None => match (code, signal) {
                (Some(0), None) => (Verdict::Accepted, Some(Ending::Exited(0)), None),
                (Some(_), None) => (by_code(stage, code, signal, sent)?, exited(code)?, None),
                (None, Some(_)) => signaled(stage, code, signal, sent)?,
                (None, None) | (Some(_), Some(_)) => return Err(Contradiction::Ending),
            },
        };
        Ok(Self {
            verdict,
            ending,
            usage,
            cut,
        })
    }
}

fn exited(code: Option<i32>) -> Result<Option<Ending>, Contradiction> {
    let code = code.ok_or(Contradiction::Ending)?;
    Ok(Some(Ending::Exited(code)))
}

/// Judges an exit code other than 0. Programs are started by a shell, which exits with 137 when its program was killed.
fn by_code(
    stage: &Stage,
    code: Option<i32>,
    signal: Option<Signal>,
    sent: &SentStage,
) -> Result<Verdict, Contradiction> {
    match (code, signal) {
        (Some(137), None) if is_out_of_memory(stage, sent) => Ok(Verdict::MemoryLimit),
        (Some(code), None) if code != 0 => Ok(Verdict::RuntimeError),
        _ => Err(Contradiction::Ending),
    }
}

fn signaled(
    stage: &Stage,
    code: Option<i32>,
    signal: Option<Signal>,
    sent: &SentStage,
) -> Result<(Verdict, Option<Ending>, Option<OutputStream>), Contradiction> {
    let signal = match (code, signal) {
        (None, Some(signal)) => signal,
        // Its table lacks the two signals that the C library keeps for itself.
        (None, None) => return Ok((Verdict::RuntimeError, None, None)),
        (Some(_), _) => return Err(Contradiction::Ending),
    };
    let verdict = match signal {
        Signal::KILL if is_out_of_memory(stage, sent) => Verdict::MemoryLimit,
        _ if signal.number() == SIGXCPU => Verdict::TimeLimit,
        _ if signal.number() == SIGSYS => Verdict::SecurityViolation,
        _ => Verdict::RuntimeError,
    };
    Ok((verdict, Some(Ending::Signaled(signal)), None))
}

const SIGSEGV: i32 = 11;
const SIGXCPU: i32 = 24;
const SIGSYS: i32 = 31;

/// Whether a stage was so close to its limit that it was the limit which killed it: Piston has no word for that. Both
/// numbers are in Piston's own thousands.
fn is_out_of_memory(stage: &Stage, sent: &SentStage) -> bool {
    stage
        .memory
        .is_some_and(|used| used >= sent.memory_bytes / 100 * 95)
}

fn usage(stage: &Stage) -> Result<Usage, Contradiction> {
    let kib = |thousands: u64| ByteSize::from_bytes((thousands / 1000).saturating_mul(1024));
    Ok(Usage {
        cpu_time: stage.cpu_time.map(time).transpose()?,
        wall_time: stage.wall_time.map(time).transpose()?,
        memory: stage.memory.map(kib),
    })
}

fn time(milliseconds: f64) -> Result<Duration, Contradiction> {
    Duration::try_from_secs_f64(milliseconds / 1000.0)
        .ok()
        .filter(|time| *time <= TIME_MAX)
        .ok_or(Contradiction::Time)
}

/// Longer than any program may run.
const TIME_MAX: Duration = Duration::from_hours(24 * 365);

/// Reads a signal's name as Linux or Piston writes it: those without a name are counted from two of them on.
fn signal(name: &str) -> Result<Signal, Contradiction> {
    let (first, last) = (34_i32, 64_i32);
    let offset = |text: &str, sign: char| -> Option<i32> {
        match text.strip_prefix(sign) {
            Some(count) => count.parse().ok(),
            None if text.is_empty() => Some(0),
            None => None,
        }
    };
    let number = if let Some(rest) = name.strip_prefix("SIGRTMIN") {
        offset(rest, '+').and_then(|count| first.checked_add(count))
    } else if let Some(rest) = name.strip_prefix("SIGRTMAX") {
        offset(rest, '-').and_then(|count| last.checked_sub(count))
    } else {
        Signal::from_name(name).map(Signal::number)
    };
    number
        .filter(|number| (1..=last).contains(number))
        .map(Signal::from_number)
        .ok_or(Contradiction::UnknownSignal)
}

/// One sentence where verdict and ending alone say too little.
fn hint(verdict: Verdict, ending: Option<Ending>) -> Option<String> {
    if verdict != Verdict::RuntimeError {
        return None;
    }
    match ending? {
        Ending::Signaled(signal) if signal.number() == SIGSEGV => Some(
            "The program touched memory that is not its own, or its recursion is too deep"
                .to_owned(),
        ),
        Ending::Exited(code) if (129..=128 + SIGSYS).contains(&code) => {
            let signal = Signal::from_number(code - 128);
            Some(format!(
                "Exit code {code} usually means that {signal} ended the program"
            ))
        }
        Ending::Exited(_) | Ending::Signaled(_) => None,
    }
}

#[cfg(test)]
mod tests;
