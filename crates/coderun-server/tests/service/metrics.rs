//! Tests the metrics of the whole service.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;

use coderun_redis_fixture::RedisServer;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::firebase::{FirebaseProject, PROJECT};
use crate::support::{Launch, Service, eventually};

const OPERATIONS: &str = include_str!("../../../../docs/operations.md");

fn launch() -> Launch {
    Launch::new().with("ADMIN_ADDR", "127.0.0.1:0")
}

/// The metrics from the admin address, which the log names.
pub(crate) async fn metrics(service: &Service) -> String {
    let address = eventually("the admin address is logged", || async {
        service.log().lines().find_map(|line| {
            let event: Value = serde_json::from_str(line).ok()?;
            let address = event["address"].as_str()?.to_owned();
            (event["message"] == "serving metrics").then_some(address)
        })
    });
    let url = format!("http://{}/metrics", address.await);
    let answer = service.client.get(url).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    answer.text().await.unwrap()
}

/// The value of a series, which is written as in the text format.
pub(crate) fn value(text: &str, series: &str) -> Option<f64> {
    let of_series = |line: &str| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok();
    text.lines().find_map(of_series)
}

fn assert_lines(text: &str, expected: &[&str]) {
    for line in expected {
        assert!(text.lines().any(|it| it == *line), "{line} not in\n{text}");
    }
}

/// Metrics and their labels in the documentation.
fn documented() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let (_, table) = OPERATIONS.split_once("| metric | kind | labels |").unwrap();
    let rows = table.lines().skip(2).take_while(|line| !line.is_empty());
    rows.map(|row| {
        let mut cells = row.split('|').map(str::trim).skip(1);
        let name = cells.next().unwrap().trim_matches('`');
        let labels = cells.nth(1).unwrap().split(", ");
        (name, labels.map(|label| label.trim_matches('`')).collect())
    })
    .collect()
}

/// Fails for a metric or label that is not documented.
fn assert_documented(text: &str) {
    let documented = documented();
    for line in text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
    {
        let (series, _) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let part = |suffix| name.strip_suffix(suffix);
        let family = [part("_bucket"), part("_sum"), part("_count")];
        let family = family
            .into_iter()
            .flatten()
            .find(|it| documented.contains_key(it));
        let family = family.unwrap_or(name);
        let known = documented.get(family);
        let known = known.unwrap_or_else(|| panic!("{family} is not documented"));
        for label in labels.split(',').filter_map(|label| label.split_once('=')) {
            assert!(label.0 == "le" || known.contains(label.0), "{line}");
        }
    }
}

#[tokio::test]
async fn a_run_shows_in_the_metrics() {
    assert_run_shows(launch(), "memory").await;
}

#[tokio::test]
async fn a_run_with_state_in_a_file_shows_in_the_metrics() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    let launch = launch().with("DATA_DIR", path.to_str().unwrap());
    assert_run_shows(launch, "redb").await;
}

#[tokio::test]
async fn a_run_with_state_in_redis_shows_in_the_metrics() {
    let redis = RedisServer::start();
    assert_run_shows(launch().with("REDIS_URL", &redis.url()), "redis").await;
}

async fn assert_run_shows(launch: Launch, backend: &str) {
    let service = launch.start();
    let token = service.token("alice");
    let program = json!({"code": "print(1)", "language": "python"});
    let record = service.run(&token, &program).await;
    assert_eq!(record["verdict"], "accepted");
    let refused = service.verify("a.b.c").await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    let text = metrics(&service).await;
    assert_lines(
        &text,
        &[
            r#"coderun_runs_total{language="python",runner="sandbox",verdict="accepted"} 1"#,
            r#"coderun_queue_wait_seconds_count{language="python"} 1"#,
            r#"coderun_runner_duration_seconds_count{language="python",runner="sandbox"} 1"#,
            r#"coderun_token_verifications_total{result="malformed"} 1"#,
            r#"coderun_queue_depth{state="pending"} 0"#,
            r#"coderun_queue_depth{state="running"} 0"#,
            "coderun_ready 1",
        ],
    );
    for operation in ["submit", "finish"] {
        let line = format!(
            r#"coderun_storage_duration_seconds_count{{backend="{backend}",operation="{operation}",result="ok"}} 1"#
        );
        assert_lines(&text, &[&line]);
    }
    assert!(value(&text, "process_resident_memory_bytes").unwrap() > 1e6);
    assert_documented(&text);
}

#[tokio::test]
async fn metrics_name_no_user_and_hold_no_secret() {
    let service = launch().start();
    let token = service.token("alice");
    let program = json!({"code": "print('hush')", "language": "python"});
    let id = service.submit(&token, &program).await;
    service.final_record(&token, &id).await;
    service.watch(&token, &id).await.until_closed().await;
    let text = metrics(&service).await;
    for secret in ["alice", &id, "hush", &token] {
        assert!(!text.contains(secret), "{secret} is in\n{text}");
    }
}

#[tokio::test]
async fn requests_and_sockets_are_counted() {
    let service = launch().start();
    let token = service.token("alice");
    let id = service
        .submit(&token, &json!({"code": "print(1)", "language": "python"}))
        .await;
    service.final_record(&token, &id).await;
    let (_, close) = service.watch(&token, &id).await.until_closed().await;
    assert_eq!(close, 1000);
    for line in [
        r#"coderun_http_requests_total{method="POST",route="/api/v1/executions/execute",status="200"} 1"#,
        r#"coderun_sockets_closed_total{code="1000"} 1"#,
        r#"coderun_sockets{kind="websocket"} 0"#,
    ] {
        // The client may see the end before it is counted.
        eventually(line, || async {
            let text = metrics(&service).await;
            text.lines().any(|found| found == line).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn cached_tokens_and_fetched_keys_are_counted() {
    let firebase = FirebaseProject::start();
    let service = launch()
        .with("HTTP_PROXY", "http://127.0.0.1:9")
        .with("FIREBASE_PROJECT_ID", PROJECT)
        .with("FIREBASE_JWKS_URL", &firebase.keys_url())
        .start();
    let token = firebase.token("alice");
    for _ in 0..3 {
        assert_eq!(service.verify(&token).await.status(), StatusCode::OK);
    }
    let text = metrics(&service).await;
    assert_lines(
        &text,
        &[
            r#"coderun_token_verifications_total{result="accepted"} 3"#,
            r#"coderun_token_cache_total{result="hit"} 2"#,
            r#"coderun_token_cache_total{result="miss"} 1"#,
            r#"coderun_key_fetches_total{result="ok"} 1"#,
        ],
    );
    let age = value(&text, "coderun_keys_age_seconds").unwrap();
    assert!((0.0..300.0).contains(&age), "{age}");
    assert_documented(&text);
}

#[tokio::test]
async fn a_draining_service_still_serves_metrics_and_is_not_ready() {
    let mut service = launch().start();
    let token = service.token("alice");
    let sleeper = json!({"code": "import time; time.sleep(30)", "language": "python"});
    let id = service.submit(&token, &sleeper).await;
    let mut socket = service.watch(&token, &id).await;
    socket.until_running().await;
    service.signal("TERM");
    eventually("it is not ready", || async {
        let text = metrics(&service).await;
        (value(&text, "coderun_ready") == Some(0.0)).then_some(())
    })
    .await;
    let text = metrics(&service).await;
    assert_lines(&text, &[r#"coderun_queue_depth{state="running"} 1"#]);
    service.signal("TERM");
    assert_eq!(service.ended().await, Some(0));
}

#[tokio::test]
async fn a_configured_admin_address_in_use_stops_the_start() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let log = Launch::new().with("ADMIN_ADDR", &address).try_start();
    let log = log.unwrap_err();
    let expected = format!("cannot listen on {address} (ADMIN_ADDR)");
    assert!(log.contains(&expected), "{log}");
}

#[tokio::test]
async fn a_process_whose_default_admin_address_is_in_use_runs_without_metrics() {
    // If this fails, another process uses the address.
    let _taken = TcpListener::bind("127.0.0.1:9001");
    let service = Launch::new().without("ADMIN_ADDR").start();
    let record = service.run_code("python", "print(1)").await;
    assert_eq!(record["verdict"], "accepted");
    let log = service.log();
    assert!(log.contains("metrics disabled"), "{log}");
}

#[tokio::test]
async fn off_disables_the_admin_address() {
    let service = Launch::new().with("ADMIN_ADDR", "off").start();
    let record = service.run_code("python", "print(1)").await;
    assert_eq!(record["verdict"], "accepted");
    let log = service.log();
    assert!(!log.contains("metrics"), "{log}");
}
