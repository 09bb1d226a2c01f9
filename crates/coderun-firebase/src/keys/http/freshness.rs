//! Computes for how long an answer is fresh.

use std::time::Duration;

use reqwest::header::{AGE, CACHE_CONTROL, HeaderMap};

/// The shortest freshness of an answer, even if its headers say less.
pub(super) const FRESH_MIN: Duration = Duration::from_mins(5);

/// The longest freshness of an answer, even if its headers say more.
pub(super) const FRESH_MAX: Duration = Duration::from_hours(24);

/// How long an answer with these headers is fresh: `max-age` less `Age`, within [`FRESH_MIN`] and [`FRESH_MAX`].
///
/// Missing and unreadable headers give the lower bound. That bound matters most: without it, a publisher that drops the
/// header would be asked at every token.
pub(super) fn fresh_for(headers: &HeaderMap) -> Duration {
    let seconds = match (max_age(headers), age(headers)) {
        (Some(max_age), Some(age)) => max_age.saturating_sub(age),
        (None, _) | (_, None) => 0,
    };
    Duration::from_secs(seconds).clamp(FRESH_MIN, FRESH_MAX)
}

/// The one `max-age` (RFC 9111, section 5.2.2.1), unless the answer must not be kept at all.
fn max_age(headers: &HeaderMap) -> Option<u64> {
    let mut found = None;
    for value in headers.get_all(CACHE_CONTROL) {
        for directive in value.to_str().ok()?.split(',') {
            let (name, argument) = directive.split_once('=').unwrap_or((directive, ""));
            match name.trim().to_ascii_lowercase().as_str() {
                "no-store" | "no-cache" => return None,
                "max-age" if found.is_some() => return None,
                "max-age" => found = Some(seconds(argument.trim().trim_matches('"'))?),
                _ => {}
            }
        }
    }
    found
}

/// For how long the answer has been on its way through caches (RFC 9111, section 5.1).
fn age(headers: &HeaderMap) -> Option<u64> {
    let mut values = headers.get_all(AGE).iter();
    match (values.next(), values.next()) {
        (None, _) => Some(0),
        (Some(value), None) => seconds(value.to_str().ok()?.trim()),
        (Some(_), Some(_)) => None,
    }
}

/// A number of seconds; one that is too great to be held counts as the greatest.
fn seconds(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;
    use rstest::rstest;

    use super::*;

    fn headers(cache_control: &[&str], age: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in cache_control {
            headers.append(CACHE_CONTROL, HeaderValue::from_str(value).unwrap());
        }
        for value in age {
            headers.append(AGE, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[rstest]
    #[case::usual(&["public, max-age=21600, must-revalidate, no-transform"], &[], 21_600)]
    #[case::on_its_way(&["max-age=21600"], &["600"], 21_000)]
    #[case::spaces(&[" public ,\tMax-Age = 900 "], &[" 0 "], 900)]
    #[case::quoted(&["max-age=\"900\""], &[], 900)]
    #[case::two_lines(&["public", "max-age=900"], &[], 900)]
    #[case::other_cache(&["s-maxage=9000, max-age=900"], &[], 900)]
    #[case::shortest(&["max-age=301"], &[], 301)]
    #[case::too_short(&["max-age=1"], &[], 300)]
    #[case::greatest(&["max-age=86400"], &[], 86_400)]
    #[case::too_long(&["max-age=86401"], &[], 86_400)]
    #[case::beyond_numbers(&["max-age=99999999999999999999999"], &[], 86_400)]
    #[case::older_than_fresh(&["max-age=21600"], &["21601"], 300)]
    #[case::age_beyond_numbers(&["max-age=21600"], &["99999999999999999999999"], 300)]
    fn freshness_is_what_is_left_within_bounds(
        #[case] cache_control: &[&str],
        #[case] age: &[&str],
        #[case] expected: u64,
    ) {
        let found = fresh_for(&headers(cache_control, age));
        assert_eq!(found, Duration::from_secs(expected));
    }

    #[rstest]
    #[case::missing(&[], &[])]
    #[case::empty(&[""], &[])]
    #[case::zero(&["max-age=0"], &[])]
    #[case::negative(&["max-age=-1"], &[])]
    #[case::fraction(&["max-age=900.5"], &[])]
    #[case::signed(&["max-age=+900"], &[])]
    #[case::no_number(&["max-age=soon"], &[])]
    #[case::no_argument(&["max-age"], &[])]
    #[case::empty_argument(&["max-age="], &[])]
    #[case::twice(&["max-age=900, max-age=9000"], &[])]
    #[case::not_to_be_kept(&["max-age=21600, no-store"], &[])]
    #[case::not_to_be_used(&["no-cache, max-age=21600"], &[])]
    #[case::not_ascii(&["max-age=21600, \u{fc}"], &[])]
    #[case::age_no_number(&["max-age=21600"], &["old"])]
    #[case::age_twice(&["max-age=21600"], &["1", "2"])]
    #[case::only_age(&[], &["1"])]
    fn what_cannot_be_read_is_fresh_for_the_shortest_time(
        #[case] cache_control: &[&str],
        #[case] age: &[&str],
    ) {
        assert_eq!(fresh_for(&headers(cache_control, age)), FRESH_MIN);
    }
}
