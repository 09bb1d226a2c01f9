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
    let credentials = find_credentials(&request(headers, query), &Query::parse(query))?;
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

const HEADER: (&str, &str) = ("authorization", "Bearer a");
const MISSING: Result<&str, TokenError> = Err(TokenError::Missing);
const AMBIGUOUS: Result<&str, TokenError> = Err(TokenError::Ambiguous);

const fn offer(protocols: &str) -> (&str, &str) {
    ("sec-websocket-protocol", protocols)
}

#[rstest]
#[case::two_equal_headers(&[HEADER, HEADER], "", AMBIGUOUS, AMBIGUOUS)]
#[case::a_header_and_a_query_token(&[HEADER], "token=a", AMBIGUOUS, AMBIGUOUS)]
#[case::a_query_token(&[], "token=a%2Eb", MISSING, Ok("token a.b"))]
#[case::an_empty_query_token(&[], "token=", MISSING, MISSING)]
#[case::two_query_tokens(&[], "token=a&token=b", AMBIGUOUS, AMBIGUOUS)]
#[case::a_ticket(&[], "ticket=a-b_c", MISSING, Ok("ticket a-b_c"))]
#[case::an_empty_ticket(&[], "ticket=", MISSING, MISSING)]
#[case::two_equal_tickets(&[], "ticket=a&ticket=a", MISSING, AMBIGUOUS)]
#[case::a_ticket_and_a_query_token(&[], "ticket=a&token=a", MISSING, AMBIGUOUS)]
#[case::a_ticket_and_a_header(&[HEADER], "ticket=a", Ok("a"), AMBIGUOUS)]
#[case::a_ticket_and_a_subprotocol(&[offer("bearer.a")], "ticket=a", MISSING, AMBIGUOUS)]
#[case::a_subprotocol(&[offer("execution.v1, bearer.a.b.c")], "", MISSING, Ok("token a.b.c"))]
#[case::two_subprotocols(&[offer("bearer.a, bearer.b")], "", MISSING, AMBIGUOUS)]
#[case::a_subprotocol_and_a_query_token(&[offer("execution.v1, bearer.a")], "token=a", MISSING, AMBIGUOUS)]
#[case::no_token_among_the_subprotocols(&[offer("execution.v1")], "", MISSING, MISSING)]
fn a_watcher_has_more_places_for_credentials_and_uses_exactly_one(
    #[case] headers: &[(&str, &str)],
    #[case] query: &str,
    #[case] of_caller: Result<&str, TokenError>,
    #[case] of_watcher: Result<&str, TokenError>,
) {
    assert_eq!(caller(headers, query), of_caller.map(str::to_owned));
    assert_eq!(watcher(headers, query), of_watcher.map(str::to_owned));
}
