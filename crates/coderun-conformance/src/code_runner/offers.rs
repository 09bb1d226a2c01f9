//! Checks that a runner tells truly what it offers and enforces.

use coderun_domain::testing::language;
use coderun_domain::{RunnerError, Verdict};

use super::RunnerSetup;
use super::program::{Listener, Program};
use crate::fixtures::within;

/// A runner that works says so.
pub async fn a_good_runner_says_so(setup: RunnerSetup) {
    let under_test = setup.runner().await;
    within(under_test.runner.check()).await.unwrap();
}

/// Every language that is offered works, in the version that is its first.
pub async fn every_offered_language_runs_its_example_and_tells_its_version(setup: RunnerSetup) {
    let under_test = setup.runner().await;
    let languages = under_test.runner.languages();
    for wanted in ["python", "c"] {
        assert!(
            { &languages }
                .iter()
                .any(|spec| spec.language.as_str() == wanted),
            "{wanted}"
        );
    }
    for spec in languages {
        let program = Program::new(spec.language.as_str(), &spec.example);
        let ran = under_test.run(&program).await;
        let (name, said) = (&spec.language, ran.stderr());
        assert_eq!(
            ran.stdout(),
            "Hello, World!\n",
            "{name} {said} {:?}",
            ran.report
        );
        assert_eq!(ran.report.verdict, Verdict::Accepted, "{name}");
        assert_eq!(
            ran.report.language_version.as_ref(),
            spec.versions.first(),
            "{name}"
        );
    }
}

/// What is not offered is an error, and no report: another runner may have it.
pub async fn a_language_that_is_not_offered_is_an_error(setup: RunnerSetup) {
    let under_test = setup.runner().await;
    let mut unknown = under_test.runner.languages().remove(0);
    unknown.language = language("no-such-language");
    let program = Program::new("no-such-language", "x");
    let limits = program.limits(&under_test);
    let request = program.request_for(vec![unknown], limits, 1);
    let answer = under_test
        .runner
        .run(request, &mut Listener::default())
        .await;
    assert!(
        matches!(answer, Err(RunnerError::Unsupported { .. })),
        "{answer:?}"
    );
}

/// What the runner says that it is and enforces is what stands in its reports.
pub async fn the_profile_is_what_reports_say(setup: RunnerSetup) {
    let under_test = setup.runner().await;
    let report = under_test.run(&Program::python("pass")).await.report;
    let profile = under_test.runner.profile();
    assert_eq!(profile.name, report.runner);
    assert_eq!(profile.enforcement, report.enforcement);
}
