//! What a submission means for Piston: which runtime, which limits, which request.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use coderun_domain::{ByteSize, RunnerError, Submission};

use super::known::{Found, NotFound};
use super::limits::SentLimits;
use super::request::{self, Ordered, RequestTooLarge};
use super::runtimes::Runtime;
use super::{NAME, PistonRunner};

/// Writing a request that is larger than this takes longer than a task may block.
const QUICK_BYTES: usize = 64 * 1024;

/// A program, ready to be sent.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) submission: Arc<Submission>,
    pub(super) runtime: Runtime,
    pub(super) limits: SentLimits,
    /// The request, or why there is none.
    pub(super) body: Result<Bytes, RequestTooLarge>,
    /// How long after it was sent the program has certainly ended, by its limits.
    pub(super) patience: Duration,
}

impl PistonRunner {
    /// Writes the order for a submission.
    pub(super) async fn order(&self, submission: &Arc<Submission>) -> Result<Order, RunnerError> {
        let found = self.found(submission)?;
        let limits = SentLimits::new(submission.limits(), &found.caps);
        let body_max = self.config.body_max;
        let body = if rough_size(submission) > QUICK_BYTES {
            let (submission, found) = (Arc::clone(submission), found.clone());
            let writing =
                tokio::task::spawn_blocking(move || write(&submission, &found, &limits, body_max));
            writing.await.map_err(|error| RunnerError::Broken {
                backend: NAME,
                source: Box::new(error),
            })?
        } else {
            write(submission, &found, &limits, body_max)
        };
        let grace = self.config.connect_timeout + self.config.answer_grace;
        Ok(Order {
            submission: Arc::clone(submission),
            runtime: found.runtime,
            limits,
            body,
            patience: limits.wall_in_all() + grace,
        })
    }

    fn found(&self, submission: &Submission) -> Result<Found, RunnerError> {
        let language = submission.language();
        let found = self.known.find(language, submission.version());
        found.map_err(|reason| match reason {
            NotFound::Unlisted => RunnerError::Unsupported {
                language: language.clone(),
            },
            NotFound::NoList => RunnerError::Unavailable {
                backend: NAME,
                reason: "its languages are not known".to_owned(),
                source: None,
            },
        })
    }
}

fn write(
    submission: &Submission,
    found: &Found,
    limits: &SentLimits,
    max: ByteSize,
) -> Result<Bytes, RequestTooLarge> {
    let ordered = Ordered {
        submission,
        runtime: &found.runtime,
        entry_file: &found.entry_file,
        limits,
    };
    request::write(ordered, max)
}

fn rough_size(submission: &Submission) -> usize {
    let files = submission.files().iter().map(|file| file.content().len());
    submission.code().len() + submission.input().len() + files.sum::<usize>()
}
