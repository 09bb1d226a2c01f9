//! Reads the header `Retry-After` (RFC 9110, section 10.2.3).

use std::time::{Duration, SystemTime};

use hyper::header::{DATE, HeaderMap, RETRY_AFTER};

/// Longer times are read as this.
const LONGEST: Duration = Duration::from_mins(5);

/// Reads `Retry-After`, in seconds or as a date; `None` where there is none that can be read.
pub(super) fn read(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if let Ok(seconds) = text.parse() {
        Duration::from_secs(seconds)
    } else {
        let at = httpdate::parse_http_date(text).ok()?;
        // A date that has passed means now.
        at.duration_since(now(headers)).unwrap_or_default()
    };
    Some(wait.min(LONGEST))
}

/// The time by the clock of the API, which made the date that it is compared with.
fn now(headers: &HeaderMap) -> SystemTime {
    let date = headers.get(DATE).and_then(|date| date.to_str().ok());
    let date = date.and_then(|date| httpdate::parse_http_date(date).ok());
    date.unwrap_or_else(own_now)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a date on the wire is compared with the time of day, and nothing is stored"
)]
fn own_now() -> SystemTime {
    SystemTime::now()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("7", Some(7))]
    #[case(" 0 ", Some(0))]
    #[case("Sun, 06 Nov 1994 08:49:47 GMT", Some(10))]
    #[case("Sun, 06 Nov 1994 08:00:00 GMT", Some(0))]
    #[case("99999999999", Some(300))]
    #[case("-1", None)]
    #[case("soon", None)]
    fn seconds_and_dates_are_read(#[case] text: &str, #[case] expected: Option<u64>) {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, text.parse().unwrap());
        headers.insert(DATE, "Sun, 06 Nov 1994 08:49:37 GMT".parse().unwrap());
        assert_eq!(read(&headers), expected.map(Duration::from_secs));
    }

    #[test]
    fn without_a_date_of_the_api_our_clock_counts() {
        let mut headers = HeaderMap::new();
        let in_a_minute = httpdate::fmt_http_date(own_now() + Duration::from_mins(1));
        headers.insert(RETRY_AFTER, in_a_minute.parse().unwrap());
        let wait = read(&headers).unwrap();
        assert!(wait <= Duration::from_mins(1) && wait > Duration::from_secs(30));
    }
}
