//! Refuses limits of languages that could not be in force.

use std::num::NonZeroU64;
use std::time::Duration;

use coderun_domain::ByteSize;

use super::conflict::SettingsConflict;
use super::{LimitSettings, Settings};
use crate::compose::values::ChosenLimits;

/// Reads one limit of a language.
type Limit = fn(&ChosenLimits) -> Option<NonZeroU64>;

/// The most that a language may be given of one limit.
struct Maximum {
    key: &'static str,
    limit: Limit,
    setting: &'static str,
    /// In the unit of the key.
    value: u64,
    /// As people write it.
    text: String,
}

/// Refuses the first limit of the operator's languages that is above the maximum of the service, and the first minimum that
/// is above the default of its language.
pub(super) fn check(settings: &Settings) -> Result<(), SettingsConflict> {
    let Some(languages) = &settings.languages_file else {
        return Ok(());
    };
    let maxima = maxima(&settings.limits);
    for entry in languages.entries() {
        for maximum in &maxima {
            let [default, minimum] =
                [entry.limits.default, entry.limits.minimum].map(|limits| (maximum.limit)(&limits));
            let refuse = |part, value: NonZeroU64, bound, maximum_text| {
                Err(SettingsConflict::LanguageLimit {
                    language: entry.name().to_owned(),
                    part,
                    key: maximum.key,
                    value: value.get(),
                    bound,
                    maximum: maximum_text,
                })
            };
            for (part, value) in [("default", default), ("minimum", minimum)] {
                if let Some(value) = value.filter(|value| value.get() > maximum.value) {
                    return refuse(
                        part,
                        value,
                        maximum.setting.to_owned(),
                        maximum.text.clone(),
                    );
                }
            }
            if let (Some(default), Some(minimum)) = (default, minimum)
                && minimum > default
            {
                let bound = format!("limits.default.{}", maximum.key);
                return refuse("minimum", minimum, bound, default.to_string());
            }
        }
    }
    Ok(())
}

fn maxima(limits: &LimitSettings) -> [Maximum; 5] {
    [
        time(
            "cpu_time_ms",
            |limits| limits.cpu_time_ms,
            "CPU_TIME_MAX",
            limits.cpu_time_max,
        ),
        time(
            "wall_time_ms",
            |limits| limits.wall_time_ms,
            "WALL_TIME_MAX",
            limits.wall_time_max,
        ),
        size(
            "memory_mib",
            |limits| limits.memory_mib,
            "MEMORY_MAX",
            limits.memory_max,
        ),
        size(
            "output_mib",
            |limits| limits.output_mib,
            "OUTPUT_MAX",
            limits.output_max,
        ),
        Maximum {
            key: "processes",
            limit: |limits| limits.processes,
            setting: "PROCESSES_MAX",
            value: limits.processes_max.into(),
            text: limits.processes_max.to_string(),
        },
    ]
}

fn time(key: &'static str, limit: Limit, setting: &'static str, maximum: Duration) -> Maximum {
    Maximum {
        key,
        limit,
        setting,
        value: u64::try_from(maximum.as_millis()).unwrap_or(u64::MAX),
        text: format!("{} s", maximum.as_secs()),
    }
}

fn size(key: &'static str, limit: Limit, setting: &'static str, maximum: ByteSize) -> Maximum {
    Maximum {
        key,
        limit,
        setting,
        value: maximum.as_bytes() >> 20,
        text: maximum.to_string(),
    }
}
