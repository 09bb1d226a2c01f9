//! Runs every program at once, for tests and benchmarks of what is around a runner.

use async_trait::async_trait;
use bytes::Bytes;

use super::{catalog, report};
use crate::{
    CodeRunner, Enforcement, InputWanted, LanguageSpec, OutputStream, Report, RunInput, RunIo,
    RunRequest, RunnerError, RunnerProfile, Verdict,
};

/// A runner that prints a greeting at once; an interactive program echoes its input until it ends.
#[derive(Debug, Clone, Copy, Default)]
pub struct InstantRunner;

#[async_trait]
impl CodeRunner for InstantRunner {
    fn profile(&self) -> RunnerProfile {
        RunnerProfile {
            name: "instant".to_owned(),
            enforcement: Enforcement::default(),
            interactive: true,
            ignores_buffering: false,
        }
    }

    fn languages(&self) -> Vec<LanguageSpec> {
        catalog().specs().to_vec()
    }

    async fn run<'io>(
        &self,
        request: RunRequest,
        io: &mut (dyn RunIo + 'io),
    ) -> Result<Report, RunnerError> {
        if request.submission.is_interactive() {
            while let RunInput::Data(bytes) = io.input(InputWanted::Anything).await {
                io.output(OutputStream::Stdout, bytes).await;
            }
            return Ok(report(Verdict::Cancelled));
        }
        let greeting = Bytes::from_static(b"Hello World\n");
        io.output(OutputStream::Stdout, greeting).await;
        Ok(report(Verdict::Accepted))
    }
}
