//! Parses and prints trace contexts as the W3C Trace Context recommendation writes them.

use std::fmt;
use std::str::FromStr;

/// A trace and a span in it, as the `traceparent` header carries them through every hop.
///
/// Written as `00-<trace id>-<parent id>-<flags>` in lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceContext {
    trace_id: u128,
    parent_id: u64,
    flags: u8,
}

impl TraceContext {
    /// The id of the trace, in hexadecimal digits.
    #[must_use]
    pub fn trace_id(&self) -> String {
        format!("{:032x}", self.trace_id)
    }

    /// The id of the parent span, in hexadecimal digits.
    #[must_use]
    pub fn parent_id(&self) -> String {
        format!("{:016x}", self.parent_id)
    }

    /// Whether the sender records the trace.
    #[must_use]
    pub const fn is_sampled(&self) -> bool {
        self.flags & 1 == 1
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            trace_id,
            parent_id,
            flags,
        } = self;
        write!(f, "00-{trace_id:032x}-{parent_id:016x}-{flags:02x}")
    }
}

impl FromStr for TraceContext {
    type Err = TraceContextError;

    /// Reads a `traceparent`. Parts that later versions append are ignored, as the recommendation asks.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split('-');
        let mut part = |length| number(parts.next().unwrap_or_default(), length);
        let (version, trace_id) = (part(2)?, part(32)?);
        let (parent_id, flags) = (part(16)?, part(2)?);
        let has_more = parts.next().is_some();
        let is_known = version != 0xff && !(version == 0 && has_more);
        if !is_known || trace_id == 0 || parent_id == 0 {
            return Err(TraceContextError);
        }
        Ok(Self {
            trace_id,
            parent_id: u64::try_from(parent_id).map_err(|_| TraceContextError)?,
            flags: u8::from(flags & 1 == 1),
        })
    }
}

/// The text is not a `traceparent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a trace context: `00-<32 digits>-<16 digits>-<2 digits>` is expected")]
pub struct TraceContextError;

/// Reads exactly so many digits, in lower case.
fn number(digits: &str, length: usize) -> Result<u128, TraceContextError> {
    let is_hexadecimal = |digit: u8| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
    if digits.len() != length || !digits.bytes().all(is_hexadecimal) {
        return Err(TraceContextError);
    }
    u128::from_str_radix(digits, 16).map_err(|_| TraceContextError)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn it_prints_what_it_reads() {
        let context: TraceContext = GOOD.parse().unwrap();
        assert_eq!(context.to_string(), GOOD);
        assert_eq!(context.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(context.parent_id(), "00f067aa0ba902b7");
        assert!(context.is_sampled());
    }

    #[test]
    fn a_later_version_may_have_more_parts() {
        let later = GOOD.replacen("00", "cc", 1) + "-later-part";
        let context: TraceContext = later.parse().unwrap();
        assert_eq!(context.to_string(), GOOD);
    }

    #[rstest]
    #[case("")]
    #[case("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7")]
    #[case("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01")]
    #[case("00-00000000000000000000000000000000-00f067aa0ba902b7-01")]
    #[case("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01")]
    #[case("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")]
    #[case("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more")]
    #[case("00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01")]
    #[case("00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")]
    fn other_text_is_refused(#[case] text: &str) {
        assert_eq!(text.parse::<TraceContext>(), Err(TraceContextError));
    }
}
