//! Follows what a Piston offers, also while it comes and goes.

use std::time::Duration;

use coderun_domain::CodeRunner;
use coderun_domain::testing::CollectingIo;
use coderun_piston_standin::{PistonStandin, Reply};
use coderun_runner_http::{ConfigError, HttpRunner, HttpRunnerConfig};
use serde_json::json;

use crate::support::{
    assert_unavailable, config, eventually, piston_config, request, run, setup, setup_with, start,
    start_piston, start_piston_on,
};

fn names(runner: &HttpRunner) -> Vec<String> {
    let languages = runner.languages();
    let names = languages.iter().map(|spec| spec.language.to_string());
    names.collect()
}

async fn refreshing_every(interval: Duration) -> (PistonStandin, HttpRunner) {
    setup_with(|config| config.refresh_interval = interval).await
}

#[tokio::test]
async fn languages_are_known_when_the_runner_has_started() {
    let (_piston, runner) = setup().await;
    assert_eq!(names(&runner), ["python", "c"]);
    assert_eq!(runner.languages()[0].versions, ["3.12.0", "3.9.4"]);
}

#[tokio::test]
async fn a_setting_that_cannot_work_stops_the_start() {
    let bad = HttpRunnerConfig {
        concurrency: 65,
        ..HttpRunnerConfig::new("http://piston:2000")
    };
    let refused = HttpRunner::piston(bad, piston_config()).await.err();
    assert!(matches!(refused, Some(ConfigError::Concurrency { .. })));
}

#[tokio::test]
async fn a_runner_starts_without_its_piston_and_finds_it_later() {
    let piston = start_piston().await;
    let (address, config) = (piston.address(), config(&piston));
    drop(piston);
    let runner = start(config).await;
    assert_eq!(names(&runner), [] as [&str; 0]);
    assert_unavailable(runner.check().await, "");
    assert_unavailable(run(&runner).await, "its languages are not known");
    let _piston = start_piston_on(address.port()).await;
    eventually("it is found", || names(&runner) == ["python", "c"]).await;
}

#[tokio::test]
async fn a_new_list_replaces_the_old_one() {
    let (piston, runner) = refreshing_every(Duration::from_millis(20)).await;
    let list = json!([{"language": "c++", "version": "10.2.0"}]);
    piston.script_runtimes(Reply::json(200, &list));
    eventually("the list is new", || names(&runner) == ["cpp"]).await;
}

#[tokio::test]
async fn a_list_that_cannot_be_used_leaves_the_old_one() {
    let (piston, runner) = setup().await;
    for list in ["[]", "<html>", "{}", "[7]"] {
        piston.script_runtimes(Reply::status(200).body(list));
        piston.script([Reply::status(500)]);
        assert!(
            run(&runner).await.is_err(),
            "so that the list is read again"
        );
        assert!(runner.check().await.is_err(), "{list}");
        assert_eq!(names(&runner), ["python", "c"], "{list}");
    }
}

#[tokio::test]
async fn a_runtime_that_is_gone_is_unsupported_and_the_list_is_read_again() {
    let (piston, runner) = setup().await;
    piston.script([Reply::message(400, "python-3.12.0 runtime is unknown")]);
    let list = json!([{"language": "c", "version": "10.2.0"}]);
    piston.script_runtimes(Reply::json(200, &list));
    let refused = run(&runner).await.unwrap_err();
    assert!(!refused.is_transient(), "{refused:?}");
    eventually("the list is new", || names(&runner) == ["c"]).await;
}

#[tokio::test]
async fn a_dropped_runner_leaves_no_task() {
    let (piston, runner) = refreshing_every(Duration::from_millis(500)).await;
    piston.script_all(Reply::never());
    let mut io = CollectingIo::default();
    tokio::select! {
        _ = runner.run(request(), &mut io) => panic!("there is no answer"),
        () = piston.wait_for_programs(1) => {}
    }
    drop(runner);
    // The listener, its connections and the client's own tasks end with this.
    drop(piston);
    let metrics = tokio::runtime::Handle::current().metrics();
    eventually("all tasks are gone", || metrics.num_alive_tasks() == 0).await;
}
