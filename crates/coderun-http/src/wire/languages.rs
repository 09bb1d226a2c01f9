//! Encodes the languages that can be submitted.

use std::collections::BTreeMap;

use coderun_app::FleetView;
use coderun_domain::{LanguageSpec, LimitName, LimitPolicy};
use serde::Serialize;

use super::limits::WireLimits;

/// All languages, each with its limits.
#[derive(Debug, Serialize)]
pub(crate) struct Languages<'a> {
    languages: Vec<LanguageRecord<'a>>,
}

#[derive(Debug, Serialize)]
struct LanguageRecord<'a> {
    name: &'a str,
    aliases: &'a [String],
    versions: &'a [String],
    default_limits: WireLimits,
    maximum_limits: WireLimits,
    minimum_limits: BTreeMap<&'static str, u64>,
    example: &'a str,
}

impl<'a> Languages<'a> {
    /// The languages of these workers.
    pub(crate) fn of(view: &'a FleetView) -> Self {
        let record = |spec| LanguageRecord::of(spec, view.limits());
        Self {
            languages: view.catalog().specs().iter().map(record).collect(),
        }
    }
}

impl<'a> LanguageRecord<'a> {
    fn of(spec: &'a LanguageSpec, limits: &LimitPolicy) -> Self {
        let limits = limits.for_language(&spec.limits);
        Self {
            name: spec.language.as_str(),
            aliases: &spec.aliases,
            versions: &spec.versions,
            default_limits: WireLimits::from(limits.default_limits()),
            maximum_limits: WireLimits::from(limits.maximum_limits()),
            minimum_limits: LimitName::ALL
                .map(|name| (name.as_str(), limits.minimum(name)))
                .into(),
            example: &spec.example,
        }
    }
}
