//! Tests the API and the worker in separate processes.

use std::time::Duration;

use coderun_redis_fixture::{RedisOptions, RedisServer};
use reqwest::StatusCode;
use serde_json::json;

use crate::support::{Launch, Service, descendants, output, runs_marked, text, within};

const NO_WORKER: &str = "no worker is available";

/// A worker, and an API that knows it.
struct Roles {
    launch: Launch,
    worker: Service,
    api: Service,
    token: String,
    _redis: RedisServer,
}

impl Roles {
    async fn start() -> Self {
        let redis = RedisServer::start();
        let launch = Launch::on(&redis.url());
        let worker = launch.role("worker").start();
        let api = launch.role("api").start();
        api.until_readiness_is(StatusCode::OK).await;
        Self {
            token: launch.token("alice"),
            launch,
            worker,
            api,
            _redis: redis,
        }
    }
}

#[tokio::test]
async fn an_execution_runs_on_a_worker_and_is_watched_on_the_api() {
    let Roles {
        worker, api, token, ..
    } = &Roles::start().await;
    let code = "import time\nprint('over there')\ntime.sleep(1)";
    let body = json!({"code": code, "language": "python", "args": ["roles-marker"]});
    let id = api.submit(token, &body).await;
    let socket = api.watch(token, &id).await;
    worker.until_runs("roles-marker").await;
    let (messages, close) = socket.until_closed().await;
    assert_eq!(close, 1000);
    assert_eq!(messages.last().unwrap()["data"]["output"], "over there\n");
    assert_eq!(api.status(token, &id).await["runner"], "sandbox");
}

#[tokio::test]
async fn an_api_is_ready_while_a_worker_is_announced() {
    let redis = RedisServer::start();
    let launch = Launch::on(&redis.url());
    let api = launch.role("api").start();
    let (status, ready) = api.readiness().await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(ready["checks"]["runner"]["reason"], NO_WORKER);
    let mut worker = launch.role("worker").start();
    api.until_readiness_is(StatusCode::OK).await;
    worker.signal("TERM");
    assert_eq!(worker.ended().await, Some(0));
    let gone = api.until_readiness_is(StatusCode::SERVICE_UNAVAILABLE);
    let ready = gone.await;
    assert_eq!(ready["checks"]["runner"]["reason"], NO_WORKER);
}

#[tokio::test]
async fn an_api_is_not_ready_after_its_worker_was_killed() {
    let roles = Roles::start().await;
    roles.worker.kill();
    roles
        .api
        .until_readiness_is(StatusCode::SERVICE_UNAVAILABLE)
        .await;
}

/// Without a state directory and without a home.
#[tokio::test]
async fn a_worker_starts_without_keys_and_serves_health_checks() {
    let redis = RedisServer::start();
    let launch = Launch::on(&redis.url()).role("worker");
    let worker = launch.without("STATE_DIR").without("HOME").start();
    let ready = worker.until_readiness_is(StatusCode::OK).await;
    for name in ["store", "queue", "runner"] {
        assert!(ready["checks"][name]["status"].is_string(), "{ready}");
    }
    assert!(ready["checks"]["keys"].is_null(), "{ready}");
    let request = worker.client.get(worker.url("/api/v1/languages"));
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_FOUND, "it serves no API");
}

/// Without `PATH`, a sandbox finds no toolchain.
#[tokio::test]
async fn an_api_starts_without_a_sandbox() {
    let redis = RedisServer::start();
    let launch = Launch::on(&redis.url()).role("api");
    let launch = launch.without("TOOLCHAIN_PATH").without("PATH");
    let api = launch.without("HOME").start();
    let token = api.token("alice");
    assert_eq!(api.verify(&token).await.status(), StatusCode::OK);
    assert!(descendants(api.id()).is_empty(), "it has a launcher");
}

#[tokio::test]
async fn any_api_can_cancel_an_execution() {
    let roles = Roles::start().await;
    let (worker, first, token) = (&roles.worker, &roles.api, &roles.token);
    let second = roles.launch.role("api").start();
    let code = "print('so far', flush=True)\nwhile True: pass";
    let body = json!({"code": code, "language": "python", "args": ["cancel-marker"]});
    let id = first.submit(token, &body).await;
    worker.until_runs("cancel-marker").await;
    let socket = first.watch(token, &id).await;
    let answer = second.cancel(token, &id).await;
    assert!(answer.status().is_success(), "{answer:?}");
    let (messages, close) = socket.until_closed().await;
    assert!(
        !runs_marked(worker.id(), "cancel-marker"),
        "the program is gone before the last event"
    );
    assert_eq!(close, 1000);
    assert_eq!(messages.last().unwrap()["data"]["verdict"], "cancelled");
    let record = second.status(token, &id).await;
    assert_eq!(record["verdict"], "cancelled");
}

/// A notification carries the cancellation; the next renewal of the lease would come three seconds later.
#[tokio::test]
async fn a_cancellation_from_another_process_does_not_wait_for_a_renewal() {
    let Roles {
        worker, api, token, ..
    } = &Roles::start().await;
    let body = json!({"code": "import time\ntime.sleep(30)", "language": "python", "args": ["prompt-marker"]});
    let id = api.submit(token, &body).await;
    worker.until_runs("prompt-marker").await;
    assert!(api.cancel(token, &id).await.status().is_success());
    within(Duration::from_secs(2), "the program is gone", || async {
        (!runs_marked(worker.id(), "prompt-marker")).then_some(())
    })
    .await;
}

#[test]
fn the_doctor_of_each_role_reports_the_persistence_of_redis() {
    let redis = RedisServer::with(&RedisOptions {
        lines: vec!["maxmemory-policy allkeys-lru".to_owned()],
        ..RedisOptions::default()
    });
    let launch = Launch::on(&redis.url());
    let _worker = launch.role("worker").start();
    for role in ["all", "api", "worker"] {
        let printed = output(launch.role(role).command().arg("doctor"));
        let report = text(&printed.stdout);
        assert!(printed.status.success(), "{role}: {report}");
        let store = report.lines().find(|line| line.starts_with("store"));
        let store = store.unwrap_or_default();
        for remark in ["degraded", "allkeys-lru", "append-only"] {
            assert!(store.contains(remark), "{role}: {report}");
        }
    }
}
