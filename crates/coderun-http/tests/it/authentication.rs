//! Checks which tokens are accepted, and what other callers are told.

use rstest::rstest;

use crate::support::Server;

const VERIFY: &str = "/api/v1/auth/verify";
const INVALID_TOKEN: &str = "Bearer error=\"invalid_token\"";

#[tokio::test]
async fn a_valid_token_names_its_user() {
    let answer = Server::start().get(VERIFY).await;
    assert_eq!(
        answer.text,
        r#"{"authenticated":true,"user":{"uid":"alice","email":"alice@example.com","name":"Alice A.","email_verified":true},"message":"Firebase authentication successful"}"#
    );
}

#[tokio::test]
async fn claims_that_a_token_does_not_have_are_null() {
    let server = Server::start();
    let request = server.get(VERIFY).anonymous();
    let answer = request.header("authorization", "token bob").await;
    assert_eq!(
        answer.json()["user"].to_string(),
        r#"{"email":null,"email_verified":null,"name":null,"uid":"bob"}"#
    );
}

#[rstest]
#[case(VERIFY)]
#[case("/api/v1/auth/verify?token=alice")]
#[case("/api/v1/executions")]
#[case("/api/v1/executions/status/1")]
#[tokio::test]
async fn a_request_without_a_token_in_its_head_is_not_authenticated(#[case] path: &str) {
    let answer = Server::start().get(path).anonymous().await;
    assert_eq!(answer.problem(401)["detail"], "Not authenticated");
    assert_eq!(answer.header("www-authenticate"), "Bearer");
}

#[rstest]
#[case("expired", 401, "Expired Firebase token", "expired")]
#[case("forged", 401, "Invalid Firebase token", "signature")]
#[case("revoked", 401, "Invalid Firebase token", "revoked")]
#[case("deleted", 401, "Invalid Firebase token", "user-not-found")]
#[case("banned", 403, "Access denied", "forbidden")]
#[case("disabled", 403, "Access denied", "user-disabled")]
#[tokio::test]
async fn a_refused_token_has_its_reason_and_a_challenge_only_if_another_token_would_help(
    #[case] token: &'static str,
    #[case] status: u16,
    #[case] detail: &str,
    #[case] reason: &str,
) {
    let answer = Server::start().get(VERIFY).token(token).await;
    let problem = answer.problem(status);
    assert_eq!(problem["detail"], detail);
    assert_eq!(problem["reason"], reason);
    let challenge = if status == 401 { INVALID_TOKEN } else { "" };
    assert_eq!(answer.header("www-authenticate"), challenge);
}

#[rstest]
#[case("users-down", "users-unavailable", "4")]
#[case("keys-down", "keys-unavailable", "3")]
#[tokio::test]
async fn a_token_that_cannot_be_verified_now_is_503_without_a_challenge(
    #[case] token: &'static str,
    #[case] reason: &str,
    #[case] retry_after: &str,
) {
    let answer = Server::start().get(VERIFY).token(token).await;
    let problem = answer.problem(503);
    assert_eq!(problem["reason"], reason);
    assert_eq!(answer.header("retry-after"), retry_after);
    assert_eq!(answer.header("www-authenticate"), "");
    assert!(!problem.to_string().contains("refused"));
}

#[tokio::test]
async fn two_tokens_are_a_bad_request() {
    let server = Server::start();
    let second_header = server.get(VERIFY).header("authorization", "Bearer alice");
    let in_query = server.get(&format!("{VERIFY}?token=alice"));
    for request in [second_header, in_query] {
        assert_eq!(request.await.problem(400)["reason"], "ambiguous-token");
    }
}

#[rstest]
#[case::a_token_of_100_kb(format!("Bearer {}", "x".repeat(100_000)).into_bytes())]
#[case::a_header_that_is_not_text(b"Bearer \xff".to_vec())]
#[tokio::test]
async fn a_malformed_token_is_a_clean_401(#[case] authorization: Vec<u8>) {
    let server = Server::start();
    let request = server.get(VERIFY).anonymous();
    let answer = request.header("authorization", authorization).await;
    assert_eq!(answer.problem(401)["reason"], "malformed");
}

#[rstest]
#[tokio::test]
async fn public_routes_need_no_token(
    #[values("/", "/health", "/health/", "/health/ready", "/api/v1/languages")] path: &str,
) {
    let answer = Server::start().get(path).anonymous().await;
    assert_eq!(answer.status, 200);
}
