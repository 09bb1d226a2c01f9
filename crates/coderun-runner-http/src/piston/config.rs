//! How to reach a Piston, and what is known of it.

use std::fmt;
use std::time::Duration;

use coderun_domain::ByteSize;

use crate::client::ClientConfig;
use crate::config::{ApiKey, ConfigError};

/// The most runs that are ever handed to one Piston at a time: as many as a stock Piston takes up, and what it does not
/// take up waits there without a bound.
pub(super) const CONCURRENCY_MAX: usize = 64;

/// How to reach a Piston, and how long to wait for it. `Debug` shows neither the address nor the key.
#[derive(Clone)]
pub struct PistonConfig {
    /// Where its API is, with its path: `http://host:2000/api/v2`.
    pub base_url: String,
    /// What it knows us by: the whole value of a header. Default: none.
    pub api_key: Option<ApiKey>,
    /// The header that the key is sent in. Default: `authorization`.
    pub api_key_header: String,
    /// How many runs may be there at a time, from 1 to 64. Default: 64.
    pub concurrency: usize,
    /// How long a run may wait for a free place, for a connection, or for a busy Piston, all together. Default: 10 s.
    pub waiting: Duration,
    /// How long making a connection may take. Default: 2 s.
    pub connect_timeout: Duration,
    /// How long the answer may take beyond the limits of the run itself. Default: 5 s.
    pub answer_grace: Duration,
    /// The largest request, as JSON. Default: 100 KiB, as a stock Piston.
    pub body_max: ByteSize,
    /// The largest answer. Default: 16 MiB.
    pub answer_max: ByteSize,
    /// What Piston keeps of each stream (its `output_max_size`). Default: found out by one tiny program.
    pub output_max: Option<ByteSize>,
    /// How often its languages are asked for. Languages that could not be confirmed for five times as long are not
    /// offered any more. Default: 60 s.
    pub refresh_interval: Duration,
}

impl PistonConfig {
    /// The defaults, for a Piston whose API is at this address.
    #[must_use]
    pub fn new(base_url: impl Into<String>) -> Self {
        Self {
            base_url: base_url.into(),
            api_key: None,
            api_key_header: "authorization".to_owned(),
            concurrency: CONCURRENCY_MAX,
            waiting: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(2),
            answer_grace: Duration::from_secs(5),
            body_max: ByteSize::from_kib(100),
            answer_max: ByteSize::from_mib(16),
            output_max: None,
            refresh_interval: Duration::from_mins(1),
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if !(1..=CONCURRENCY_MAX).contains(&self.concurrency) {
            return Err(ConfigError::Concurrency {
                actual: self.concurrency,
                max: CONCURRENCY_MAX,
            });
        }
        let is_zero = [
            ("connect_timeout", self.connect_timeout.is_zero()),
            ("refresh_interval", self.refresh_interval.is_zero()),
            ("body_max", self.body_max == ByteSize::default()),
            ("answer_max", self.answer_max == ByteSize::default()),
            ("output_max", self.output_max == Some(ByteSize::default())),
        ];
        match is_zero.into_iter().find(|(_, is_zero)| *is_zero) {
            Some((name, _)) => Err(ConfigError::Zero { name }),
            None => Ok(()),
        }
    }

    pub(super) fn client(&self) -> ClientConfig<'_> {
        ClientConfig {
            base_url: &self.base_url,
            api_key: self.api_key.as_ref(),
            api_key_header: &self.api_key_header,
            connect_timeout: self.connect_timeout,
            answer_max: self.answer_max,
        }
    }
}

impl fmt::Debug for PistonConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PistonConfig")
            .field("concurrency", &self.concurrency)
            .field("waiting", &self.waiting)
            .field("connect_timeout", &self.connect_timeout)
            .field("answer_grace", &self.answer_grace)
            .field("body_max", &self.body_max)
            .field("answer_max", &self.answer_max)
            .field("output_max", &self.output_max)
            .field("refresh_interval", &self.refresh_interval)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_work_is_refused() {
        let good = PistonConfig::new("http://h");
        assert_eq!(good.check(), Ok(()));
        for concurrency in [0, 65] {
            let bad = PistonConfig {
                concurrency,
                ..good.clone()
            };
            assert!(matches!(bad.check(), Err(ConfigError::Concurrency { .. })));
        }
        let bad = PistonConfig {
            refresh_interval: Duration::ZERO,
            ..good
        };
        let name = "refresh_interval";
        assert_eq!(bad.check(), Err(ConfigError::Zero { name }));
    }

    #[test]
    fn neither_address_nor_key_is_shown() {
        let config = PistonConfig {
            api_key: ApiKey::parse("s3cret").ok(),
            ..PistonConfig::new("http://piston.internal:2000")
        };
        let shown = format!("{config:?}");
        assert!(
            !shown.contains("s3cret") && !shown.contains("internal"),
            "{shown}"
        );
    }
}
