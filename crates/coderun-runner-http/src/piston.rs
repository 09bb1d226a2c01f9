//! Piston's REST API, version 2.

mod config;
mod delivery;
mod exchange;
mod failure;
mod judge;
mod known;
mod limits;
mod orders;
mod output_probe;
mod probe;
mod refusal;
mod report;
mod request;
mod response;
mod runtimes;
mod scout;
mod traffic;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use coderun_domain::{
    CodeRunner, ErrorChain, LanguageSpec, Limits, Report, RunIo, RunRequest, RunnerError,
    RunnerProfile, Submission,
};
use reqwest::StatusCode;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

pub use config::PistonConfig;
use delivery::{CancelWatch, Delivered};
use exchange::Exchanges;
use failure::Failure;
use known::Known;
use limits::LimitField;
use orders::Order;
use refusal::Refusal;
use scout::{Scout, ScoutState};
use traffic::Traffic;

use crate::client::{Answer, Client, Fault};
use crate::config::ConfigError;

/// The word that results carry.
const NAME: &str = "piston";

/// How long the start waits for the first look at Piston.
const FIRST_LOOK: Duration = Duration::from_secs(3);

/// Runs programs on a Piston server.
///
/// Languages, versions and limits are Piston's own and are asked for again and again. A program that Piston may have
/// received is never sent a second time. Its run keeps its place until Piston has answered or must have ended it, whatever
/// becomes of whoever waits for it, so that there are never more at Piston than configured.
///
/// What an operator and a user should know of Piston:
/// - A newline is put after an input that does not end with one, also after none at all.
/// - Output comes when the program has ended, as text: what is not UTF-8 is replaced, also a character that Piston happened
///   to read in two pieces. Of what goes beyond its cap whole pieces are missing, and a later one that is smaller may
///   still be kept.
/// - A program cannot be stopped before its limits, and cannot be talked with: it finds the end after the submission's own
///   input, which also holds for an interactive submission, and further input is never asked for.
/// - The trace of a submission goes along with its request, in the header `traceparent`.
/// - Programs are started by a shell, which turns a signal into the exit code 128 and the signal's number.
/// - Memory is enforced at 2.4 % more than was asked for. Limits above Piston's own are lowered to them.
/// - Nothing is known of its network, its processes and its files, so that no report says that they are restricted.
#[derive(Debug)]
pub struct PistonRunner {
    config: PistonConfig,
    known: Arc<Known>,
    traffic: Arc<Traffic>,
    exchanges: Arc<Exchanges>,
    scout: Arc<Scout>,
    _looking: DropGuard,
}

impl PistonRunner {
    /// Looks at Piston, on the present runtime and until the runner is dropped; waits for the first look, but not for long.
    ///
    /// Succeeds even where Piston is away, so that a service can start and say so: see [`CodeRunner::check`].
    ///
    /// # Errors
    /// [`ConfigError`] names the first setting that cannot work.
    pub async fn start(config: PistonConfig) -> Result<Self, ConfigError> {
        config.check()?;
        let client = Arc::new(Client::new(config.client())?);
        let known = Arc::new(Known::new(config.refresh_interval, config.output_max));
        let traffic = Traffic::new(config.concurrency);
        let exchanges = Arc::new(Exchanges::new(Arc::clone(&client)));
        let scout = Arc::new(Scout {
            client,
            known: Arc::clone(&known),
            traffic: Arc::clone(&traffic),
            exchanges: Arc::clone(&exchanges),
            interval: config.refresh_interval,
            state: ScoutState::default(),
        });
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let looking = Arc::clone(&scout).keep_looking();
        tasks.spawn(stop.clone().run_until_cancelled_owned(looking));
        tasks.close();
        // Without an answer the languages follow later.
        drop(tokio::time::timeout(FIRST_LOOK, scout.first_round()).await);
        Ok(Self {
            config,
            known,
            traffic,
            exchanges,
            scout,
            _looking: stop.drop_guard(),
        })
    }

    /// Orders a program, once more with lower limits where Piston turns out to take less than was known: by that refusal
    /// nothing was run.
    async fn carry_out(
        &self,
        submission: &Arc<Submission>,
        cancel: &mut CancelWatch<'_, '_>,
    ) -> Result<Report, RunnerError> {
        let deadline = Instant::now() + self.config.waiting;
        let mut lessons_left = LimitField::ALL.len();
        loop {
            let order = self.order(submission).await?;
            let body = match &order.body {
                Ok(body) => body,
                Err(sizes) => return Ok(order.too_large(*sizes)),
            };
            let delivered = match self.deliver(&order, body, deadline, cancel).await {
                Ok(delivered) => delivered,
                Err(Failure::Client(Fault::TooLarge { max })) => {
                    return Ok(order.flooded(max, cancel.io));
                }
                Err(failure) => return Err(failure.into()),
            };
            if lessons_left == 0 || !self.learn_limit(&order, &delivered) {
                return self.report(&order, delivered, cancel.io).await;
            }
            lessons_left -= 1;
        }
    }

    /// Learns that Piston takes less of a limit than was sent, if that is what it says.
    fn learn_limit(&self, order: &Order, delivered: &Delivered) -> bool {
        let Delivered::Answer(answer) = delivered else {
            return false;
        };
        if answer.status != StatusCode::BAD_REQUEST {
            return false;
        }
        match refusal::read(answer.status, &answer.body) {
            Refusal::LimitTooHigh { field, max } if max < order.limits.get(field) => {
                self.known.learn_cap(&order.runtime, field, max);
                self.scout.refresh();
                true
            }
            Refusal::LimitTooHigh { .. }
            | Refusal::Busy
            | Refusal::UnknownRuntime
            | Refusal::TooLarge
            | Refusal::Invalid(_)
            | Refusal::Unknown
            | Refusal::Unusable(_)
            | Refusal::Failed(_) => false,
        }
    }

    async fn report(
        &self,
        order: &Order,
        delivered: Delivered,
        io: &mut (dyn RunIo + '_),
    ) -> Result<Report, RunnerError> {
        match delivered {
            Delivered::Answer(answer) if answer.status == StatusCode::OK => {
                Ok(order.ran(answer, io).await?)
            }
            Delivered::Answer(answer) => self.refused(order, &answer),
            Delivered::NeverSent => Ok(order.cancelled(None, io).await),
            Delivered::Cancelled(answer) => Ok(order.cancelled(answer, io).await),
        }
    }

    fn refused(&self, order: &Order, answer: &Answer) -> Result<Report, RunnerError> {
        let failure = match refusal::read(answer.status, &answer.body) {
            Refusal::UnknownRuntime => {
                self.scout.refresh();
                return Err(RunnerError::Unsupported {
                    language: order.submission.language().clone(),
                });
            }
            Refusal::LimitTooHigh { field, max } => {
                let hint = format!(
                    "The runner takes a {} of at most {max} {}",
                    field.as_str(),
                    field.unit()
                );
                return Ok(order.rejected(hint));
            }
            Refusal::TooLarge => {
                let hint = "The program with its files and input is larger than the runner takes";
                return Ok(order.rejected(hint.to_owned()));
            }
            Refusal::Invalid(known) => return Ok(order.rejected(known.sentence().to_owned())),
            Refusal::Unknown => {
                return Ok(order.rejected("The runner does not take the program".to_owned()));
            }
            Refusal::Busy => Failure::Busy {
                retry_after: answer.retry_after,
            },
            Refusal::Unusable(reason) => Failure::Unusable(reason),
            Refusal::Failed(status) => Failure::Failed(status),
        };
        Err(failure.into())
    }
}

#[async_trait]
impl CodeRunner for PistonRunner {
    fn profile(&self) -> RunnerProfile {
        RunnerProfile {
            name: NAME.to_owned(),
            enforcement: report::enforcement(),
            interactive: false,
        }
    }

    fn languages(&self) -> Vec<LanguageSpec> {
        self.known.languages()
    }

    fn maximum_limits(&self) -> Option<Limits> {
        self.known.maximum_limits()
    }

    /// Asks Piston for its runtimes, unless it was asked a second ago and nothing has failed since, or does not want to be
    /// asked, or all places are taken, some of them for programs that were lost.
    async fn check(&self) -> Result<(), RunnerError> {
        if let Some(wait) = self.traffic.closed_for() {
            return Err(RunnerError::Overloaded {
                retry_after: Some(wait),
            });
        }
        Ok(self.scout.look().await?)
    }

    /// Waits for a place first; the answer comes with all output at once. Where this is dropped, nothing more is sent, and
    /// what was sent goes on within its limits.
    async fn run<'io>(
        &self,
        request: RunRequest,
        io: &mut (dyn RunIo + 'io),
    ) -> Result<Report, RunnerError> {
        let mut cancel = CancelWatch { io };
        let result = Box::pin(self.carry_out(&request.submission, &mut cancel)).await;
        if let Err(error) = &result {
            tracing::debug!(error = %ErrorChain(error), "the run failed");
            self.scout.doubt();
        }
        result
    }
}
