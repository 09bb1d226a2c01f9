//! Formats single values.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use coderun_domain::ByteSize;
use serde::{Serialize, Serializer};
use time::{OffsetDateTime, UtcOffset};

/// A value that is serialized as its `Display` text, without an intermediate string.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DisplayText<T>(pub(super) T);

impl<T: fmt::Display> Serialize for DisplayText<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A time as RFC 3339 in UTC with milliseconds, rounded down, so that a time is never shown before it is reached.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timestamp(pub(super) OffsetDateTime);

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let time = self.0.to_offset(UtcOffset::UTC);
        let (hour, minute, second, millisecond) = time.to_hms_milli();
        // A record has four of these. Formatting by the description of a format takes several times as long.
        let text = [
            &digits::<4>(time.year().unsigned_abs())[..],
            b"-",
            &digits::<2>(u8::from(time.month()).into()),
            b"-",
            &digits::<2>(time.day().into()),
            b"T",
            &digits::<2>(hour.into()),
            b":",
            &digits::<2>(minute.into()),
            b":",
            &digits::<2>(second.into()),
            b".",
            &digits::<3>(millisecond.into()),
            b"Z",
        ]
        .concat();
        let text = std::str::from_utf8(&text).map_err(serde::ser::Error::custom)?;
        serializer.serialize_str(text)
    }
}

/// The last decimal digits of a number.
fn digits<const COUNT: usize>(number: u32) -> [u8; COUNT] {
    let (mut digits, mut rest) = ([b'0'; COUNT], number);
    for digit in digits.iter_mut().rev() {
        *digit += u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
    }
    digits
}

/// CPU time in seconds with two decimals, half up: `0.05s`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seconds(pub(super) Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hundredths = self.0.as_nanos().saturating_add(5_000_000) / 10_000_000;
        write!(f, "{}.{:02}s", hundredths / 100, hundredths % 100)
    }
}

/// Memory in MB of 10^6 bytes with one decimal, half up: `2.1MB`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Megabytes(pub(super) ByteSize);

impl fmt::Display for Megabytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = self.0.as_bytes().saturating_add(50_000) / 100_000;
        write!(f, "{}.{}MB", tenths / 10, tenths % 10)
    }
}

/// Bytes in base64.
#[derive(Debug, Clone, Copy)]
pub(super) struct Base64<'a>(pub(super) &'a [u8]);

impl Base64<'_> {
    /// The length of the text.
    pub(super) const fn len(&self) -> usize {
        self.0.len().div_ceil(3) * 4
    }
}

impl Serialize for Base64<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Base64Display::new(self.0, &STANDARD))
    }
}

/// The bytes of a base64 text, or `None` if it is not base64.
pub(super) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Whole milliseconds.
pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use coderun_domain::testing::at;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0, "0.00s")]
    #[case(4_999_999, "0.00s")]
    #[case(5_000_000, "0.01s")]
    #[case(14_999_999, "0.01s")]
    #[case(45_000_000, "0.05s")]
    #[case(994_999_999, "0.99s")]
    #[case(995_000_000, "1.00s")]
    #[case(12_345_000_000, "12.35s")]
    fn seconds_have_two_decimals_half_up(#[case] nanos: u64, #[case] expected: &str) {
        assert_eq!(Seconds(Duration::from_nanos(nanos)).to_string(), expected);
    }

    #[rstest]
    #[case(0, "0.0MB")]
    #[case(49_999, "0.0MB")]
    #[case(50_000, "0.1MB")]
    #[case(149_999, "0.1MB")]
    #[case(2_050_000, "2.1MB")]
    #[case(2_149_999, "2.1MB")]
    #[case(9_950_000, "10.0MB")]
    #[case(268_435_456, "268.4MB")]
    #[case(u64::MAX, "18446744073709.5MB")]
    fn megabytes_have_one_decimal_half_up(#[case] bytes: u64, #[case] expected: &str) {
        assert_eq!(Megabytes(ByteSize::from_bytes(bytes)).to_string(), expected);
    }

    #[rstest]
    #[case(Duration::ZERO, "2027-01-15T08:00:00.000Z")]
    #[case(Duration::from_micros(1_500), "2027-01-15T08:00:00.001Z")]
    #[case(Duration::from_nanos(999_999_999), "2027-01-15T08:00:00.999Z")]
    fn times_have_three_decimals_and_are_rounded_down(
        #[case] after: Duration,
        #[case] expected: &str,
    ) {
        let text = serde_json::to_string(&Timestamp(at(0) + after)).unwrap();
        assert_eq!(text, format!("\"{expected}\""));
    }

    #[rstest]
    #[case(0, "1970-01-01T00:00:00.000Z")]
    #[case(951_782_399_009_999_999, "2000-02-28T23:59:59.009Z")]
    #[case(253_402_300_799_999_999_999, "9999-12-31T23:59:59.999Z")]
    fn every_part_of_a_time_has_all_its_digits(#[case] nanos: i128, #[case] expected: &str) {
        let time = OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap();
        let text = serde_json::to_string(&Timestamp(time)).unwrap();
        assert_eq!(text, format!("\"{expected}\""));
    }

    #[test]
    fn times_are_converted_to_utc() {
        let elsewhere = at(0).to_offset(UtcOffset::from_hms(2, 0, 0).unwrap());
        let text = serde_json::to_string(&Timestamp(elsewhere)).unwrap();
        assert_eq!(text, "\"2027-01-15T08:00:00.000Z\"");
    }
}
