//! What must never be told: where Piston is, and how it knows us.

use std::fmt::Write as _;

use coderun_domain::{CodeRunner, ErrorChain};
use coderun_runner_http::{ApiKey, HttpRunnerConfig};
use serde_json::json;

use crate::support::server::{Piston, Reply};
use crate::support::{config, run, start};

const KEY: &str = "Bearer t0p-s3cret";

fn with_key(piston: &Piston) -> HttpRunnerConfig {
    HttpRunnerConfig {
        api_key: Some(ApiKey::parse(KEY).unwrap()),
        start_timeout: std::time::Duration::ZERO,
        ..config(piston)
    }
}

#[tokio::test]
async fn the_key_goes_with_every_request_in_the_header_that_was_set() {
    let piston = Piston::start().await;
    let runner = start(with_key(&piston)).await;
    run(&runner).await.unwrap();
    assert!(
        piston
            .seen()
            .iter()
            .all(|seen| seen.header("authorization") == Some(KEY))
    );
    let piston = Piston::start().await;
    let runner = start(HttpRunnerConfig {
        api_key_header: "X-Api-Key".to_owned(),
        ..with_key(&piston)
    })
    .await;
    run(&runner).await.unwrap();
    assert!(
        piston
            .seen()
            .iter()
            .all(|seen| seen.header("x-api-key") == Some(KEY))
    );
    assert!(
        piston
            .seen()
            .iter()
            .all(|seen| seen.header("authorization").is_none())
    );
}

#[tokio::test]
async fn without_a_key_there_is_no_header() {
    let piston = Piston::start().await;
    let runner = start(config(&piston)).await;
    run(&runner).await.unwrap();
    assert!(
        piston
            .seen()
            .iter()
            .all(|seen| seen.header("authorization").is_none())
    );
}

#[tokio::test]
async fn no_error_and_no_report_tells_the_address_the_key_or_what_piston_said() {
    let piston = Piston::start().await;
    let runner = start(with_key(&piston)).await;
    let gossip = format!("{KEY} {} s3cret-body", piston.address());
    let mut told = format!("{runner:?} {:?}", with_key(&piston));
    let replies = [
        Reply::json(400, &json!({"message": gossip})),
        Reply::json(
            400,
            &json!({"message": format!("{gossip} runtime is unknown")}),
        ),
        Reply::json(401, &json!({"message": gossip})),
        Reply::json(404, &json!({"message": gossip})),
        Reply::json(415, &json!({"message": gossip})),
        Reply::json(500, &json!({"message": gossip})),
        Reply::json(502, &json!({"message": gossip})),
        Reply::json(503, &json!({"message": gossip})),
        Reply::with(302, &format!("location: http://{gossip}\r\n"), b""),
        Reply::json(
            200,
            &json!({"run": {"stdout": 1, "stderr": gossip}, "language": "x", "version": gossip}),
        ),
        Reply::json(200, &json!(gossip)),
        crate::support::answer(&json!({"status": gossip})),
        crate::support::answer(&json!({"signal": gossip, "code": null})),
        Reply::ThenClose(gossip.clone().into_bytes()),
        Reply::Reset,
    ];
    for reply in replies {
        piston.next([reply]);
        tell(&mut told, run(&runner).await);
    }
    piston.runtimes(Reply::json(200, &json!({"x": gossip})));
    tell(&mut told, runner.check().await);
    drop(piston);
    tell(&mut told, run(&runner).await);
    tell(&mut told, runner.check().await);
    for secret in ["s3cret", "127.0.0.1", "http"] {
        assert!(!told.contains(secret), "{secret} in {told}");
    }
}

fn tell<T: std::fmt::Debug>(told: &mut String, answer: Result<T, coderun_domain::RunnerError>) {
    match answer {
        Ok(report) => writeln!(told, "{report:?}").unwrap(),
        Err(error) => writeln!(told, "{error:?} {}", ErrorChain(&error)).unwrap(),
    }
}
