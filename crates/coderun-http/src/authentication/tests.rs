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

fn caller(headers: &[(&str, &str)], query: &str) -> Result<String, TokenError> {
    find_token(&request(headers, query)).map(|token| token.expose().to_owned())
}

/// The credentials of a watcher, after their kind.
fn watcher(headers: &[(&str, &str)], query: &str) -> Result<String, TokenError> {
    let credentials = find_credentials(&request(headers, query))?;
    Ok(match credentials {
        Credentials::Token(token) => format!("token {}", token.expose()),
        Credentials::Ticket(ticket) => format!("ticket {ticket}"),
    })
}

#[rstest]
#[case("Bearer abc")]
#[case("bearer abc")]
#[case("BEARER   abc")]
#[case("Token abc")]
#[case("tOKEN abc ")]
fn the_scheme_is_bearer_or_token_in_any_case(#[case] value: &str) {
    let headers = [("authorization", value)];
    assert_eq!(caller(&headers, "").unwrap(), "abc");
}

#[rstest]
#[case("")]
#[case("Bearer")]
#[case("Bearer ")]
#[case("Basic dXNlcjpwYXNz")]
#[case("abc")]
fn without_a_token_of_a_known_scheme_the_token_is_missing(#[case] value: &str) {
    let headers = [("authorization", value)];
    assert_eq!(caller(&headers, ""), Err(TokenError::Missing));
}

#[test]
fn two_headers_are_ambiguous_even_if_they_agree() {
    let headers = [("authorization", "Bearer a"), ("authorization", "Bearer a")];
    assert_eq!(caller(&headers, ""), Err(TokenError::Ambiguous));
}

#[test]
fn a_header_together_with_a_query_token_is_ambiguous() {
    let headers = [("authorization", "Bearer a")];
    assert_eq!(caller(&headers, "token=a"), Err(TokenError::Ambiguous));
    assert_eq!(watcher(&headers, "token=a"), Err(TokenError::Ambiguous));
}

#[test]
fn a_query_token_counts_for_watchers_only() {
    assert_eq!(watcher(&[], "token=a%2Eb").unwrap(), "token a.b");
    assert_eq!(caller(&[], "token=a"), Err(TokenError::Missing));
    assert_eq!(watcher(&[], "token="), Err(TokenError::Missing));
    assert_eq!(watcher(&[], "token=a&token=b"), Err(TokenError::Ambiguous));
}

#[test]
fn a_ticket_counts_for_watchers_only_and_excludes_a_token() {
    assert_eq!(watcher(&[], "ticket=a-b_c").unwrap(), "ticket a-b_c");
    assert_eq!(caller(&[], "ticket=a"), Err(TokenError::Missing));
    assert_eq!(watcher(&[], "ticket="), Err(TokenError::Missing));
    assert_eq!(
        watcher(&[], "ticket=a&ticket=a"),
        Err(TokenError::Ambiguous)
    );
    assert_eq!(watcher(&[], "ticket=a&token=a"), Err(TokenError::Ambiguous));
    let header = [("authorization", "Bearer a")];
    assert_eq!(watcher(&header, "ticket=a"), Err(TokenError::Ambiguous));
    let protocol = [("sec-websocket-protocol", "bearer.a")];
    assert_eq!(watcher(&protocol, "ticket=a"), Err(TokenError::Ambiguous));
}

#[test]
fn a_token_is_found_among_the_subprotocols() {
    let offer = |value| [("sec-websocket-protocol", value)];
    let both = offer("execution.v1, bearer.a.b.c");
    assert_eq!(watcher(&both, "").unwrap(), "token a.b.c");
    let two = offer("bearer.a, bearer.b");
    assert_eq!(watcher(&two, ""), Err(TokenError::Ambiguous));
    let one = offer("execution.v1, bearer.a");
    assert_eq!(watcher(&one, "token=a"), Err(TokenError::Ambiguous));
    let none = offer("execution.v1");
    assert_eq!(watcher(&none, ""), Err(TokenError::Missing));
}
