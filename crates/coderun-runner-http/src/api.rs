//! Defines what a third-party execution API must implement.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use coderun_domain::{
    CompileReport, Enforcement, ExitStatus, Limits, OutputStream, Submission, Usage, Verdict,
};

use crate::catalog::{Runtime, RuntimeList};
use crate::client::{Call, Client};
use crate::error::ApiError;

/// One kind of execution API, such as Piston: how to ask for its runtimes, and how to run one program.
///
/// An implementation makes requests and reads answers. It does not retry, wait for permits, bound times or sizes, remember
/// anything between calls, or talk to the port: [`HttpRunner`](crate::HttpRunner) does that for every API.
#[async_trait]
pub(crate) trait ThirdPartyApi: fmt::Debug + Send + Sync + 'static {
    /// The runner's name in records, such as `piston`.
    fn name(&self) -> &'static str;

    /// What the API enforces on every run, because every request asks for it.
    fn enforcement(&self) -> Enforcement;

    /// The greatest limits that the API accepts; `None` where it has none.
    fn maximum_limits(&self) -> Option<Limits>;

    /// Asks which runtimes the API has.
    async fn runtimes(&self, client: &Client) -> Result<RuntimeList, ApiError>;

    /// Runs one program to its end, with as many requests as that needs.
    ///
    /// A program that the API refuses is [`RunResult::rejected`]. Each request is sent once.
    async fn execute(&self, program: Arc<Program>, call: &Call) -> Result<RunResult, ApiError>;
}

/// A program that is ready to be sent.
#[derive(Debug)]
pub(crate) struct Program {
    /// The code, the files and the input.
    pub(crate) submission: Arc<Submission>,
    /// What runs it.
    pub(crate) runtime: Runtime,
    /// The file name of the submitted code.
    pub(crate) entry_file: String,
    /// The limits of the submission, lowered to those of the API.
    pub(crate) limits: Limits,
}

/// How a program ended, as far as the API tells.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RunResult {
    pub(crate) verdict: Verdict,
    /// `None` if the program was not started, or if the API does not tell.
    pub(crate) exit_status: Option<ExitStatus>,
    pub(crate) usage: Usage,
    pub(crate) compile: Option<CompileReport>,
    pub(crate) stdout: Bytes,
    pub(crate) stderr: Bytes,
    /// The streams of which the API dropped a part.
    pub(crate) truncated: Vec<OutputStream>,
    /// What really ran, if the API tells.
    pub(crate) language_version: Option<String>,
    /// One sentence that may help the owner of the program.
    pub(crate) hint: Option<String>,
}

impl RunResult {
    /// A result without a run.
    pub(crate) fn without_run(verdict: Verdict, hint: Option<String>) -> Self {
        Self {
            verdict,
            exit_status: None,
            usage: Usage::default(),
            compile: None,
            stdout: Bytes::new(),
            stderr: Bytes::new(),
            truncated: Vec::new(),
            language_version: None,
            hint,
        }
    }

    /// The API refused the program, for this reason.
    pub(crate) fn rejected(hint: impl Into<String>) -> Self {
        Self::without_run(Verdict::Rejected, Some(hint.into()))
    }
}
