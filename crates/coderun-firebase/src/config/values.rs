//! Defines the values of settings, each checked when it is made.

use std::fmt;
use std::time::Duration;

/// Says what a setting must look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {0}")]
pub struct ConfigError(pub(crate) &'static str);

/// Defines a text that is checked once: of a greatest length, and of allowed bytes only.
macro_rules! checked_text {
    ($(#[$docs:meta])* $name:ident, $max_bytes:literal, $expected:literal, $is_allowed:expr) => {
        $(#[$docs])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub struct $name(String);

        impl $name {
            /// Checks and wraps a text.
            ///
            /// # Errors
            /// [`ConfigError`] if it is empty, too long, or has a byte that is not allowed.
            pub fn parse(text: impl Into<String>) -> Result<Self, ConfigError> {
                let text = text.into();
                if (1..=$max_bytes).contains(&text.len()) && text.bytes().all($is_allowed) {
                    Ok(Self(text))
                } else {
                    Err(ConfigError($expected))
                }
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

checked_text!(
    /// The id of a Firebase project: 1 to 128 ASCII letters, digits and `-`, `_`, `.`, `:`.
    ProjectId,
    128,
    "a project id of 1 to 128 letters, digits and `-`, `_`, `.`, `:`",
    |byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte)
);

impl ProjectId {
    /// The id of the development issuer's only project.
    pub(crate) fn development() -> Self {
        Self("coderun-development".to_owned())
    }
}

checked_text!(
    /// The id of a tenant: 1 to 128 ASCII letters, digits and `-`, `_`.
    TenantId,
    128,
    "the id of a tenant, of 1 to 128 letters, digits, `-` and `_`",
    |byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)
);

checked_text!(
    /// The name of a key (`kid`): 1 to 256 bytes.
    KeyId,
    256,
    "the name of a key, of 1 to 256 bytes",
    |_| true
);

/// How far the clocks of issuer and verifier may be apart: 0 to 5 min, 1 min by default.
pub type ClockSkew = BoundedDuration<300, 60>;

/// How long keys stay in use after they were fetched: 0 to 7 days, 24 h by default.
///
/// While an answer is fresh, its keys are in use whatever this says.
pub type StaleKeyBound = BoundedDuration<604_800, 86_400>;

/// A duration with a greatest and a default value, both in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BoundedDuration<const MAX: u64, const DEFAULT: u64>(Duration);

impl<const MAX: u64, const DEFAULT: u64> BoundedDuration<MAX, DEFAULT> {
    /// Checks and wraps a duration; `None` if it is longer than `MAX` seconds.
    #[must_use]
    pub fn new(duration: Duration) -> Option<Self> {
        (duration <= Duration::from_secs(MAX)).then_some(Self(duration))
    }

    /// The duration itself.
    #[must_use]
    pub const fn as_duration(self) -> Duration {
        self.0
    }
}

impl<const MAX: u64, const DEFAULT: u64> Default for BoundedDuration<MAX, DEFAULT> {
    fn default() -> Self {
        Self(Duration::from_secs(DEFAULT))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::one_letter("a")]
    #[case::usual("demo-project-1")]
    #[case::of_a_domain("example.com:project")]
    #[case::longest(&"p".repeat(128))]
    fn a_project_id_is_accepted(#[case] text: &str) {
        assert_eq!(ProjectId::parse(text).unwrap().as_str(), text);
    }

    #[rstest]
    #[case::empty("")]
    #[case::slash("a/b")]
    #[case::space("a b")]
    #[case::line_feed("a\n")]
    #[case::not_ascii("ä")]
    #[case::too_long(&"p".repeat(129))]
    fn another_text_is_no_project_id(#[case] text: &str) {
        assert!(ProjectId::parse(text).is_err());
    }

    #[test]
    fn a_key_name_is_not_empty_and_has_a_greatest_length() {
        assert!(KeyId::parse("").is_err());
        assert!(KeyId::parse("k".repeat(256)).is_ok());
        assert!(KeyId::parse("k".repeat(257)).is_err());
    }

    #[test]
    fn durations_are_bounded() {
        let (skew_max, week) = (Duration::from_mins(5), Duration::from_hours(7 * 24));
        let a_little = Duration::from_nanos(1);
        assert!(ClockSkew::new(Duration::ZERO).is_some());
        assert!(ClockSkew::new(skew_max).is_some());
        assert!(ClockSkew::new(skew_max + a_little).is_none());
        assert!(StaleKeyBound::new(Duration::ZERO).is_some());
        assert!(StaleKeyBound::new(week).is_some());
        assert!(StaleKeyBound::new(week + a_little).is_none());
    }
}
