//! Holds the settings that all HTTP runners share.

use std::fmt;
use std::time::Duration;

use coderun_domain::ByteSize;
use coderun_languages::LanguageTable;

use crate::api_key::ApiKey;

/// The most programs that one API runs at a time: what a stock Piston accepts. It queues the rest without a bound.
const CONCURRENCY_MAX: usize = 64;

/// How to reach an API, and how long to wait for it. `Debug` shows neither the address nor the key.
#[derive(Clone)]
pub struct HttpRunnerConfig {
    /// The base address with its path, such as `http://host:2000/api/v2`.
    pub base_url: String,
    /// The whole value of the header that authenticates the service. Default: none.
    pub api_key: Option<ApiKey>,
    /// The header that carries the key. Default: `authorization`.
    pub api_key_header: String,
    /// How many programs may run on the API at a time, from 1 to 64. Default: 64. As many more may be there, up to 64 in
    /// all, whose answers were lost.
    pub concurrency: usize,
    /// How long a run may wait for a permit, a connection and an overloaded API, all together. Default: 10 s.
    pub start_timeout: Duration,
    /// How long making a connection may take. Default: 2 s.
    pub connect_timeout: Duration,
    /// How long an answer may take beyond the limits of the run itself. Default: 5 s.
    pub answer_grace: Duration,
    /// The largest answer. Default: 16 MiB.
    pub answer_max: ByteSize,
    /// How often the API is asked which runtimes it has. Runtimes that were not confirmed for five times as long are no
    /// longer offered. Default: 60 s.
    pub refresh_interval: Duration,
    /// The languages whose files, aliases and examples are known. Default: those built in.
    pub languages: LanguageTable,
}

impl HttpRunnerConfig {
    /// The defaults, for an API at this address.
    #[must_use]
    pub fn new(base_url: impl Into<String>) -> Self {
        Self {
            base_url: base_url.into(),
            api_key: None,
            api_key_header: "authorization".to_owned(),
            concurrency: CONCURRENCY_MAX,
            start_timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(2),
            answer_grace: Duration::from_secs(5),
            answer_max: ByteSize::from_mib(16),
            refresh_interval: Duration::from_mins(1),
            languages: LanguageTable::built_in(),
        }
    }

    /// How many programs whose answers were lost may be on the API besides the others.
    pub(crate) fn spare_permits(&self) -> usize {
        self.concurrency
            .min(CONCURRENCY_MAX.saturating_sub(self.concurrency))
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if !(1..=CONCURRENCY_MAX).contains(&self.concurrency) {
            return Err(ConfigError::Concurrency {
                actual: self.concurrency,
                max: CONCURRENCY_MAX,
            });
        }
        let settings = [
            ("connect_timeout", self.connect_timeout.is_zero()),
            ("refresh_interval", self.refresh_interval.is_zero()),
            ("answer_max", self.answer_max == ByteSize::default()),
        ];
        let zero = settings.into_iter().find(|(_, is_zero)| *is_zero);
        zero.map_or(Ok(()), |(name, _)| Err(ConfigError::Zero { name }))
    }
}

impl fmt::Debug for HttpRunnerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpRunnerConfig")
            .field("concurrency", &self.concurrency)
            .field("start_timeout", &self.start_timeout)
            .field("connect_timeout", &self.connect_timeout)
            .field("answer_grace", &self.answer_grace)
            .field("answer_max", &self.answer_max)
            .field("refresh_interval", &self.refresh_interval)
            .finish_non_exhaustive()
    }
}

/// A setting with which a runner cannot start. No variant shows the value: it may be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The base address is not usable.
    #[error(
        "the address of the API must be an http or https URL with a host and without query or fragment"
    )]
    BaseUrl,
    /// The name of the header for the key is not valid.
    #[error("the name of the header for the API key must contain only letters, digits and `-`")]
    ApiKeyHeader,
    /// The number of concurrent runs is out of range.
    #[error("the number of concurrent runs must be from 1 to {max}, not {actual}")]
    Concurrency {
        /// The value that was set.
        actual: usize,
        /// The greatest value.
        max: usize,
    },
    /// A setting that must not be zero is zero.
    #[error("`{name}` must be greater than zero")]
    Zero {
        /// Which setting.
        name: &'static str,
    },
    /// The machine cannot make an HTTP client, for example because it has no certificate authorities.
    #[error("no HTTP client can be made on this machine: are certificate authorities installed?")]
    Client,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_config_that_cannot_work_is_refused() {
        let good = HttpRunnerConfig::new("http://h");
        assert_eq!(good.check(), Ok(()));
        for concurrency in [0, 65] {
            let bad = HttpRunnerConfig {
                concurrency,
                ..good.clone()
            };
            assert!(matches!(bad.check(), Err(ConfigError::Concurrency { .. })));
        }
        let bad = HttpRunnerConfig {
            refresh_interval: Duration::ZERO,
            ..good
        };
        let name = "refresh_interval";
        assert_eq!(bad.check(), Err(ConfigError::Zero { name }));
    }

    #[test]
    fn debug_shows_neither_the_address_nor_the_key() {
        let config = HttpRunnerConfig {
            api_key: ApiKey::parse("s3cret").ok(),
            ..HttpRunnerConfig::new("http://piston.internal:2000")
        };
        let shown = format!("{config:?}");
        assert!(
            !shown.contains("s3cret") && !shown.contains("internal"),
            "{shown}"
        );
    }
}
