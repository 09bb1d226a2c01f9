use rstest::rstest;

use super::*;

#[rstest]
#[case("application/json")]
#[case("Application/JSON")]
#[case("application/json; charset=utf-8")]
#[case("application/json;charset=\"UTF-8\"")]
#[case("application/vnd.example+json")]
fn json_media_types_are_taken(#[case] content_type: &str) {
    assert!(is_json(content_type));
}

#[rstest]
#[case("")]
#[case("text/plain")]
#[case("text/json")]
#[case("application/jsonx")]
#[case("application/x-www-form-urlencoded")]
#[case("application/json; charset=latin1")]
#[case("image/svg+json")]
fn other_media_types_are_not(#[case] content_type: &str) {
    assert!(!is_json(content_type));
}
