//! Tests what Redis demands of its clients: rights, and certificates.

use std::path::Path;
use std::process::Command;

use coderun_redis_fixture::{RedisOptions, RedisServer};
use reqwest::StatusCode;
use serde_json::json;

use crate::support::{Launch, output, unused_address};

const OPERATIONS: &str = include_str!("../../../../docs/operations.md");

/// The line of a configuration file of Redis that the documentation shows.
fn documented_user() -> String {
    let mut lines = OPERATIONS.lines();
    let line = lines.find(|line| line.starts_with("user coderun "));
    line.expect("a user").replace("PASSWORD", "hush")
}

#[tokio::test]
async fn the_documented_rights_suffice_for_everything() {
    let redis = RedisServer::with_lines(&[documented_user()]);
    let url = redis.url().replace("://", "://coderun:hush@");
    let service = Launch::on(&url).start();
    let token = service.token("alice");
    service.until_readiness_is(StatusCode::OK).await;
    let id = service
        .submit(&token, &json!({"code": "echo hi", "language": "bash"}))
        .await;
    let (messages, close) = service.watch(&token, &id).await.until_closed().await;
    assert_eq!(close, 1000);
    assert_eq!(messages.last().unwrap()["data"]["output"], "hi\n");
    let body = json!({"code": "sleep 30", "language": "bash", "args": ["rights-marker"], "interactive": true});
    let running = service.submit(&token, &body).await;
    service.until_runs("rights-marker").await;
    assert!(service.cancel(&token, &running).await.status().is_success());
    let record = service.final_record(&token, &running).await;
    assert_eq!(record["verdict"], "cancelled", "{record}");
    let list = service
        .get("/api/v1/executions", &token)
        .send()
        .await
        .unwrap();
    assert_eq!(list.status(), StatusCode::OK);
    let deleted = service.client.delete(service.url("/api/v1/executions"));
    let deleted = deleted.bearer_auth(&token).send().await.unwrap();
    assert_eq!(deleted.status(), StatusCode::NO_CONTENT);
    let denials = redis.command(&["ACL", "LOG"]);
    assert!(denials.parts().is_empty(), "{denials:?}");
    assert!(!service.log().contains("hush"));
}

fn openssl(folder: &Path, arguments: &str) {
    let mut command = Command::new("openssl");
    let done = output(command.args(arguments.split(' ')).current_dir(folder));
    assert!(done.status.success(), "{arguments}: {done:?}");
}

/// An authority of its own, and a certificate for 127.0.0.1 that it has signed.
fn make_certificates(folder: &Path) {
    std::fs::write(folder.join("san"), "subjectAltName=IP:127.0.0.1").expect("a writable folder");
    let new_key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    openssl(
        folder,
        &format!("req -x509 {new_key} -keyout ca.key -out ca.pem -days 2 -subj /CN=test-authority"),
    );
    openssl(
        folder,
        &format!("req {new_key} -keyout redis.key -out redis.csr -subj /CN=redis"),
    );
    openssl(
        folder,
        "x509 -req -in redis.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out redis.pem -days 2 -extfile san",
    );
}

#[tokio::test]
async fn an_authority_of_the_operators_own_is_named_in_a_variable() {
    let folder = tempfile::tempdir().unwrap();
    make_certificates(folder.path());
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let port = unused_address().port();
    let _redis = RedisServer::with(&RedisOptions::with_lines(&[
        format!("tls-port {port}"),
        format!("tls-cert-file {}", file("redis.pem")),
        format!("tls-key-file {}", file("redis.key")),
        format!("tls-ca-cert-file {}", file("ca.pem")),
        "tls-auth-clients no".to_owned(),
    ]));
    let launch = Launch::on(&format!("rediss://127.0.0.1:{port}"));
    let stranger = launch.start();
    let (status, ready) = stranger.readiness().await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    let reason = ready["checks"]["store"]["reason"].as_str().unwrap();
    assert!(
        reason.contains(
            "signed by an authority that is unknown here: name its certificate in SSL_CERT_FILE"
        ),
        "{reason}"
    );
    let trusting = launch.with("SSL_CERT_FILE", &file("ca.pem")).start();
    trusting.until_readiness_is(StatusCode::OK).await;
}
