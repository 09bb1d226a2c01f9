//! Tests the whole service with Firebase users, Piston as the runner, and state in Redis.

use coderun_piston_standin::{Behavior, PistonLimits, PistonStandin, Reply, StandinOptions};
use coderun_redis_fixture::RedisServer;
use coderun_runner_sandbox::SandboxConfig;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::firebase::{FirebaseProject, PROJECT};
use crate::support::{Launch, Service, dump, eventually};

/// The key of the service at Piston.
const API_KEY: &str = "Bearer a-secret-of-the-operator";

/// The third parties of a service, and the environment of its processes.
struct ThirdParties {
    firebase: FirebaseProject,
    piston: PistonStandin,
    redis: RedisServer,
    launch: Launch,
}

impl ThirdParties {
    async fn new() -> Self {
        let sandbox = SandboxConfig {
            launcher: env!("CARGO_BIN_EXE_coderun").into(),
            ..SandboxConfig::default()
        };
        let piston = PistonStandin::start(StandinOptions {
            sandbox: Some(sandbox),
            limits: PistonLimits {
                output_max_size_bytes: 64 << 10,
                ..PistonLimits::STOCK
            },
            required_header: Some(("X-Piston-Key".to_owned(), API_KEY.to_owned())),
            ..StandinOptions::default()
        });
        let piston = piston.await.expect("a Piston");
        let (firebase, redis) = (FirebaseProject::start(), RedisServer::start());
        let launch = Launch::on(&redis.url())
            .with("FIREBASE_PROJECT_ID", PROJECT)
            .with("FIREBASE_JWKS_URL", &firebase.keys_url())
            .with("RUNNER", "piston")
            .with("CODE_EXECUTION_API_URL", &piston.api_url())
            .with("CODE_EXECUTION_API_KEY", API_KEY)
            .with("CODE_EXECUTION_API_KEY_HEADER", "X-Piston-Key")
            .with("PISTON_OUTPUT_MAX", "64KiB")
            .with("RUST_LOG", "trace")
            // Nothing listens there: third parties are called without a proxy.
            .with("HTTP_PROXY", "http://127.0.0.1:9");
        Self {
            firebase,
            piston,
            redis,
            launch,
        }
    }

    /// Third parties, a ready service with both roles, and a token of a user.
    async fn with_service() -> (Self, Service, String) {
        let parties = Self::new().await;
        let service = parties.start("all").await;
        let token = parties.firebase.token("alice");
        (parties, service, token)
    }

    /// Starts a process of this role and waits until it is ready.
    async fn start(&self, role: &str) -> Service {
        let service = self.launch.role(role).start();
        service.until_readiness_is(StatusCode::OK).await;
        service
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_of_firebase_runs_a_program_on_piston_and_watches_it_from_another_process() {
    let parties = ThirdParties::new().await;
    let worker = parties.start("worker").await;
    let api = parties.start("api").await;
    let token = parties.firebase.token("alice");

    let who = api.read("/api/v1/auth/verify", &token).await;
    assert_eq!(who["user"]["uid"], "alice");
    assert_eq!(who["user"]["email"], "alice@example.com");

    let body = json!({
        "code": "import sys\nprint('Hello', input())\nprint('oh', file=sys.stderr)",
        "language": "py",
        "input_data": "ThirdParties",
    });
    let id = api.submit(&token, &body).await;
    let (messages, close) = api.watch_since(&token, &id, 0).await.until_closed().await;
    assert_eq!(close, 1000);
    let last = &messages.last().unwrap()["data"];
    assert_eq!(last["status"], "completed");

    let record = api.status(&token, &id).await;
    assert_eq!(record["user_id"], "alice");
    assert_eq!(record["language"], "python");
    assert_eq!(record["verdict"], "accepted");
    assert_eq!(record["output"], "Hello ThirdParties\n");
    assert_eq!(record["error_output"], "oh\n");
    assert_eq!(record["runner"], "piston");
    assert_eq!(record["attempts"], 1);
    assert_eq!(parties.firebase.fetches(), 1);

    let mallory = parties.firebase.token("mallory");
    let answer = api.try_status(&mallory, &id).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    drop(worker);
}

#[tokio::test(flavor = "multi_thread")]
async fn submissions_are_held_to_the_limits_of_piston() {
    let (parties, service, token) = ThirdParties::with_service().await;
    let offered = service.read("/api/v1/languages", &token).await;
    let languages = offered["languages"].as_array().unwrap();
    let python = languages.iter().find(|it| it["name"] == "python").unwrap();
    assert_eq!(python["maximum_limits"]["wall_time_ms"], 3000);

    let limits = json!({"wall_time_ms": 3001});
    let body = json!({"code": "print(1)", "language": "python", "limits": limits});
    let refusal = service.try_submit(&token, &body).await;
    assert_eq!(refusal.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let problem: Value = refusal.json().await.unwrap();
    assert_eq!(problem["errors"][0]["pointer"], "/limits/wall_time_ms");
    assert_eq!(problem["errors"][0]["detail"], "must be at most 3000");
    assert_eq!(parties.piston.running(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_gets_its_hint_on_piston_too() {
    let (_parties, service, token) = ThirdParties::with_service().await;
    let body = json!({"code": "total = 1\nprint(totl)", "language": "python"});
    let record = service.run(&token, &body).await;
    assert_eq!(record["verdict"], "runtime_error");
    let hint = record["hint"].as_str().unwrap();
    assert!(hint.starts_with("The name `totl` is not known"), "{hint}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submission_too_large_for_piston_is_rejected_with_both_sizes() {
    let (parties, service, token) = ThirdParties::with_service().await;
    let begun = parties.piston.programs().len();
    let code = format!("print(1) # {}", "x".repeat(110 * 1024));
    let record = service
        .run(&token, &json!({"code": code, "language": "python"}))
        .await;
    assert_eq!(record["verdict"], "rejected");
    let hint = record["hint"].as_str().unwrap();
    assert!(hint.contains("102400"), "{hint}");
    assert_eq!(parties.piston.programs().len(), begun);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_of_piston_is_retried_once() {
    let (parties, service, token) = ThirdParties::with_service().await;
    let body = json!({"code": "print('again')", "language": "python"});
    let lost = || Behavior::RunThenReply(Reply::reset());

    let begun = parties.piston.programs().len();
    parties.piston.script([lost()]);
    let record = service.run(&token, &body).await;
    assert_eq!(record["output"], "again\n");
    assert_eq!(record["attempts"], 2);
    assert_eq!(parties.piston.programs().len(), begun + 2);

    parties.piston.script([lost(), lost()]);
    let record = service.run(&token, &body).await;
    assert_eq!(record["verdict"], "internal_error");
    assert_eq!(record["attempts"], 2);
    assert_eq!(parties.piston.programs().len(), begun + 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_piston_is_retried() {
    let (parties, service, token) = ThirdParties::with_service().await;
    let busy = || Reply::status(429).header("retry-after", "1");
    parties.piston.script([busy(), busy()]);
    let body = json!({"code": "print('at last')", "language": "python"});
    let record = service.run(&token, &body).await;
    assert_eq!(record["output"], "at last\n");
    assert_eq!(record["attempts"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_program_on_piston_is_final_within_two_seconds() {
    let (parties, service, token) = ThirdParties::with_service().await;
    parties.piston.script([Reply::never()]);
    let body = json!({"code": "print('never')", "language": "python"});
    let id = service.submit(&token, &body).await;
    eventually("the program is on Piston", || async {
        (!parties.piston.programs().is_empty()).then_some(())
    })
    .await;
    let cancelled_at = std::time::Instant::now();
    service.cancel(&token, &id).await;
    let record = service.final_record(&token, &id).await;
    assert!(cancelled_at.elapsed() < std::time::Duration::from_secs(2));
    assert_eq!(record["verdict"], "cancelled");
    assert_eq!(record["enforcement"]["cancel"], "abandoned");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_never_goes_back_while_an_execution_is_tried_again() {
    let (parties, service, token) = ThirdParties::with_service().await;
    let refused = Reply::status(429).header("retry-after", "3600");
    parties.piston.script([refused]);
    let body = json!({"code": "print('again')", "language": "python"});
    let id = service.submit(&token, &body).await;
    let socket = service.watch_since(&token, &id, 0).await;
    let (messages, _) = socket.until_closed().await;
    let updates = messages.iter();
    let updates = updates.filter(|it| it["type"] == "execution_update");
    let statuses: Vec<_> = updates
        .map(|it| format!("{} {}", it["data"]["status"], it["data"]["attempts"]).replace('"', ""))
        .collect();
    // Piston is asked again at once, though it asked for an hour.
    let expected = [
        "pending 0",
        "running 1",
        "running 1",
        "running 2",
        "completed 2",
    ];
    assert_eq!(statuses, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_is_not_ready_while_piston_is_down() {
    let parties = ThirdParties::new().await;
    parties.piston.script_runtimes(Reply::status(500));
    let service = parties.launch.start();
    let seen = service
        .until_readiness_is(StatusCode::SERVICE_UNAVAILABLE)
        .await;
    assert_eq!(seen["checks"]["runner"]["status"], "failing");
    parties.piston.recover();
    service.until_readiness_is(StatusCode::OK).await;
    let token = parties.firebase.token("alice");
    let body = json!({"code": "print('back')", "language": "python"});
    let answer = eventually("languages are known", || async {
        let answer = service.try_submit(&token, &body).await;
        answer.status().is_success().then_some(answer)
    });
    let accepted: Value = answer.await.json().await.unwrap();
    let id = accepted["execution_id"].as_str().unwrap();
    let record = service.final_record(&token, id).await;
    assert_eq!(record["output"], "back\n");
}

/// Neither the token nor the key nor the address of Piston may show, whatever fails, even at level `trace`.
#[tokio::test(flavor = "multi_thread")]
async fn no_record_event_error_or_log_line_holds_a_secret() {
    let (parties, mut service, token) = ThirdParties::with_service().await;
    let body = json!({"code": "print('x')", "language": "python"});
    let mut seen = String::new();
    let faults = [
        Behavior::Run,
        Reply::json(400, &json!({"message": "no"})).into(),
        Reply::status(401).into(),
        Reply::status(404).into(),
        Reply::status(415).into(),
        Reply::status(500).into(),
        Reply::status(502).body("<html>").into(),
        Reply::status(200).body("<html>").into(),
        Reply::status(200).into(),
        Reply::json(200, &json!({"run": {"stdout": 7}})).into(),
        Reply::status(200).body(b"\xff").into(),
        Reply::reset().into(),
        Reply::success("x").truncated().into(),
    ];
    for fault in faults {
        parties.piston.recover();
        parties.piston.script([fault]);
        let id = service.submit(&token, &body).await;
        let socket = service.watch_since(&token, &id, 0).await;
        let (messages, _) = socket.until_closed().await;
        seen.extend(messages.iter().map(Value::to_string));
        seen += &service.status(&token, &id).await.to_string();
    }
    let refused = parties.firebase.expired_token("alice");
    let refusal = service.try_status(&refused, "none").await;
    assert_eq!(refusal.status(), StatusCode::UNAUTHORIZED);
    seen += &refusal.text().await.unwrap();
    seen += &service.readiness().await.1.to_string();
    seen.extend(dump(&parties.redis).into_iter().flat_map(<[_; 2]>::from));
    assert!(seen.contains(":e:"), "{seen}");
    service.signal("TERM");
    service.ended().await;
    seen += &service.log();

    let signature = |token: &str| token.rsplit('.').next().unwrap().to_owned();
    let port = parties.piston.address().port();
    let secrets = [
        signature(&token),
        signature(&refused),
        "a-secret-of-the-operator".to_owned(),
        parties.piston.url(),
        parties.piston.address().to_string(),
        format!("port {port}"),
    ];
    assert!(seen.contains("accepted") && seen.contains("listening"));
    for secret in secrets {
        let at = seen.find(&secret);
        let around = at.map(|at| &seen[at.saturating_sub(200)..at]);
        assert_eq!(around, None, "followed by {secret}");
    }
}
