//! What is known of Piston, and how it is kept current.

use std::time::Duration;

use coderun_domain::{CodeRunner, RunnerError};
use coderun_runner_http::{ConfigError, HttpRunner, HttpRunnerConfig};
use serde_json::json;

use crate::support::server::{Piston, Reply, runtimes};
use crate::support::{config, eventually, piston_config, request, run, runner, start};

fn names(runner: &HttpRunner) -> Vec<String> {
    let languages = runner.languages();
    let names = languages.iter().map(|spec| spec.language.to_string());
    names.collect()
}

async fn refreshing(piston: &Piston, refresh_interval: Duration) -> HttpRunner {
    start(HttpRunnerConfig {
        refresh_interval,
        ..config(piston)
    })
    .await
}

#[tokio::test]
async fn languages_are_known_when_the_runner_has_started() {
    let piston = Piston::start().await;
    let runner = runner(&piston).await;
    assert_eq!(names(&runner), ["python", "c"]);
    assert_eq!(runner.languages()[0].versions, ["3.12.0", "3.9.4"]);
}

#[tokio::test]
async fn a_setting_that_cannot_work_stops_the_start() {
    let start = |config| HttpRunner::piston(config, piston_config());
    let bad = HttpRunnerConfig::new("piston:2000");
    assert_eq!(start(bad).await.err(), Some(ConfigError::BaseUrl));
    let bad = HttpRunnerConfig {
        concurrency: 65,
        ..HttpRunnerConfig::new("http://piston:2000")
    };
    let refused = start(bad).await.err();
    assert!(matches!(refused, Some(ConfigError::Concurrency { .. })));
}

#[tokio::test]
async fn a_runner_starts_while_piston_is_away_and_finds_it_later() {
    let piston = Piston::start().await;
    let (address, config) = (piston.address(), config(&piston));
    drop(piston);
    let runner = start(config).await;
    assert_eq!(names(&runner), [] as [&str; 0]);
    let checked = runner.check().await;
    assert!(
        matches!(checked, Err(RunnerError::Unavailable { .. })),
        "{checked:?}"
    );
    let refused = run(&runner).await;
    assert!(
        matches!(refused, Err(RunnerError::Unavailable { .. })),
        "not unsupported: {refused:?}"
    );
    let _piston = Piston::at(address).await;
    eventually("it is there", || names(&runner) == ["python", "c"]).await;
}

#[tokio::test]
async fn a_new_list_is_taken_over_by_itself() {
    let piston = Piston::start().await;
    let runner = refreshing(&piston, Duration::from_millis(20)).await;
    piston.runtimes(Reply::json(
        200,
        &json!([{"language": "c++", "version": "10.2.0"}]),
    ));
    eventually("the list is new", || names(&runner) == ["cpp"]).await;
}

#[tokio::test]
async fn what_is_no_list_or_an_empty_one_leaves_the_old_one() {
    let piston = Piston::start().await;
    let runner = runner(&piston).await;
    for nonsense in ["[]", "<html>", "{}", "[7]"] {
        piston.runtimes(Reply::with(200, "", nonsense.as_bytes()));
        piston.next([Reply::status(500)]);
        assert!(run(&runner).await.is_err(), "so that it is looked at again");
        assert!(runner.check().await.is_err(), "{nonsense}");
        assert_eq!(names(&runner), ["python", "c"], "{nonsense}");
        piston.next([]);
    }
}

#[tokio::test]
async fn a_list_that_nobody_confirms_is_given_up_at_last() {
    let piston = Piston::start().await;
    let runner = refreshing(&piston, Duration::from_millis(30)).await;
    piston.runtimes(Reply::status(500));
    eventually("nothing is offered", || runner.languages().is_empty()).await;
    piston.runtimes(Reply::json(200, &runtimes()));
    eventually("it is offered again", || names(&runner) == ["python", "c"]).await;
}

#[tokio::test]
async fn nothing_is_asked_any_more_when_the_runner_is_gone() {
    let piston = Piston::start().await;
    piston.always(Reply::Hang);
    let runner = refreshing(&piston, Duration::from_millis(500)).await;
    let mut listener = crate::support::Listener::default();
    tokio::select! {
        _ = runner.run(request(), &mut listener) => panic!("it hangs"),
        () = piston.wait_for_programs(1) => {}
    }
    drop(runner);
    let tasks = || {
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks()
    };
    // What is left are the listener, its connections, and the client's own tasks for those.
    drop(piston);
    eventually("all tasks are gone", || tasks() == 0).await;
}

#[tokio::test]
async fn a_list_that_is_too_long_is_not_read() {
    let piston = Piston::start().await;
    let entry = json!({"language": "l".repeat(1000), "version": "1.0.0", "aliases": []});
    piston.runtimes(Reply::json(200, &json!(vec![entry; 300])));
    let runner = runner(&piston).await;
    let checked = runner.check().await;
    assert!(
        matches!(&checked, Err(RunnerError::Unavailable { reason, .. }) if reason.contains("larger than 256 KiB")),
        "{checked:?}"
    );
}
