//! What is known of Piston, and how it is kept current.

use std::time::Duration;

use coderun_domain::{ByteSize, CodeRunner, RunnerError};
use coderun_runner_http::{ConfigError, PistonConfig, PistonRunner};
use serde_json::json;

use crate::support::server::{Piston, Reply, runtimes};
use crate::support::{config, eventually, request, run, runner, start};

fn names(runner: &PistonRunner) -> Vec<String> {
    let languages = runner.languages();
    let names = languages.iter().map(|spec| spec.language.to_string());
    names.collect()
}

async fn refreshing(piston: &Piston, refresh_interval: Duration) -> PistonRunner {
    start(PistonConfig {
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
    let bad = PistonConfig::new("piston:2000");
    assert_eq!(
        PistonRunner::start(bad).await.err(),
        Some(ConfigError::BaseUrl)
    );
    let bad = PistonConfig {
        concurrency: 65,
        ..PistonConfig::new("http://piston:2000")
    };
    let refused = PistonRunner::start(bad).await.err();
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
async fn limits_are_found_out_without_running_anything_and_are_kept_to() {
    let piston = Piston::start().await;
    piston.configure_run_timeout(3000);
    let runner = runner(&piston).await;
    let maximum = runner.maximum_limits().unwrap();
    assert_eq!(maximum.run.wall_time(), Duration::from_secs(3));
    assert_eq!(maximum.run.memory(), ByteSize::from_bytes(u64::MAX));
    assert_eq!(maximum.storage.output(), ByteSize::from_mib(4));
    assert!(piston.programs().is_empty());
    run(&runner).await.unwrap();
    assert_eq!(piston.programs()[0].json()["run_timeout"], 3000);
}

#[tokio::test]
async fn limits_are_asked_for_again_when_piston_was_away() {
    let piston = Piston::start().await;
    let runner = refreshing(&piston, Duration::from_millis(50)).await;
    let address = piston.address();
    drop(piston);
    while runner.check().await.is_ok() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let piston = Piston::at(address).await;
    piston.configure_run_timeout(1234);
    let limit = Duration::from_millis(1234);
    let is_known = || {
        runner
            .maximum_limits()
            .is_some_and(|it| it.run.wall_time() == limit)
    };
    eventually("the new limit is known", is_known).await;
}

#[tokio::test]
async fn the_cap_on_output_is_found_out_by_one_program() {
    let piston = Piston::start().await;
    let cut =
        json!({"stdout": "x".repeat(1024), "code": null, "status": "OL", "signal": "SIGKILL"});
    piston.next([crate::support::answer(&cut)]);
    let runner = start(PistonConfig {
        output_max: None,
        ..refreshing_config(&piston)
    })
    .await;
    let maximum = runner.maximum_limits().unwrap();
    assert_eq!(maximum.storage.output(), ByteSize::from_kib(1));
    eventually("it is looked at again", || {
        piston.count_of("/api/v2/runtimes") > 3
    })
    .await;
    assert_eq!(piston.programs().len(), 1);
}

fn refreshing_config(piston: &Piston) -> PistonConfig {
    PistonConfig {
        refresh_interval: Duration::from_millis(1100),
        ..config(piston)
    }
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
async fn a_runtime_that_is_listed_and_unknown_does_not_hide_the_limits_of_others() {
    let piston = Piston::start().await;
    piston.configure_run_timeout(3000);
    piston.forget("python");
    let runner = runner(&piston).await;
    let maximum = runner.maximum_limits().unwrap();
    assert_eq!(maximum.run.wall_time(), Duration::from_secs(3));
}

#[tokio::test]
async fn a_list_that_is_too_long_is_not_read() {
    let piston = Piston::start().await;
    let entry = json!({"language": "l".repeat(1000), "version": "1.0.0", "aliases": []});
    piston.runtimes(Reply::json(200, &json!(vec![entry; 300])));
    let runner = runner(&piston).await;
    let checked = runner.check().await;
    assert!(
        matches!(&checked, Err(RunnerError::Unavailable { reason, .. }) if reason.contains("too long")),
        "{checked:?}"
    );
}
