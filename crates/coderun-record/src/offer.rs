//! Stores the offer of a worker.

use coderun_domain::{
    Enforcement, Language, LanguageLimits, LanguageSpec, LimitPolicy, RequestedLimits,
    RunnerProfile, UnavailableCause, UnavailableLanguage, WorkerId, WorkerOffer,
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::limits::LimitsRecord;
use crate::report::EnforcementRecord;
use crate::{RecordError, from_micros, micros};

#[derive(Debug, Serialize, Deserialize)]
struct OfferRecord {
    expires: i64,
    worker: String,
    runner: String,
    #[serde(with = "EnforcementRecord")]
    enforcement: Enforcement,
    languages: Vec<LanguageRecord>,
    default_limits: LimitsRecord,
    maximum_limits: LimitsRecord,
    concurrency: u32,
    #[serde(default)]
    interactive: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    ignores_buffering: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    outage: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unavailable: Vec<UnavailableRecord>,
}

#[derive(Debug, Serialize, Deserialize)]
struct UnavailableRecord {
    language: String,
    aliases: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(with = "CauseRecord")]
    cause: UnavailableCause,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(remote = "UnavailableCause", rename_all = "snake_case")]
enum CauseRecord {
    BeingChecked,
    Failing(String),
    NotInstalled,
}

#[derive(Debug, Serialize, Deserialize)]
struct LanguageRecord {
    language: String,
    aliases: Vec<String>,
    versions: Vec<String>,
    entry_file: String,
    example: String,
    #[serde(default, with = "LanguageLimitsRecord")]
    limits: LanguageLimits,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(remote = "LanguageLimits")]
struct LanguageLimitsRecord {
    #[serde(with = "RequestedLimitsRecord")]
    default: RequestedLimits,
    #[serde(with = "RequestedLimitsRecord")]
    minimum: RequestedLimits,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(remote = "RequestedLimits")]
struct RequestedLimitsRecord {
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_time_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wall_time_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    processes: Option<u64>,
}

/// Writes an offer that ends at this time.
///
/// # Errors
/// [`RecordError::Unwritable`].
pub fn encode_offer(offer: &WorkerOffer, expires: OffsetDateTime) -> Result<Vec<u8>, RecordError> {
    let record = OfferRecord {
        expires: micros(expires),
        worker: offer.worker.as_str().to_owned(),
        runner: offer.runner.name.clone(),
        enforcement: offer.runner.enforcement.clone(),
        languages: offer.languages.iter().map(LanguageRecord::from).collect(),
        default_limits: LimitsRecord::from(offer.limits.default_limits()),
        maximum_limits: LimitsRecord::from(offer.limits.maximum_limits()),
        concurrency: offer.concurrency,
        interactive: offer.runner.interactive,
        ignores_buffering: offer.runner.ignores_buffering,
        outage: offer.outage.clone(),
        unavailable: offer
            .unavailable
            .iter()
            .map(UnavailableRecord::from)
            .collect(),
    };
    serde_json::to_vec(&record).map_err(RecordError::unwritable)
}

/// An offer as it is stored. Of an offer that a newer version of the service wrote only the end may be readable.
#[derive(Debug)]
pub struct StoredOffer<'a> {
    expires: OffsetDateTime,
    record: &'a [u8],
}

#[derive(Debug, Deserialize)]
struct Envelope {
    expires: i64,
}

impl<'a> StoredOffer<'a> {
    /// Reads when an offer ends; `None` if not even that can be read.
    #[must_use]
    pub fn read(record: &'a [u8]) -> Option<Self> {
        let envelope: Envelope = serde_json::from_slice(record).ok()?;
        let expires = from_micros("expires", envelope.expires).ok()?;
        Some(Self { expires, record })
    }

    /// The time at which it ends.
    #[must_use]
    pub const fn expires(&self) -> OffsetDateTime {
        self.expires
    }

    /// The offer, if it can be read.
    #[must_use]
    pub fn decode(&self) -> Option<WorkerOffer> {
        serde_json::from_slice::<OfferRecord>(self.record)
            .ok()?
            .decode()
            .ok()
    }
}

impl OfferRecord {
    fn decode(self) -> Result<WorkerOffer, RecordError> {
        let languages = self.languages.into_iter().map(LanguageRecord::decode);
        let unavailable = self.unavailable.into_iter().map(UnavailableRecord::decode);
        Ok(WorkerOffer {
            worker: WorkerId::parse(self.worker)?,
            runner: RunnerProfile {
                name: self.runner,
                enforcement: self.enforcement,
                interactive: self.interactive,
                ignores_buffering: self.ignores_buffering,
            },
            languages: languages.collect::<Result<_, _>>()?,
            unavailable: unavailable.collect::<Result<_, _>>()?,
            limits: LimitPolicy::new(self.default_limits.decode()?, self.maximum_limits.decode()?),
            concurrency: self.concurrency,
            outage: self.outage,
        })
    }
}

impl From<&UnavailableLanguage> for UnavailableRecord {
    fn from(unavailable: &UnavailableLanguage) -> Self {
        Self {
            language: unavailable.language.as_str().to_owned(),
            aliases: unavailable.aliases.clone(),
            version: unavailable.version.clone(),
            cause: unavailable.cause.clone(),
        }
    }
}

impl UnavailableRecord {
    fn decode(self) -> Result<UnavailableLanguage, RecordError> {
        Ok(UnavailableLanguage {
            language: Language::parse(&self.language)?,
            aliases: self.aliases,
            version: self.version,
            cause: self.cause,
        })
    }
}

impl From<&LanguageSpec> for LanguageRecord {
    fn from(spec: &LanguageSpec) -> Self {
        Self {
            language: spec.language.as_str().to_owned(),
            aliases: spec.aliases.clone(),
            versions: spec.versions.clone(),
            entry_file: spec.entry_file.clone(),
            example: spec.example.clone(),
            limits: spec.limits,
        }
    }
}

impl LanguageRecord {
    fn decode(self) -> Result<LanguageSpec, RecordError> {
        Ok(LanguageSpec {
            language: Language::parse(&self.language)?,
            aliases: self.aliases,
            versions: self.versions,
            entry_file: self.entry_file,
            example: self.example,
            limits: self.limits,
        })
    }
}
