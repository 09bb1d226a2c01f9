//! From an answer to the report at the port.

use bytes::Bytes;
use coderun_domain::{
    ByteSize, CompileReport, Enforcement, Output, OutputStream, Report, RunIo, Usage, Verdict,
};
use semver::Version;

use super::NAME;
use super::failure::Failure;
use super::judge::{Judgement, Written, judge};
use super::orders::Order;
use super::request::RequestTooLarge;
use super::response::{Executed, read};
use crate::client::Answer;

/// Reading an answer that is larger than this takes longer than a task may block.
const QUICK_BYTES: usize = 64 * 1024;

/// What is enforced by what is sent with every run. Piston is told nothing of processes, network and files.
pub(super) fn enforcement() -> Enforcement {
    Enforcement {
        cpu: Some(NAME.to_owned()),
        memory: Some(NAME.to_owned()),
        output: Some(NAME.to_owned()),
        ..Enforcement::default()
    }
}

impl Order {
    /// The report on a program that ran: passes its output on first.
    pub(super) async fn ran(
        &self,
        answer: Answer,
        io: &mut (dyn RunIo + '_),
    ) -> Result<Report, Failure> {
        let executed = executed(answer.body).await?;
        let version = version(&executed).unwrap_or_else(|| self.runtime.version.clone());
        let judgement = judge(executed, &self.limits)?;
        let limit = self.submission.limits().storage.output();
        let is_flood = match judgement.written {
            Some(ref written) => pass_on(written, limit, io).await,
            None => false,
        };
        let verdict = if is_flood {
            Verdict::OutputLimit
        } else {
            judgement.verdict
        };
        Ok(Report {
            verdict,
            ending: judgement.ending,
            usage: judgement.usage,
            hint: self.hint(&judgement),
            compile: judgement.compile.map(|compile| cut(compile, limit)),
            language_version: Some(version),
            ..self.report(verdict, None)
        })
    }

    /// The report on a program that was stopped by its owner; it has ended, and maybe told how.
    pub(super) async fn cancelled(
        &self,
        answer: Option<Answer>,
        io: &mut (dyn RunIo + '_),
    ) -> Report {
        let answer = answer.filter(|answer| answer.status == reqwest::StatusCode::OK);
        let ran = match answer {
            Some(answer) => self.ran(answer, io).await.ok(),
            None => None,
        };
        let report = ran.unwrap_or_else(|| self.report(Verdict::Cancelled, None));
        Report {
            verdict: Verdict::Cancelled,
            hint: None,
            ..report
        }
    }

    /// The report on a program that Piston does not take.
    pub(super) fn rejected(&self, hint: String) -> Report {
        self.report(Verdict::Rejected, Some(hint))
    }

    /// The report on a program that is too large to be sent.
    pub(super) fn too_large(&self, sizes: RequestTooLarge) -> Report {
        let RequestTooLarge { actual, max } = sizes;
        self.rejected(format!(
            "The runner takes {} bytes at most, and the program with its files and input makes {} bytes",
            max.as_bytes(),
            actual.as_bytes()
        ))
    }

    /// The report on a program that ran, and whose result is larger than we take. Only what it wrote makes a result large, so
    /// another run would end in the same way.
    pub(super) fn flooded(&self, max: ByteSize, io: &mut (dyn RunIo + '_)) -> Report {
        for stream in [OutputStream::Stdout, OutputStream::Stderr] {
            io.cut(stream);
        }
        let hint = format!(
            "The program wrote more than the runner can hand over, {max} for everything together"
        );
        self.report(Verdict::OutputLimit, Some(hint))
    }

    fn report(&self, verdict: Verdict, hint: Option<String>) -> Report {
        Report {
            verdict,
            ending: None,
            usage: Usage::default(),
            compile: None,
            language_version: Some(self.runtime.version.clone()),
            runner: NAME.to_owned(),
            enforcement: enforcement(),
            hint,
        }
    }

    /// Says so if the limit that was met is not the one that was asked for.
    fn hint(&self, judgement: &Judgement) -> Option<String> {
        let limits = self.submission.limits();
        let (asked, sent) = match judgement.ending {
            Some(_) => (&limits.run, &self.limits.run),
            None => (&limits.compile, &self.limits.compile),
        };
        let is_lower =
            |asked: std::time::Duration, sent_ms: u64| asked.as_millis() > sent_ms.into();
        let is_lowered =
            is_lower(asked.wall_time(), sent.wall_ms) || is_lower(asked.cpu_time(), sent.cpu_ms);
        if judgement.verdict == Verdict::TimeLimit && is_lowered {
            return Some(format!(
                "The runner's own limits are lower: {} ms of CPU time, {} ms in all",
                sent.cpu_ms, sent.wall_ms
            ));
        }
        judgement.hint.clone()
    }
}

async fn executed(body: Bytes) -> Result<Executed, Failure> {
    if body.len() <= QUICK_BYTES {
        return Ok(read(&body)?);
    }
    let reading = tokio::task::spawn_blocking(move || read(&body));
    let read = reading.await;
    Ok(read.map_err(|_| Failure::Unusable("the service is ending"))??)
}

/// What really ran, if it is a version at all.
fn version(executed: &Executed) -> Option<String> {
    let version = &executed.version;
    (version.len() <= 64 && Version::parse(version).is_ok()).then(|| version.clone())
}

/// Passes on what the program wrote, up to one byte beyond the limit; answers whether there was more than the limit.
async fn pass_on(written: &Written, limit: ByteSize, io: &mut (dyn RunIo + '_)) -> bool {
    let most = usize::try_from(limit.as_bytes())
        .unwrap_or(usize::MAX)
        .saturating_add(1);
    let mut is_flood = false;
    let streams = [
        (OutputStream::Stdout, &written.stdout),
        (OutputStream::Stderr, &written.stderr),
    ];
    for (stream, text) in streams {
        let bytes = text.as_bytes();
        let head = bytes.get(..most).unwrap_or(bytes);
        is_flood |= head.len() == most;
        if !head.is_empty() {
            io.output(stream, Bytes::copy_from_slice(head)).await;
        }
        if written.cut == Some(stream) {
            io.cut(stream);
        }
    }
    is_flood
}

/// The compiler's words, within the limit that a program's have.
fn cut(compile: CompileReport, limit: ByteSize) -> CompileReport {
    let most = usize::try_from(limit.as_bytes()).unwrap_or(usize::MAX);
    let within = |output: Output| {
        if output.bytes().len() > most {
            Output::truncated(output.bytes().slice(..most))
        } else {
            output
        }
    };
    CompileReport {
        output: within(compile.output),
        error_output: within(compile.error_output),
        ..compile
    }
}
