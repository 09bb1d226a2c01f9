//! Tests the main path: a token in, the output of a program out.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::Service;

#[tokio::test]
async fn a_program_is_submitted_watched_and_polled() {
    let (service, token) = Service::with_user();
    let body =
        json!({"code": "print('Hello', input())", "language": "python", "input_data": "World\n"});
    let answer = service.try_submit(&token, &body).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    let accepted: Value = answer.json().await.unwrap();
    let id = accepted["execution_id"].as_str().unwrap();
    assert_eq!(location, format!("/api/v1/executions/status/{id}"));
    assert_eq!(accepted["status"], "pending");

    let (messages, close) = service.watch(&token, id).await.until_closed().await;
    assert_eq!(close, 1000);
    let last = messages.last().unwrap();
    assert_eq!(last["type"], "execution_update");
    assert_eq!(last["data"]["status"], "completed");
    assert_eq!(last["data"]["output"], "Hello World\n");

    let record = service.status(&token, id).await;
    assert_eq!(record["user_id"], "alice");
    assert_eq!(record["status"], "completed");
    assert_eq!(record["verdict"], "accepted");
    assert_eq!(record["output"], "Hello World\n");
    assert_eq!(record["error_output"], "");
    assert_eq!(record["runner"], "sandbox");
}

#[tokio::test]
async fn another_user_cannot_see_an_execution() {
    let service = Service::start();
    let id = service
        .submit(
            &service.token("alice"),
            &json!({"code": "print(1)", "language": "python"}),
        )
        .await;
    let mallory = service.token("mallory");
    let path = format!("/api/v1/executions/status/{id}");
    let answer = service.get(&path, &mallory).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    let (messages, close) = service.watch(&mallory, &id).await.until_closed().await;
    assert_eq!((messages, close), (Vec::new(), 4003));
}

#[tokio::test]
async fn two_watchers_see_the_same_end() {
    let (service, token) = Service::with_user();
    let body = json!({"code": "import time; time.sleep(0.5); print('done')", "language": "python"});
    let id = service.submit(&token, &body).await;
    let (first, second) = tokio::join!(
        async { service.watch(&token, &id).await.until_closed().await },
        async { service.watch(&token, &id).await.until_closed().await },
    );
    assert_eq!(first.1, 1000);
    assert_eq!(first.0.last(), second.0.last());
    assert_eq!(first.0.last().unwrap()["data"]["output"], "done\n");
}

#[tokio::test]
async fn a_running_program_can_be_cancelled() {
    let (service, token) = Service::with_user();
    let body =
        json!({"code": "print('so far', flush=True)\nwhile True: pass", "language": "python"});
    let id = service.submit(&token, &body).await;
    let mut socket = service.watch(&token, &id).await;
    socket.until_running().await;
    let answer = service.cancel(&token, &id).await;
    assert!(answer.status().is_success(), "{answer:?}");
    let (messages, close) = socket.until_closed().await;
    assert_eq!(close, 1000);
    assert_eq!(messages.last().unwrap()["data"]["verdict"], "cancelled");
}

#[tokio::test]
async fn a_token_of_another_issuer_is_refused() {
    let ours = Service::start();
    let theirs = Service::start();
    let answer = ours.verify(&theirs.token("alice")).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let answer = ours.verify(&ours.token("alice")).await;
    assert_eq!(answer.status(), StatusCode::OK);
}

#[tokio::test]
async fn no_secret_is_logged_even_at_trace() {
    let mut service = Service::start_with(&[("RUST_LOG", "trace")]);
    let token = service.token("alice");
    let body = json!({
        "code": "print('the-' + 'output'); 'the-code'",
        "language": "python",
        "input_data": "the-input",
    });
    let record = service.run(&token, &body).await;
    assert_eq!(record["output"], "the-output\n");
    service.signal("TERM");
    service.ended().await;
    let log = service.log();
    assert!(log.contains("listening"));
    for secret in [token.as_str(), "the-output", "the-code", "the-input"] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}

#[tokio::test]
async fn no_more_memory_may_be_asked_for_than_all_programs_get() {
    let service = Service::start_with(&[("MEMORY_BUDGET", "512MiB")]);
    let token = service.token("alice");
    let body = |bytes: u64| {
        let limits = json!({"memory_bytes": bytes});
        json!({"code": "print('hi')", "language": "python", "limits": limits})
    };
    let refused = service.try_submit(&token, &body((512 << 20) + 1)).await;
    assert_eq!(refused.status(), 422);
    let problem: Value = refused.json().await.expect("a problem");
    assert_eq!(problem["errors"][0]["pointer"], "/limits/memory_bytes");
    let detail = problem["errors"][0]["detail"].as_str().expect("text");
    assert!(detail.contains("536870912"), "{detail}");
    let record = service.run(&token, &body(512 << 20)).await;
    assert_eq!(record["output"], "hi\n", "{record}");
}
