//! Encodes what would run for a submission.

use coderun_app::FleetView;
use coderun_domain::Submission;
use serde::Serialize;

use super::limits::WireLimits;

/// The resolved parts of a valid submission that is not run.
#[derive(Serialize)]
pub(crate) struct DryRunAnswer<'a> {
    language: &'a str,
    version: Option<&'a str>,
    limits: WireLimits,
    /// The runner of the first worker that has the language, or `null` while no worker has it.
    runner: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl<'a> DryRunAnswer<'a> {
    /// What would run on these workers.
    pub(crate) fn new(
        submission: &'a Submission,
        fleet: &'a FleetView,
        warnings: Vec<String>,
    ) -> Self {
        let language = submission.language();
        let mut offers = fleet.offers().iter();
        let runner = offers.find(|offer| {
            offer
                .languages
                .iter()
                .any(|spec| spec.language == *language)
        });
        Self {
            language: language.as_str(),
            version: submission.version(),
            limits: WireLimits::from(submission.limits()),
            runner: runner.map(|offer| offer.runner.name.as_str()),
            warnings,
        }
    }
}
