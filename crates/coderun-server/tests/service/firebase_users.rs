//! Tests the whole service with the keys and the users of a Firebase project.

use std::sync::Arc;

use futures_util::future::join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::firebase::{FirebaseProject, PROJECT};
use crate::support::{Launch, Service, eventually};

fn launch(firebase: &FirebaseProject) -> Launch {
    Launch::new()
        // Nothing listens there: keys and users are fetched without a proxy.
        .with("HTTP_PROXY", "http://127.0.0.1:9")
        .with("FIREBASE_PROJECT_ID", PROJECT)
        .with("FIREBASE_JWKS_URL", &firebase.keys_url())
}

/// The status of the verification, and its reason if there is one.
async fn verify(service: &Service, token: &str) -> (StatusCode, Value) {
    let answer = service.verify(token).await;
    let status = answer.status();
    let body: Value = answer.json().await.unwrap();
    (status, body["reason"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn many_first_requests_wait_for_one_fetch_of_the_keys() {
    let firebase = FirebaseProject::start();
    firebase.hold_keys();
    let service = Arc::new(launch(&firebase).start());
    let token = firebase.token("alice");
    eventually("the keys are asked for", || async {
        (firebase.fetches() > 0).then_some(())
    })
    .await;
    let requests = join_all((0..500).map(|_| verify(&service, &token)));
    let release = async {
        // While the keys are held, no request can be answered.
        let held = verify(&service, "a.b.c").await;
        firebase.release_keys();
        held
    };
    let (answers, held) = tokio::join!(requests, release);
    assert_eq!(held.0, StatusCode::UNAUTHORIZED);
    for (status, reason) in answers {
        assert_eq!(status, StatusCode::OK, "{reason}");
    }
    assert_eq!(firebase.fetches(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_keys_requests_get_503_and_the_service_is_not_ready() {
    let firebase = FirebaseProject::start();
    firebase.hold_keys();
    let service = launch(&firebase).start();
    let token = firebase.token("alice");
    let answer = service.verify(&token).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers().contains_key("retry-after"));
    let body = service
        .until_readiness_is(StatusCode::SERVICE_UNAVAILABLE)
        .await;
    assert_eq!(body["checks"]["keys"]["status"], "failing");
    let (_, close) = service.watch(&token, "none").await.until_closed().await;
    assert_eq!(close, 1013);
    firebase.release_keys();
    service.until_readiness_is(StatusCode::OK).await;
    assert_eq!(verify(&service, &token).await.0, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_service_account_disabled_and_revoked_users_are_refused() {
    let firebase = FirebaseProject::start();
    let account = firebase.service_account();
    firebase.set_user("alice", json!({"validSince": "1"}));
    firebase.set_user("bob", json!({"disabled": true}));
    firebase.set_user("carol", json!({"validSince": "4102444800"}));
    let service = launch(&firebase)
        .with(
            "FIREBASE_SERVICE_ACCOUNT_PATH",
            account.path().to_str().unwrap(),
        )
        .with("FIREBASE_USERS_URL", &firebase.users_url())
        .start();
    service.until_readiness_is(StatusCode::OK).await;
    for (uid, status, reason) in [
        ("alice", StatusCode::OK, Value::Null),
        ("bob", StatusCode::FORBIDDEN, "user-disabled".into()),
        ("carol", StatusCode::UNAUTHORIZED, "revoked".into()),
        ("dave", StatusCode::UNAUTHORIZED, "user-not-found".into()),
    ] {
        let token = firebase.token(uid);
        assert_eq!(verify(&service, &token).await, (status, reason), "{uid}");
    }
}

#[tokio::test]
async fn with_a_project_development_tokens_are_refused() {
    let firebase = FirebaseProject::start();
    let service = launch(&firebase).start();
    let token = Launch::new().token("alice");
    assert_eq!(
        verify(&service, &token).await,
        (StatusCode::UNAUTHORIZED, "audience".into())
    );
    let printed = launch(&firebase).command().arg("token").output().unwrap();
    assert!(!printed.status.success());
    let body = String::from_utf8(printed.stderr).unwrap();
    assert!(body.contains("come from Firebase"), "{body}");
}
