//! How long runs take, and what runners fail at.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use coderun_domain::{
    CodeRunner, LanguageSpec, Limits, Report, RunIo, RunRequest, RunnerError, RunnerProfile,
};
use metrics::{Histogram, counter, histogram};

use super::catalog::{RUNNER_DURATION, RUNNER_FAILURES};
use super::per_language::PerLanguage;

/// A runner whose runs are measured. One that is given up before its end is not counted.
#[derive(Debug)]
pub(crate) struct MeasuredCodeRunner {
    inner: Arc<dyn CodeRunner>,
    name: String,
    durations: PerLanguage<Histogram>,
}

impl MeasuredCodeRunner {
    pub(crate) fn new(inner: Arc<dyn CodeRunner>) -> Self {
        Self {
            name: inner.profile().name,
            inner,
            durations: PerLanguage::new(),
        }
    }
}

#[async_trait]
impl CodeRunner for MeasuredCodeRunner {
    fn profile(&self) -> RunnerProfile {
        self.inner.profile()
    }

    fn languages(&self) -> Vec<LanguageSpec> {
        self.inner.languages()
    }

    fn maximum_limits(&self) -> Option<Limits> {
        self.inner.maximum_limits()
    }

    async fn check(&self) -> Result<(), RunnerError> {
        self.inner.check().await
    }

    async fn run<'io>(
        &self,
        request: RunRequest,
        io: &mut (dyn RunIo + 'io),
    ) -> Result<Report, RunnerError> {
        let submission = Arc::clone(&request.submission);
        let began = Instant::now();
        let result = self.inner.run(request, io).await;
        let took = began.elapsed();
        match &result {
            Ok(_) => {
                let language = submission.language();
                let durations = self.durations.get(language, || {
                    let language = language.as_str().to_owned();
                    histogram!(RUNNER_DURATION, "language" => language, "runner" => self.name.clone())
                });
                durations.record(took);
            }
            Err(error) => {
                let kind = kind(error);
                counter!(RUNNER_FAILURES, "kind" => kind, "runner" => self.name.clone())
                    .increment(1);
            }
        }
        result
    }
}

const fn kind(error: &RunnerError) -> &'static str {
    match error {
        RunnerError::Unsupported { .. } => "unsupported",
        RunnerError::Overloaded { .. } => "overloaded",
        RunnerError::Unavailable { .. } => "unavailable",
        RunnerError::Broken { .. } => "broken",
    }
}
