//! Who may ask, and what the others are told.

use crate::support::{Answer, Server};

const VERIFY: &str = "/api/v1/auth/verify";

async fn verify(server: &Server, authorizations: &[&str]) -> Answer {
    let mut request = server.client.get(server.url(VERIFY));
    for authorization in authorizations {
        request = request.header("authorization", *authorization);
    }
    Answer::to(request).await
}

#[tokio::test]
async fn a_good_token_names_its_user() {
    let server = Server::start();
    let answer = verify(&server, &["Bearer alice"]).await;
    assert_eq!(
        answer.text,
        r#"{"authenticated":true,"user":{"uid":"alice","email":"alice@example.com","name":"Alice A.","email_verified":true},"message":"Firebase authentication successful"}"#
    );
}

#[tokio::test]
async fn what_a_token_does_not_say_is_null() {
    let server = Server::start();
    let answer = verify(&server, &["token bob"]).await;
    assert_eq!(
        answer.json()["user"].to_string(),
        r#"{"email":null,"email_verified":null,"name":null,"uid":"bob"}"#
    );
}

#[tokio::test]
async fn without_a_token_nobody_is_authenticated() {
    let server = Server::start();
    for path in [VERIFY, "/api/v1/executions", "/api/v1/executions/status/1"] {
        let answer = server.get_anonymously(path).await;
        let problem = answer.problem(401);
        assert_eq!(problem["detail"], "Not authenticated", "{path}");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
}

#[tokio::test]
async fn an_expired_token_says_so() {
    let server = Server::start();
    let answer = verify(&server, &["Bearer expired"]).await;
    let problem = answer.problem(401);
    assert_eq!(problem["detail"], "Expired Firebase token");
    assert_eq!(problem["reason"], "expired");
    assert_eq!(
        answer.header("www-authenticate"),
        "Bearer error=\"invalid_token\""
    );
}

#[tokio::test]
async fn a_bad_token_is_refused_with_its_reason() {
    let server = Server::start();
    let answer = verify(&server, &["Bearer forged"]).await;
    let problem = answer.problem(401);
    assert_eq!(problem["detail"], "Invalid Firebase token");
    assert_eq!(problem["reason"], "signature");
    assert_eq!(
        answer.header("www-authenticate"),
        "Bearer error=\"invalid_token\""
    );
}

#[tokio::test]
async fn a_user_who_may_not_is_denied_without_a_challenge() {
    let server = Server::start();
    let answer = verify(&server, &["Bearer banned"]).await;
    let problem = answer.problem(403);
    assert_eq!(problem["detail"], "Access denied");
    assert_eq!(problem["reason"], "forbidden");
    assert_eq!(answer.header("www-authenticate"), "");
}

#[tokio::test]
async fn a_disabled_user_is_denied() {
    let server = Server::start();
    let answer = verify(&server, &["Bearer disabled"]).await;
    let problem = answer.problem(403);
    assert_eq!(problem["detail"], "Access denied");
    assert_eq!(problem["reason"], "user-disabled");
}

#[tokio::test]
async fn a_revoked_token_and_a_deleted_user_want_a_new_login() {
    let server = Server::start();
    for (token, reason) in [("revoked", "revoked"), ("deleted", "user-not-found")] {
        let answer = verify(&server, &[&format!("Bearer {token}")]).await;
        let problem = answer.problem(401);
        assert_eq!(problem["detail"], "Invalid Firebase token");
        assert_eq!(problem["reason"], reason);
        let challenge = answer.header("www-authenticate");
        assert_eq!(challenge, "Bearer error=\"invalid_token\"");
    }
}

#[tokio::test]
async fn users_that_cannot_be_looked_up_are_no_fault_of_the_user() {
    let server = Server::start();
    let answer = verify(&server, &["Bearer users-down"]).await;
    let problem = answer.problem(503);
    assert_eq!(problem["reason"], "users-unavailable");
    assert_eq!(answer.header("retry-after"), "4");
    assert!(!problem.to_string().contains("refused"));
}

#[tokio::test]
async fn keys_that_cannot_be_had_are_no_fault_of_the_user() {
    let server = Server::start();
    let answer = verify(&server, &["Bearer keys-down"]).await;
    let problem = answer.problem(503);
    assert_eq!(answer.header("retry-after"), "3");
    assert_eq!(answer.header("www-authenticate"), "");
    assert!(!problem.to_string().contains("refused"));
}

#[tokio::test]
async fn two_authorization_headers_are_a_bad_request() {
    let server = Server::start();
    let answer = verify(&server, &["Bearer alice", "Bearer alice"]).await;
    assert_eq!(answer.problem(400)["reason"], "ambiguous-token");
}

#[tokio::test]
async fn a_header_together_with_a_query_token_is_a_bad_request() {
    let server = Server::start();
    let answer = server.get(&format!("{VERIFY}?token=alice")).await;
    assert_eq!(answer.problem(400)["reason"], "ambiguous-token");
}

#[tokio::test]
async fn a_query_token_alone_does_not_count() {
    let server = Server::start();
    let answer = server
        .get_anonymously(&format!("{VERIFY}?token=alice"))
        .await;
    assert_eq!(answer.problem(401)["detail"], "Not authenticated");
}

#[tokio::test]
async fn a_token_of_100_kb_is_a_clean_401() {
    let server = Server::start();
    let authorization = format!("Bearer {}", "x".repeat(100_000));
    let answer = verify(&server, &[&authorization]).await;
    assert_eq!(answer.problem(401)["reason"], "malformed");
}

#[tokio::test]
async fn an_authorization_that_is_no_text_is_refused() {
    let server = Server::start();
    let value = reqwest::header::HeaderValue::from_bytes(b"Bearer \xff").unwrap();
    let request = server
        .client
        .get(server.url(VERIFY))
        .header("authorization", value);
    assert_eq!(
        Answer::to(request).await.problem(401)["reason"],
        "malformed"
    );
}

#[tokio::test]
async fn some_routes_need_no_token() {
    let server = Server::start();
    for path in [
        "/",
        "/health",
        "/health/",
        "/health/ready",
        "/api/v1/languages",
    ] {
        assert_eq!(server.get_anonymously(path).await.status, 200, "{path}");
    }
}
