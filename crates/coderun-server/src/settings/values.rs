//! Parses the values of settings.

use std::fmt;
use std::num::NonZero;
use std::str::FromStr;
use std::time::Duration;

use coderun_domain::ByteSize;

use crate::compose::values::{BoundedDuration, Control, LanguageTable};

/// The longest length of time: a year.
const SECONDS_MAX: u64 = 31_536_000;
/// The largest size: 1 TiB.
const SIZE_MAX: u64 = 1 << 40;

/// Parses a whole number from `MIN` to `MAX`.
pub(crate) fn whole<const MIN: u64, const MAX: u64, N: TryFrom<u64>>(
    text: &str,
) -> Result<N, String> {
    bounded(text, MIN, MAX).ok_or_else(|| format!("expected a whole number from {MIN} to {MAX}"))
}

fn bounded<N: TryFrom<u64>>(text: &str, min: u64, max: u64) -> Option<N> {
    let number: u64 = text.parse().ok()?;
    let number = Some(number).filter(|number| (min..=max).contains(number))?;
    N::try_from(number).ok()
}

/// Parses a length of time in whole seconds.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = bounded(text, 1, SECONDS_MAX).map(Duration::from_secs);
    seconds.ok_or_else(|| format!("expected a whole number of seconds from 1 to {SECONDS_MAX}"))
}

/// Parses a number of bytes, written as `262144`, `256KiB` or `1 MiB`.
pub(crate) fn size(text: &str) -> Result<ByteSize, String> {
    size_within::<1, SIZE_MAX>(text)
}

/// Parses a number of bytes from `MIN` to `MAX`.
pub(crate) fn size_within<const MIN: u64, const MAX: u64>(text: &str) -> Result<ByteSize, String> {
    let bytes = bytes(text).filter(|bytes| (MIN..=MAX).contains(bytes));
    let [least, most] = [MIN, MAX].map(ByteSize::from_bytes);
    bytes.map(ByteSize::from_bytes).ok_or_else(|| {
        format!("expected bytes, such as 262144, 256KiB, 1MiB or 1GiB, from {least} to {most}")
    })
}

fn bytes(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = text.strip_prefix(digits).unwrap_or_default().trim();
    let shift = match unit {
        "" | "byte" | "bytes" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}

/// Reads a file that adds languages or changes them.
pub(crate) fn languages_file(path: &str) -> Result<LanguageTable, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    LanguageTable::with_file(&text).map_err(|error| error.to_string())
}

/// Origins of web pages, such as `https://app.example.org` or `https://*.example.org`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origins(Vec<String>);

impl Origins {
    pub(crate) fn list(&self) -> &[String] {
        &self.0
    }
}

impl FromStr for Origins {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let origins: Vec<_> = text
            .split(',')
            .map(|origin| origin.trim().to_owned())
            .collect();
        if origins.iter().all(|origin| is_origin(origin)) {
            return Ok(Self(origins));
        }
        Err(
            "expected origins such as https://app.example.org or https://*.example.org, separated by commas",
        )
    }
}

/// A scheme and an authority, and nothing after them. The authority may begin with `*.` in place of labels.
fn is_origin(text: &str) -> bool {
    let authority = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    authority.is_some_and(|authority| {
        let authority = authority.strip_prefix("*.").unwrap_or(authority);
        !authority.is_empty() && !authority.contains(['/', '?', '#', '@', '*', ' '])
    })
}

/// Controls that the sandbox must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequiredControls(Vec<Control>);

impl RequiredControls {
    pub(crate) fn list(&self) -> &[Control] {
        &self.0
    }
}

impl FromStr for RequiredControls {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let control = |name: &str| {
            let is_named = |control: &Control| control.as_str() == name.trim();
            Control::ALL.into_iter().find(is_named)
        };
        let controls: Option<_> = text.split(',').map(control).collect();
        let controls = controls.map(Self);
        controls.ok_or("expected some of `memory`, `cpu` and `processes`, separated by commas")
    }
}

/// A number of processor cores; none means no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cores(Option<NonZero<u32>>);

impl Cores {
    /// In thousandths of a core.
    pub(crate) const fn millicores(self) -> Option<NonZero<u32>> {
        self.0
    }
}

impl FromStr for Cores {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let millicores = (is_number(whole) && is_number(part) && part.len() <= 3)
            .then(|| format!("{whole}{part:0<3}").parse::<u32>().ok())
            .flatten();
        millicores
            .filter(|millicores| *millicores == 0 || (100..=1_024_000).contains(millicores))
            .map(|millicores| Self(NonZero::new(millicores)))
            .ok_or("expected 0, or a number of cores from 0.1 to 1024 with at most three decimals, such as 1 or 0.5")
    }
}

/// The address of a third party's API. Its text may hold a password, so it is shown only without it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ApiUrl(String);

impl ApiUrl {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for ApiUrl {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for ApiUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiUrl({})", without_secrets(&self.0))
    }
}

/// An address with dots in place of a password and of a query.
pub(crate) fn without_secrets(url: &str) -> String {
    match url.split_once('?') {
        Some((address, _)) => format!("{}?…", without_password(address)),
        None => without_password(url),
    }
}

fn without_password(url: &str) -> String {
    let begin = url.find("://").map_or(0, |at| at + 3);
    let Some(end) = url.rfind('@').filter(|end| *end >= begin) else {
        return url.to_owned();
    };
    let (scheme, rest) = url.split_at(begin);
    let (credentials, hosts) = rest.split_at(end - begin);
    let user = credentials.split(':').next().unwrap_or_default();
    format!("{scheme}{user}:…{hosts}")
}

/// Parses a length of time in whole seconds that has a bound.
pub(crate) fn bounded_seconds<const MAX: u64, const DEFAULT: u64>(
    text: &str,
) -> Result<BoundedDuration<MAX, DEFAULT>, String> {
    let seconds = text.parse().ok().map(Duration::from_secs);
    let seconds = seconds.and_then(BoundedDuration::new);
    seconds.ok_or_else(|| format!("expected a whole number of seconds from 0 to {MAX}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_are_read_to_the_thousandth_and_bounded() {
        let read = |text: &str| text.parse::<Cores>().map(|it| it.0.map_or(0, NonZero::get));
        for (text, millicores) in [
            ("0", 0),
            ("0.0", 0),
            ("1", 1000),
            ("0.5", 500),
            ("2.125", 2125),
            ("0.1", 100),
            ("1024", 1_024_000),
        ] {
            assert_eq!(read(text), Ok(millicores), "{text}");
        }
        for text in [
            "", ".5", "1.", "-1", "+1", "0.05", "1024.001", "1.0001", "1e3", "nan",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn secrets_of_an_address_are_not_shown() {
        let shown = [
            ("redis://localhost/1", "redis://localhost/1"),
            ("redis://:hush@h:1/2", "redis://:…@h:1/2"),
            ("rediss://me:hu@sh@h", "rediss://me:…@h"),
            ("redis+cluster://me:hush@a,b", "redis+cluster://me:…@a,b"),
            ("me:hush@h", "me:…@h"),
            ("https://me:hush@h/a?key=hush", "https://me:…@h/a?…"),
        ];
        for (url, expected) in shown {
            assert_eq!(without_secrets(url), expected);
        }
    }
}
