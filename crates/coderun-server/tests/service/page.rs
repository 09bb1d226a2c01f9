//! Tests the page for people: it is there, gets a token by itself, and runs a program with that.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::Service;

/// Asks for a token as the page of the service does.
async fn ask_for_token(service: &Service) -> reqwest::Response {
    let asked = service
        .client
        .post(service.url("/api/v1/auth/development-token"))
        .header("origin", service.url(""));
    asked.send().await.unwrap()
}

#[cfg(feature = "playground")]
#[tokio::test]
async fn who_opens_the_address_in_the_log_gets_the_page() {
    let service = Service::start();
    let log = service.log();
    let listening = log.lines().find(|line| line.contains("listening")).unwrap();
    let listening: Value = serde_json::from_str(listening).unwrap();
    let url = listening["url"].as_str().unwrap();
    assert_eq!(url, service.url("/"));
    let opened = service.client.get(url).header("accept", "text/html");
    let opened = opened.send().await.unwrap();
    assert_eq!(opened.headers()["content-type"], "text/html; charset=utf-8");
    let page = opened.text().await.unwrap();
    assert!(page.starts_with("<!doctype html>"), "{page}");
}

#[tokio::test]
async fn the_page_has_the_history_of_the_token_that_the_command_prints() {
    let service = Service::start();
    let answer = ask_for_token(&service).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let issued: Value = answer.json().await.unwrap();
    assert_eq!(issued["expires_in"], 3600);
    let token = issued["token"].as_str().unwrap();
    let record = service
        .run(
            token,
            &json!({"code": "print(6 * 7)", "language": "python"}),
        )
        .await;
    assert_eq!(record["output"], "42\n");
    let list = service
        .read("/api/v1/executions", &service.token("developer"))
        .await;
    assert_eq!(
        list["executions"][0]["execution_id"],
        record["execution_id"]
    );
}

#[tokio::test]
async fn no_token_is_given_away_where_others_may_come() {
    let service = Service::start_with(&[("DANGEROUSLY_EXPOSE_DEVELOPMENT_TOKENS", "true")]);
    let answer = ask_for_token(&service).await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    let token = service.token("developer");
    let capabilities = service.read("/api/v1/capabilities", &token).await;
    assert_eq!(capabilities["sign_in"], Value::Null);
}
