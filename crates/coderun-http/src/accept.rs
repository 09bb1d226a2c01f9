//! Reads which media types and encodings a client accepts (RFC 9110, section 12.5).

use actix_web::http::header::{HeaderMap, HeaderName};

use crate::headers::ascii;

/// Whether a header such as `Accept` names this value, with a weight above zero. Wildcards name nothing.
pub(crate) fn names(headers: &HeaderMap, header: HeaderName, value: &str) -> bool {
    let texts = headers.get_all(header).filter_map(ascii);
    let mut elements = texts.flat_map(|text| text.split(','));
    elements.any(|element| {
        let mut parts = element.split(';').map(str::trim);
        let is_named = parts
            .next()
            .is_some_and(|it| it.eq_ignore_ascii_case(value));
        is_named && parts.all(allows)
    })
}

/// Whether a parameter leaves its element acceptable: all do but a weight of zero, or of no number.
fn allows(parameter: &str) -> bool {
    let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
    !name.trim_end().eq_ignore_ascii_case("q")
        || value.trim().parse().is_ok_and(|weight: f32| weight > 0.0)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{ACCEPT, HeaderValue};
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("text/html", true)]
    #[case(
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        true
    )]
    #[case("application/json, TEXT/HTML ; level=1 ; Q=0.1", true)]
    #[case("text/html;q=0.001", true)]
    #[case("text/html;q=0", false)]
    #[case("text/html; q=0.000", false)]
    #[case("text/html;q=-1", false)]
    #[case("text/html;q=high", false)]
    #[case("text/html;q", false)]
    #[case("*/*", false)]
    #[case("text/*", false)]
    #[case("text/html2", false)]
    #[case("application/xhtml+xml", false)]
    #[case("", false)]
    fn a_value_is_named_by_itself_and_with_a_weight(#[case] text: &str, #[case] expected: bool) {
        let mut headers = HeaderMap::new();
        headers.append(ACCEPT, HeaderValue::from_str(text).unwrap());
        assert_eq!(names(&headers, ACCEPT, "text/html"), expected);
    }

    #[test]
    fn every_line_of_the_header_counts() {
        let mut headers = HeaderMap::new();
        for line in ["application/json", "text/html"] {
            headers.append(ACCEPT, HeaderValue::from_static(line));
        }
        assert!(names(&headers, ACCEPT, "text/html"));
        assert!(!names(&HeaderMap::new(), ACCEPT, "text/html"));
    }
}
