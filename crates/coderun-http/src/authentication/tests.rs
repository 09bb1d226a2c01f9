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

fn found(headers: &[(&str, &str)], query: &str) -> Result<String, TokenError> {
    find_token(&request(headers, query)).map(|token| token.expose().to_owned())
}

/// What somebody who watches shows, with its kind before it.
fn shown(headers: &[(&str, &str)], query: &str) -> Result<String, TokenError> {
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
    assert_eq!(found(&headers, "").unwrap(), "abc");
}

#[rstest]
#[case("")]
#[case("Bearer")]
#[case("Bearer ")]
#[case("Basic dXNlcjpwYXNz")]
#[case("abc")]
fn without_a_token_of_a_known_scheme_it_is_missing(#[case] value: &str) {
    let headers = [("authorization", value)];
    assert_eq!(found(&headers, ""), Err(TokenError::Missing));
}

#[test]
fn two_headers_are_ambiguous_even_if_they_agree() {
    let headers = [("authorization", "Bearer a"), ("authorization", "Bearer a")];
    assert_eq!(found(&headers, ""), Err(TokenError::Ambiguous));
}

#[test]
fn a_header_together_with_a_query_token_is_ambiguous() {
    let headers = [("authorization", "Bearer a")];
    assert_eq!(found(&headers, "token=a"), Err(TokenError::Ambiguous));
    assert_eq!(shown(&headers, "token=a"), Err(TokenError::Ambiguous));
}

#[test]
fn a_query_token_counts_for_watchers_only() {
    assert_eq!(shown(&[], "token=a%2Eb").unwrap(), "token a.b");
    assert_eq!(found(&[], "token=a"), Err(TokenError::Missing));
    assert_eq!(shown(&[], "token="), Err(TokenError::Missing));
    assert_eq!(shown(&[], "token=a&token=b"), Err(TokenError::Ambiguous));
}

#[test]
fn a_ticket_counts_for_watchers_only_and_beside_nothing_else() {
    assert_eq!(shown(&[], "ticket=a-b_c").unwrap(), "ticket a-b_c");
    assert_eq!(found(&[], "ticket=a"), Err(TokenError::Missing));
    assert_eq!(shown(&[], "ticket="), Err(TokenError::Missing));
    assert_eq!(shown(&[], "ticket=a&ticket=a"), Err(TokenError::Ambiguous));
    assert_eq!(shown(&[], "ticket=a&token=a"), Err(TokenError::Ambiguous));
    let header = [("authorization", "Bearer a")];
    assert_eq!(shown(&header, "ticket=a"), Err(TokenError::Ambiguous));
    let protocol = [("sec-websocket-protocol", "bearer.a")];
    assert_eq!(shown(&protocol, "ticket=a"), Err(TokenError::Ambiguous));
}

#[test]
fn a_token_is_found_among_the_subprotocols() {
    let offer = |value| [("sec-websocket-protocol", value)];
    let both = offer("execution.v1, bearer.a.b.c");
    assert_eq!(shown(&both, "").unwrap(), "token a.b.c");
    let two = offer("bearer.a, bearer.b");
    assert_eq!(shown(&two, ""), Err(TokenError::Ambiguous));
    let one = offer("execution.v1, bearer.a");
    assert_eq!(shown(&one, "token=a"), Err(TokenError::Ambiguous));
    let none = offer("execution.v1");
    assert_eq!(shown(&none, ""), Err(TokenError::Missing));
}
