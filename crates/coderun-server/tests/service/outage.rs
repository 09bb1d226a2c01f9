//! Redis goes away under a running process, and comes back.

use std::time::Duration;

use coderun_redis_fixture::{RedisOptions, RedisServer};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{Launch, Service, Story, eventually, runs_marked, within};

/// No request may take longer than this, however Redis is.
const ANSWERED_WITHIN: Duration = Duration::from_secs(6);
/// A worker asks several times within a lease whether it is still the one.
const LEASE: Duration = Duration::from_secs(10);
const OUTAGE: Duration = Duration::from_secs(2);

/// One process on a Redis of its own, which keeps what it has accepted.
struct Scene {
    redis: RedisServer,
    service: Service,
    token: String,
}

impl Scene {
    fn set() -> Self {
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

    /// Whatever is asked for is refused as long as Redis is away, in time and as something that will pass.
    async fn everything_is_refused(&self, known: &str) {
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

    async fn a_watcher_is_sent_away(&self, known: &str) {
        let begin = Instant::now();
        let socket = self.service.watch(&self.token, known).await;
        assert_eq!(socket.until_closed().await, (Vec::new(), 1013));
        assert!(begin.elapsed() < ANSWERED_WITHIN, "{:?}", begin.elapsed());
    }

    async fn until_ready(&self) {
        self.service.until_readiness_is(StatusCode::OK).await;
    }
}

fn program(word: &str) -> Value {
    json!({"code": format!("echo {word}"), "language": "bash"})
}

async fn refused(what: &str, answer: Response) -> Value {
    let says_when = answer.headers().contains_key("retry-after");
    let status = answer.status();
    let body: Value = answer.json().await.expect("JSON");
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{what}: {body}");
    assert!(says_when, "{what}: no Retry-After");
    body
}

#[tokio::test]
async fn nothing_is_accepted_found_missing_or_ready_while_redis_is_killed() {
    let scene = Scene::set();
    let (id, _) = scene.run("before").await;
    scene.redis.kill();
    scene.everything_is_refused(&id).await;
    scene.a_watcher_is_sent_away(&id).await;
}

#[tokio::test]
async fn what_was_accepted_is_there_when_redis_is_back_and_all_goes_on() {
    let scene = Scene::set();
    let (id, record) = scene.run("before").await;
    scene.redis.kill();
    scene.everything_is_refused(&id).await;
    scene.redis.restart();
    scene.until_ready().await;
    assert_eq!(scene.service.status(&scene.token, &id).await, record);
    scene.run("after").await;
}

#[tokio::test]
async fn what_runs_while_redis_is_away_ends_when_it_is_back() {
    let scene = Scene::set();
    let Scene { service, token, .. } = &scene;
    let code = "import time\nprint('one', flush=True)\ntime.sleep(4)\nprint('two')";
    let body = json!({"code": code, "language": "python", "args": ["outage-marker"]});
    let id = service.submit(token, &body).await;
    let runs = || async { runs_marked(service.id(), "outage-marker").then_some(()) };
    eventually("it runs", runs).await;
    let waiting = service.submit(token, &program("waited")).await;
    scene.redis.kill();
    tokio::time::sleep(OUTAGE).await;
    scene.redis.restart();
    scene.until_ready().await;
    let record = service.final_record(token, &id).await;
    assert_eq!(record["verdict"], "accepted", "{record}");
    assert_eq!(record["output"], "one\ntwo\n");
    assert_eq!(record["attempts"], 1, "the outage was shorter than a lease");
    let mut story = Story::default();
    let close = story.follow(service.watch_since(token, &id, 0).await).await;
    assert_eq!(close, 1000);
    assert!(story.is_gap_free(), "{:?}", story.numbers());
    let waited = service.final_record(token, &waiting).await;
    assert_eq!(waited["output"], "waited\n");
}

#[tokio::test]
async fn a_watcher_whose_redis_dies_is_told_to_come_back_and_misses_nothing() {
    let scene = Scene::set();
    let Scene { service, token, .. } = &scene;
    let code = "import time\nprint('one', flush=True)\ntime.sleep(3)\nprint('two')";
    let body = json!({"code": code, "language": "python"});
    let id = service.submit(token, &body).await;
    let mut story = Story::default();
    let mut socket = service.watch_since(token, &id, 0).await;
    while story.output_by_attempt().is_empty() {
        story.push(socket.next().await.unwrap());
    }
    scene.redis.kill();
    assert_eq!(story.follow(socket).await, 1013);
    scene.redis.restart();
    let mut close = 1013;
    while close == 1013 {
        let since = story.last_number();
        let socket = service.watch_since(token, &id, since).await;
        close = story.follow(socket).await;
    }
    assert_eq!(close, 1000);
    assert!(story.is_gap_free(), "{:?}", story.numbers());
    assert_eq!(story.output_by_attempt()[&1], "one\ntwo\n");
}

#[tokio::test]
async fn a_redis_that_hangs_is_refused_in_time_and_used_again_when_it_goes_on() {
    let scene = Scene::set();
    let (id, _) = scene.run("before").await;
    scene.redis.pause();
    scene.everything_is_refused(&id).await;
    scene.a_watcher_is_sent_away(&id).await;
    scene.redis.resume();
    scene.until_ready().await;
    scene.run("after").await;
}

#[tokio::test]
async fn after_everything_was_deleted_ids_are_unknown_and_all_goes_on() {
    let scene = Scene::set();
    let Scene { service, token, .. } = &scene;
    let (id, _) = scene.run("before").await;
    assert_eq!(scene.redis.command(&["FLUSHALL"]).text(), "OK");
    let gone = service.try_status(token, &id).await;
    assert_eq!(gone.status(), StatusCode::NOT_FOUND);
    let socket = service.watch(token, &id).await;
    assert_eq!(socket.until_closed().await, (Vec::new(), 4004));
    scene.run("after").await;
}

#[tokio::test]
async fn what_runs_when_everything_is_deleted_is_killed_and_its_watcher_is_told() {
    let scene = Scene::set();
    let Scene { service, token, .. } = &scene;
    let code = "import time\ntime.sleep(40)";
    let body = json!({"code": code, "language": "python", "args": ["deleted-marker"], "limits": {"wall_time_ms": 50_000}});
    let id = service.submit(token, &body).await;
    let mut socket = service.watch(token, &id).await;
    socket.until_running().await;
    let runs = || runs_marked(service.id(), "deleted-marker");
    eventually("it runs", || async { runs().then_some(()) }).await;
    assert_eq!(scene.redis.command(&["FLUSHALL"]).text(), "OK");
    assert_eq!(socket.until_closed().await.1, 4004);
    let killed = || async { (!runs()).then_some(()) };
    within(LEASE, "the program is killed", killed).await;
}

async fn store_check(lines: &[&str], append_only: bool) -> Value {
    let redis = RedisServer::with(&RedisOptions {
        append_only,
        lines: lines.iter().map(|line| (*line).to_owned()).collect(),
        ..RedisOptions::default()
    });
    let service = Launch::on(&redis.url()).start();
    let mut ready = service.until_readiness_is(StatusCode::OK).await;
    ready["checks"]["store"].take()
}

#[tokio::test]
async fn a_redis_that_may_lose_records_is_ready_but_degraded_and_says_why() {
    let check = store_check(&["maxmemory-policy allkeys-lru"], false).await;
    assert_eq!(check["status"], "degraded", "{check}");
    let reason = check["reason"].as_str().unwrap();
    for remark in ["maxmemory-policy is allkeys-lru", "append-only file"] {
        assert!(reason.contains(remark), "{reason}");
    }
}

#[tokio::test]
async fn a_redis_that_keeps_everything_is_ok() {
    let check = store_check(&["maxmemory-policy noeviction"], true).await;
    assert_eq!(check["status"], "ok", "{check}");
    assert!(check["reason"].is_null(), "{check}");
}
