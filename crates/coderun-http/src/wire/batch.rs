//! Decodes several submissions in one request and encodes the answers to them.

use coderun_domain::FailureKind;
use serde::Serialize;

use super::submission::{SubmitAnswer, SubmitRequest};
use crate::body::{Entries, Faults, FromJson, Lenient, json_objects};
use crate::problem::{Problem, ProblemDetails, ProblemEntry};

/// The most submissions of one request.
pub(crate) const SUBMISSIONS_MAX: usize = 20;

json_objects! {
    /// Several submissions.
    pub(crate) struct BatchRequest {
        submissions: Entries<SubmitRequest>,
    }
}

impl BatchRequest {
    /// The submissions in order, each unless it is no object.
    ///
    /// # Errors
    /// 422 if there is no list of them, or one that is too long.
    pub(crate) fn into_submissions(self) -> Result<Vec<Result<SubmitRequest, Problem>>, Problem> {
        let mut faults = Faults::default();
        if self.submissions.is_absent() {
            faults.add("submissions", "is required");
        }
        let submissions = self.submissions.take("submissions", &mut faults);
        let submissions = submissions.map(Entries::into_all).unwrap_or_default();
        if submissions.len() > SUBMISSIONS_MAX {
            faults.add("submissions", "must have at most 20 entries");
        }
        let faults = faults.into_entries();
        if !faults.is_empty() {
            return Err(Problem::of_entries(FailureKind::Invalid, faults));
        }
        let submission = |entry| match entry {
            Lenient::Given(submission) => Ok(submission),
            Lenient::Absent | Lenient::Null | Lenient::Mistyped | Lenient::Repeated => {
                let entry = ProblemEntry::of_field("", SubmitRequest::EXPECTED);
                Err(Problem::of_entries(FailureKind::Invalid, vec![entry]))
            }
        };
        Ok(submissions.into_iter().map(submission).collect())
    }
}

/// The answer to one of several submissions: that of `execute`, or the problem.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum BatchEntry<'a> {
    Accepted(SubmitAnswer),
    Refused(ProblemDetails<'a>),
}

/// The answers to several submissions, in their order.
#[derive(Serialize)]
pub(crate) struct BatchAnswer<'a> {
    pub(crate) executions: Vec<BatchEntry<'a>>,
}
