//! Runs the example of a language, to find out whether the language runs.

use std::borrow::Cow;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use coderun_domain::{
    ByteSize, InputWanted, LanguageCatalog, Limits, Outcome, OutputBuffer, OutputStream, Report,
    RunInput, RunIo, RunnerError, Submission, SubmissionDraft, SubmissionPolicy, UserId, Verdict,
};

use super::execution::Execution;
use super::input::Input;
use super::stage_runner::StageRunner;
use crate::slots::Slot;
use crate::toolchain::{self, Toolchain};

/// The output that is kept of an example.
const OUTPUT_KEPT: ByteSize = ByteSize::from_kib(4);
/// The longest quotation of an output in a reason, in characters.
const QUOTED_MAX: usize = 200;
/// What every example prints.
const GREETING: &str = "Hello, World!";

/// Runs the example of a language under the limits of a submission that asks for none. Answers why it failed; `None` if it
/// printed its greeting.
///
/// # Errors
/// As a run of the runner.
pub(super) async fn run(
    stages: &StageRunner,
    toolchain: &Toolchain,
    policy: &SubmissionPolicy,
    slot: Slot,
) -> Result<Option<String>, RunnerError> {
    let submission = match submission(toolchain, policy) {
        Ok(submission) => submission,
        Err(reason) => return Ok(Some(reason)),
    };
    let mut io = ExampleIo::new();
    let execution = Execution {
        stages,
        toolchain,
        submission: &submission,
        slot: Arc::new(slot),
        input: Input::of(&submission),
    };
    let report = Box::pin(execution.run(&mut io)).await?;
    Ok(fault(report, io, submission.limits()))
}

fn submission(toolchain: &Toolchain, policy: &SubmissionPolicy) -> Result<Submission, String> {
    let user = UserId::parse("sandbox").map_err(|error| error.to_string())?;
    let draft = SubmissionDraft {
        code: toolchain.entry.example.clone(),
        language: toolchain.language.to_string(),
        ..SubmissionDraft::default()
    };
    let catalog = LanguageCatalog::new(toolchain::specs(std::slice::from_ref(toolchain)));
    Submission::parse(user, draft, &catalog, policy)
        .map_err(|error| format!("its example cannot be submitted: {error}"))
}

/// Why the example did not run as it should.
fn fault(report: Report, io: ExampleIo, limits: &Limits) -> Option<String> {
    let outcome = Outcome::of_run(report, io.stdout.finish(), io.stderr.finish(), None);
    if outcome.verdict() == Verdict::Accepted {
        let printed = String::from_utf8_lossy(outcome.output().bytes());
        let printed = printed.trim();
        let quoted = || {
            format!(
                "its example printed `{}`, not `{GREETING}`",
                shortened(printed)
            )
        };
        return (printed != GREETING).then(quoted);
    }
    let explanation = outcome.explanation(limits).unwrap_or_default();
    let compile = outcome.report().and_then(|report| report.compile.as_ref());
    let compiler = compile.map(|compile| compile.error_output.bytes());
    let said = [Some(outcome.error_output().bytes()), compiler];
    let said = said
        .into_iter()
        .flatten()
        .find_map(|bytes| last_line(bytes));
    Some(match said {
        Some(line) => format!("its example failed: {explanation} ({})", shortened(&line)),
        None => format!("its example failed: {explanation}"),
    })
}

fn last_line(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let line = text.lines().rev().find(|line| !line.trim().is_empty())?;
    Some(line.trim().to_owned())
}

pub(super) fn shortened(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(QUOTED_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()).into(),
        None => text.into(),
    }
}

/// Keeps what an example prints, and gives it no input.
struct ExampleIo {
    stdout: OutputBuffer,
    stderr: OutputBuffer,
    is_closed: bool,
}

impl ExampleIo {
    fn new() -> Self {
        Self {
            stdout: OutputBuffer::new(OUTPUT_KEPT),
            stderr: OutputBuffer::new(OUTPUT_KEPT),
            is_closed: false,
        }
    }
}

#[async_trait]
impl RunIo for ExampleIo {
    async fn output(&mut self, stream: OutputStream, bytes: Bytes) {
        match stream {
            OutputStream::Stdout => self.stdout.push(&bytes),
            OutputStream::Stderr => self.stderr.push(&bytes),
        };
    }

    fn mark_truncated(&mut self, _stream: OutputStream) {}

    async fn input(&mut self, _wanted: InputWanted) -> RunInput {
        if self.is_closed {
            return std::future::pending().await;
        }
        self.is_closed = true;
        RunInput::Closed
    }
}
