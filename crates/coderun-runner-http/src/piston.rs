//! Speaks the REST API of Piston, version 2.

mod config;
mod limits;
mod refusal;
mod request;
mod response;
mod runtimes;
mod verdict;

use std::sync::Arc;

use async_trait::async_trait;
use coderun_domain::{ByteSize, Enforcement, Limits};
use hyper::StatusCode;

pub use config::PistonConfig;

use crate::api::{Program, RunResult, ThirdPartyApi};
use crate::catalog::RuntimeList;
use crate::client::{Call, Client};
use crate::config::ConfigError;
use crate::error::ApiError;
use crate::offload::offload;

const NAME: &str = "piston";

/// A longer list of runtimes takes longer to read than a task may block.
const LIST_MAX: ByteSize = ByteSize::from_kib(256);

/// Piston as a third-party API.
///
/// - Piston puts a newline after an input that does not end with one, also after an empty one.
/// - It returns output as text: bytes that are not UTF-8 are replaced. Of what goes beyond its cap whole pieces are missing.
/// - It starts programs by a shell, which turns a signal into the exit code 128 and the signal's number.
/// - It enforces 2.4 % more memory than was asked for.
/// - It is asked to restrict neither the network, nor processes, nor files, so no report says that they are restricted.
#[derive(Debug)]
pub(crate) struct Piston {
    config: PistonConfig,
    limits: Limits,
}

impl Piston {
    /// # Errors
    /// [`ConfigError`] names the first limit that is zero.
    pub(crate) fn new(config: PistonConfig) -> Result<Self, ConfigError> {
        Ok(Self {
            limits: limits::maximum(&config)?,
            config,
        })
    }
}

#[async_trait]
impl ThirdPartyApi for Piston {
    fn name(&self) -> &'static str {
        NAME
    }

    fn enforcement(&self) -> Enforcement {
        Enforcement {
            cpu: Some(NAME.to_owned()),
            memory: Some(NAME.to_owned()),
            output: Some(NAME.to_owned()),
            ..Enforcement::default()
        }
    }

    fn maximum_limits(&self) -> Option<Limits> {
        Some(self.limits)
    }

    async fn runtimes(&self, client: &Client) -> Result<RuntimeList, ApiError> {
        let answer = client.get("runtimes", LIST_MAX).await?;
        match answer.status {
            StatusCode::OK => runtimes::read(&answer.body),
            StatusCode::BAD_REQUEST => {
                Err(ApiError::Unusable("there is no Piston at this address"))
            }
            _ => Err(answer.error()),
        }
    }

    async fn execute(&self, program: Arc<Program>, call: &Call) -> Result<RunResult, ApiError> {
        let sent = Arc::clone(&program);
        let rough_bytes = request::rough_bytes(&program.submission);
        let body = offload(rough_bytes, move || request::write(&sent)).await?;
        let (actual, max) = (ByteSize::of(&body), self.config.body_max);
        if actual > max {
            return Ok(RunResult::rejected(format!(
                "The runner takes {} bytes at most, and the program with its files and input makes {} bytes",
                max.as_bytes(),
                actual.as_bytes()
            )));
        }
        let answer = call.post_json("execute", body.into()).await?;
        if answer.status != StatusCode::OK {
            return refusal::read(&answer);
        }
        let answer_bytes = answer.body.len();
        offload(answer_bytes, move || {
            response::read(&answer.body, &program.limits)
        })
        .await?
    }
}
