//! Searches errors and reports for the address and the key.

use std::fmt::Debug;

use coderun_domain::{CodeRunner, ErrorChain, RunnerError};
use coderun_piston_standin::{PistonStandin, Reply};
use coderun_runner_http::{ApiKey, HttpRunner};
use rstest::rstest;
use serde_json::json;

use crate::support::{answer, run, setup_with};

const KEY: &str = "Bearer t0p-s3cret";

/// A runner that sends the key in this header.
async fn with_key(header: &str) -> (PistonStandin, HttpRunner) {
    setup_with(|config| {
        config.api_key = ApiKey::parse(KEY).ok();
        header.clone_into(&mut config.api_key_header);
        config.start_timeout = std::time::Duration::ZERO;
    })
    .await
}

#[rstest]
#[case("authorization", "x-api-key")]
#[case("X-Api-Key", "authorization")]
#[tokio::test]
async fn every_request_has_the_key_in_the_configured_header_alone(
    #[case] header: &str,
    #[case] other: &str,
) {
    let (piston, runner) = with_key(header).await;
    run(&runner).await.unwrap();
    let requests = piston.requests();
    assert!(requests.iter().all(|it| it.header(header) == Some(KEY)));
    assert!(requests.iter().all(|it| it.header(other).is_none()));
}

#[tokio::test]
async fn no_error_and_no_report_shows_the_address_the_key_or_a_text_of_piston() {
    let (piston, runner) = with_key("authorization").await;
    let secret = format!("{KEY} {} s3cret-body", piston.address());
    let unreadable =
        json!({"run": {"stdout": 1, "stderr": secret}, "language": "x", "version": secret});
    let mut replies = [400, 401, 404, 415, 500, 502, 503]
        .map(|status| Reply::message(status, &secret))
        .to_vec();
    replies.extend([
        Reply::message(400, &format!("{secret} runtime is unknown")),
        Reply::status(302).header("location", &format!("http://{secret}")),
        Reply::json(200, &unreadable),
        Reply::json(200, &secret),
        answer(&json!({"status": secret})),
        answer(&json!({"signal": secret, "code": null})),
        Reply::raw(secret.clone()),
        Reply::reset(),
    ]);
    let mut shown = format!("{runner:?}");
    for reply in replies {
        piston.script([reply]);
        shown += &show(run(&runner).await);
    }
    piston.script_runtimes(Reply::json(200, &json!({"x": secret})));
    shown += &show(runner.check().await);
    drop(piston);
    shown += &show(run(&runner).await);
    shown += &show(runner.check().await);
    for secret in ["s3cret", "127.0.0.1", "http"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

fn show<T: Debug>(result: Result<T, RunnerError>) -> String {
    match result {
        Ok(report) => format!("{report:?}"),
        Err(error) => format!("{error:?} {}", ErrorChain(&error)),
    }
}
