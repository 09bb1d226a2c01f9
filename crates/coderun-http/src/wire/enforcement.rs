//! Encodes the controls that were enforced on a run.

use coderun_domain::Enforcement;
use serde::Serialize;

/// The enforced controls, as references into the domain value.
#[derive(Debug, Serialize)]
pub(super) struct WireEnforcement<'a>(#[serde(with = "Fields")] &'a Enforcement);

/// Mirrors the fields of [`Enforcement`], for serde.
#[derive(Serialize)]
#[serde(remote = "Enforcement")]
struct Fields {
    cpu: Option<String>,
    memory: Option<String>,
    processes: Option<String>,
    network: Option<String>,
    filesystem: Option<String>,
    output: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cancel: Option<String>,
}

impl<'a> From<&'a Enforcement> for WireEnforcement<'a> {
    fn from(enforcement: &'a Enforcement) -> Self {
        Self(enforcement)
    }
}
