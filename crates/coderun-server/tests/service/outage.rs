//! Tests outages of Redis under a running process.

use std::time::Duration;

use coderun_redis_fixture::{RedisCluster, RedisOptions, RedisSentinel, RedisServer};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{EventLog, Launch, Service, runs_marked, within};

/// The longest time to an answer during an outage.
const ANSWERED_WITHIN: Duration = Duration::from_secs(6);
/// A worker renews several times within a lease.
const LEASE: Duration = Duration::from_secs(10);
const OUTAGE: Duration = Duration::from_secs(2);

/// One process with a Redis that persists its data.
struct Deployment {
    redis: RedisServer,
    service: Service,
    token: String,
}

impl Deployment {
    fn start() -> Self {
        let redis = RedisServer::with(&RedisOptions {
            append_only: true,
            ..RedisOptions::default()
        });
        let service = Launch::on(&redis.url()).start();
        let token = service.token("alice");
        Self {
            redis,
            service,
            token,
        }
    }

    async fn run(&self, word: &str) -> (String, Value) {
        let id = self.service.submit(&self.token, &program(word)).await;
        let record = self.service.final_record(&self.token, &id).await;
        assert_eq!(record["output"], format!("{word}\n"));
        (id, record)
    }

    /// Every request is refused in time, as a temporary failure.
    async fn every_request_is_refused(&self, known: &str) {
        let Self { service, token, .. } = self;
        let (never, begin) = (program("never"), Instant::now());
        let (submitted, status, ready, list) = tokio::join!(
            service.try_submit(token, &never),
            service.try_status(token, known),
            service.readiness(),
            async { service.get("/api/v1/executions", token).send().await },
        );
        assert!(begin.elapsed() < ANSWERED_WITHIN, "{:?}", begin.elapsed());
        refused("status", status).await;
        refused("list", list.expect("an answer")).await;
        let body = refused("submit", submitted).await;
        assert!(body["execution_id"].is_null(), "{body}");
        assert_eq!(ready.0, StatusCode::SERVICE_UNAVAILABLE, "{}", ready.1);
        assert_eq!(ready.1["checks"]["store"]["status"], "failing");
    }

    async fn a_watcher_is_closed_with_1013(&self, known: &str) {
        let begin = Instant::now();
        let socket = self.service.watch(&self.token, known).await;
        assert_eq!(socket.until_closed().await, (Vec::new(), 1013));
        assert!(begin.elapsed() < ANSWERED_WITHIN, "{:?}", begin.elapsed());
    }

    async fn until_ready(&self) {
        self.service.until_readiness_is(StatusCode::OK).await;
    }

    /// The log tells once that Redis cannot be reached, whatever fails for it, and that it works again when all of that does.
    async fn assert_outage_is_logged_once(&self) {
        within(LEASE, "the log tells the end", async || {
            let log = self.service.log();
            let told = |line: &&str| line.contains("operation fails");
            let failures: Vec<_> = log.lines().filter(told).collect();
            let count = failures
                .iter()
                .filter(|it| it.contains("Redis cannot be reached"));
            assert_eq!(count.count(), 1, "{failures:#?}");
            log.contains("works again").then_some(())
        })
        .await;
    }
}

fn program(word: &str) -> Value {
    json!({"code": format!("echo {word}"), "language": "bash"})
}

async fn refused(what: &str, answer: Response) -> Value {
    let has_retry_after = answer.headers().contains_key("retry-after");
    let status = answer.status();
    let body: Value = answer.json().await.expect("JSON");
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{what}: {body}");
    assert!(has_retry_after, "{what}: no Retry-After");
    body
}

#[tokio::test]
async fn requests_are_refused_while_redis_is_down_and_work_after_its_restart() {
    let deployment = Deployment::start();
    let (id, record) = deployment.run("before").await;
    deployment.redis.kill();
    deployment.every_request_is_refused(&id).await;
    deployment.a_watcher_is_closed_with_1013(&id).await;
    deployment.redis.restart();
    deployment.until_ready().await;
    assert_eq!(
        deployment.service.status(&deployment.token, &id).await,
        record
    );
    deployment.run("after").await;
    deployment.assert_outage_is_logged_once().await;
}

/// The service starts, says what is wrong, and works when Redis does.
#[tokio::test]
async fn a_service_that_starts_before_its_redis_works_once_redis_is_there() {
    let redis = RedisServer::stopped(&RedisOptions {
        append_only: true,
        ..RedisOptions::default()
    });
    let service = Launch::on(&redis.url()).start();
    let token = service.token("alice");
    let live = service.get("/health/", &token).send().await.unwrap();
    assert_eq!(live.status(), StatusCode::OK);
    let (status, ready) = service.readiness().await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    let reason = "the store `redis` is not available: Redis cannot be reached: check that it runs at the host and port of REDIS_URL";
    assert_eq!(ready["checks"]["store"]["reason"], reason);
    refused(
        "submit",
        service.try_submit(&token, &program("early")).await,
    )
    .await;
    for _ in 0..3 {
        service.readiness().await;
    }
    redis.restart();
    let deployment = Deployment {
        redis,
        service,
        token,
    };
    deployment.until_ready().await;
    deployment.run("after").await;
    deployment.assert_outage_is_logged_once().await;
}

/// Starts a service while all of these are down, and starts them.
async fn starts_before(url: &str, servers: &[&RedisServer]) {
    for server in servers {
        server.kill();
    }
    let service = Launch::on(url).start();
    let token = service.token("alice");
    let live = service.get("/health/", &token).send().await.unwrap();
    assert_eq!(live.status(), StatusCode::OK);
    let (status, ready) = service.readiness().await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    let reason = ready["checks"]["store"]["reason"].as_str().unwrap();
    assert!(reason.contains("Redis cannot be reached"), "{reason}");
    for server in servers {
        server.restart();
    }
    service.until_readiness_is(StatusCode::OK).await;
    let id = service.submit(&token, &program("after")).await;
    let record = service.final_record(&token, &id).await;
    assert_eq!(record["output"], "after\n");
}

#[tokio::test]
async fn a_service_that_starts_before_its_sentinels_works_once_they_are_there() {
    let sentinel = RedisSentinel::start();
    let servers = sentinel.servers().iter().chain(sentinel.sentinels());
    starts_before(&sentinel.url(), &servers.collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn a_service_that_starts_before_its_cluster_works_once_it_is_there() {
    let cluster = RedisCluster::start();
    starts_before(
        &cluster.url(),
        &cluster.masters().iter().collect::<Vec<_>>(),
    )
    .await;
}

#[tokio::test]
async fn an_execution_that_runs_during_an_outage_finishes_after_it() {
    let deployment = Deployment::start();
    let Deployment { service, token, .. } = &deployment;
    let code = "import time\nprint('one', flush=True)\ntime.sleep(4)\nprint('two')";
    let body = json!({"code": code, "language": "python", "args": ["outage-marker"]});
    let id = service.submit(token, &body).await;
    service.until_runs("outage-marker").await;
    let waiting = service.submit(token, &program("waited")).await;
    deployment.redis.kill();
    tokio::time::sleep(OUTAGE).await;
    deployment.redis.restart();
    deployment.until_ready().await;
    let record = service.final_record(token, &id).await;
    assert_eq!(record["verdict"], "accepted", "{record}");
    assert_eq!(record["output"], "one\ntwo\n");
    assert_eq!(record["attempts"], 1, "the outage was shorter than a lease");
    let mut events = EventLog::default();
    let close = events
        .read_until_closed(service.watch_since(token, &id, 0).await)
        .await;
    assert_eq!(close, 1000);
    assert!(events.is_gap_free(), "{:?}", events.numbers());
    let waited = service.final_record(token, &waiting).await;
    assert_eq!(waited["output"], "waited\n");
}

#[tokio::test]
async fn a_watcher_resumes_after_an_outage_without_losing_events() {
    let deployment = Deployment::start();
    let Deployment { service, token, .. } = &deployment;
    let code = "import time\nprint('one', flush=True)\ntime.sleep(3)\nprint('two')";
    let body = json!({"code": code, "language": "python"});
    let id = service.submit(token, &body).await;
    let mut events = EventLog::default();
    let mut socket = service.watch_since(token, &id, 0).await;
    while events.output_by_attempt().is_empty() {
        events.push(socket.next().await.unwrap());
    }
    deployment.redis.kill();
    assert_eq!(events.read_until_closed(socket).await, 1013);
    deployment.redis.restart();
    let mut close = 1013;
    while close == 1013 {
        let since = events.last_sequence();
        let socket = service.watch_since(token, &id, since).await;
        close = events.read_until_closed(socket).await;
    }
    assert_eq!(close, 1000);
    assert!(events.is_gap_free(), "{:?}", events.numbers());
    assert_eq!(events.output_by_attempt()[&1], "one\ntwo\n");
}

#[tokio::test]
async fn requests_do_not_wait_for_a_hanging_redis() {
    let deployment = Deployment::start();
    let (id, _) = deployment.run("before").await;
    deployment.redis.pause();
    deployment.every_request_is_refused(&id).await;
    deployment.a_watcher_is_closed_with_1013(&id).await;
    deployment.redis.resume();
    deployment.until_ready().await;
    deployment.run("after").await;
}

#[tokio::test]
async fn flushall_kills_running_programs_and_closes_their_sockets() {
    let deployment = Deployment::start();
    let Deployment { service, token, .. } = &deployment;
    let code = "import time\ntime.sleep(40)";
    let body = json!({"code": code, "language": "python", "args": ["deleted-marker"], "limits": {"wall_time_ms": 50_000}});
    let id = service.submit(token, &body).await;
    let mut socket = service.watch(token, &id).await;
    socket.until_running().await;
    service.until_runs("deleted-marker").await;
    assert_eq!(deployment.redis.command(&["FLUSHALL"]).text(), "OK");
    assert_eq!(socket.until_closed().await.1, 4004);
    let killed = || async { (!runs_marked(service.id(), "deleted-marker")).then_some(()) };
    within(LEASE, "the program is killed", killed).await;
}
