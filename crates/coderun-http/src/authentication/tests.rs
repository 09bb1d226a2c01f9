use actix_web::test::TestRequest;
use rstest::rstest;

use super::*;

fn request(headers: &[(&str, &str)], query: &str) -> HttpRequest {
    let mut request = TestRequest::with_uri(&format!("/x?{query}"));
    for (name, value) in headers {
        request = request.append_header((*name, *value));
    }
    request.to_http_request()
}

fn found(headers: &[(&str, &str)], query: &str, places: TokenPlaces) -> Result<String, TokenError> {
    find_token(&request(headers, query), places).map(|token| token.expose().to_owned())
}

#[rstest]
#[case("Bearer abc")]
#[case("bearer abc")]
#[case("BEARER   abc")]
#[case("Token abc")]
#[case("tOKEN abc ")]
fn the_scheme_is_bearer_or_token_in_any_case(#[case] value: &str) {
    let headers = [("authorization", value)];
    assert_eq!(found(&headers, "", TokenPlaces::Header).unwrap(), "abc");
}

#[rstest]
#[case("")]
#[case("Bearer")]
#[case("Bearer ")]
#[case("Basic dXNlcjpwYXNz")]
#[case("abc")]
fn without_a_token_of_a_known_scheme_it_is_missing(#[case] value: &str) {
    let headers = [("authorization", value)];
    assert_eq!(
        found(&headers, "", TokenPlaces::Header),
        Err(TokenError::Missing)
    );
}

#[test]
fn two_headers_are_ambiguous_even_if_they_agree() {
    let headers = [("authorization", "Bearer a"), ("authorization", "Bearer a")];
    assert_eq!(
        found(&headers, "", TokenPlaces::Header),
        Err(TokenError::Ambiguous)
    );
}

#[rstest]
#[case(TokenPlaces::Header)]
#[case(TokenPlaces::HeaderQueryOrProtocol)]
fn a_header_together_with_a_query_token_is_ambiguous(#[case] places: TokenPlaces) {
    let headers = [("authorization", "Bearer a")];
    assert_eq!(
        found(&headers, "token=a", places),
        Err(TokenError::Ambiguous)
    );
}

#[test]
fn a_query_token_counts_on_a_websocket_only() {
    let places = TokenPlaces::HeaderQueryOrProtocol;
    assert_eq!(found(&[], "token=a%2Eb", places).unwrap(), "a.b");
    assert_eq!(
        found(&[], "token=a", TokenPlaces::Header),
        Err(TokenError::Missing)
    );
    assert_eq!(found(&[], "token=", places), Err(TokenError::Missing));
    assert_eq!(
        found(&[], "token=a&token=b", places),
        Err(TokenError::Ambiguous)
    );
}

#[test]
fn a_token_is_found_among_the_subprotocols() {
    let places = TokenPlaces::HeaderQueryOrProtocol;
    let offer = |value| [("sec-websocket-protocol", value)];
    assert_eq!(
        found(&offer("execution.v1, bearer.a.b.c"), "", places).unwrap(),
        "a.b.c"
    );
    assert_eq!(
        found(&offer("bearer.a, bearer.b"), "", places),
        Err(TokenError::Ambiguous)
    );
    assert_eq!(
        found(&offer("execution.v1, bearer.a"), "token=a", places),
        Err(TokenError::Ambiguous)
    );
    assert_eq!(
        found(&offer("execution.v1"), "", places),
        Err(TokenError::Missing)
    );
}
