//! Runs jobs, so many at a time, and says what Piston would say.

mod capture;
mod sandboxed;
mod shell;
mod verdict;

use std::io;

use coderun_domain::BackendError;
use tokio::sync::Semaphore;

use self::sandboxed::Sandboxed;
use crate::counters::Counters;
use crate::job::Job;
use crate::runtime::Runtime;
use crate::stage::ExecuteResult;
use crate::{FixedResult, Programs, StandinOptions};

/// Runs jobs.
#[derive(Debug)]
pub(crate) struct Executor {
    means: Means,
    /// Waiting jobs are served in the order in which they came.
    places: Semaphore,
}

#[derive(Debug)]
enum Means {
    Sandboxed(Box<Sandboxed>),
    Fixed(Box<FixedResult>),
}

/// Piston met something that it did not foresee: the answer is 500 without a body.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExecuteError {
    /// The job is one that Piston fails at.
    #[error("Piston cannot run such a job")]
    Job,
    /// The job is one that only the sandbox fails at.
    #[error("the sandbox cannot run the job")]
    Sandbox(#[source] BackendError),
}

impl Executor {
    /// Looks for what programs are run with.
    pub(crate) async fn start(options: &StandinOptions) -> io::Result<Self> {
        let means = match &options.programs {
            Programs::Fixed(result) => Means::Fixed(Box::new(result.clone())),
            Programs::Sandboxed(config) => {
                let sandboxed = Sandboxed::start(config.clone(), options).await?;
                Means::Sandboxed(Box::new(sandboxed))
            }
        };
        Ok(Self {
            means,
            places: Semaphore::new(options.max_concurrent_jobs.clamp(1, Semaphore::MAX_PERMITS)),
        })
    }

    /// What is offered unless something else was asked for.
    pub(crate) fn default_runtimes(&self) -> Vec<Runtime> {
        match &self.means {
            Means::Sandboxed(sandboxed) => Runtime::offered(&sandboxed.languages()),
            Means::Fixed(_) => Runtime::stock(),
        }
    }

    /// Waits for a place, for however long it takes, and runs a job. Dropping the future ends the program.
    pub(crate) async fn run(
        &self,
        job: Job,
        counters: &Counters,
    ) -> Result<ExecuteResult, ExecuteError> {
        let _place = self.places.acquire().await;
        counters.count_begun();
        let stages = match &self.means {
            Means::Sandboxed(sandboxed) => Box::pin(sandboxed.run(&job)).await,
            Means::Fixed(result) => {
                tokio::time::sleep(result.takes).await;
                Ok((result.compile.clone(), result.run.clone()))
            }
        };
        counters.count_ended();
        let (compile, run) = stages?;
        Ok(ExecuteResult {
            run: run.or_else(|| compile.clone()),
            compile,
            language: job.runtime.language.clone(),
            version: job.runtime.version.to_string(),
        })
    }
}
