//! Checks that a runner tells truly what it offers and enforces.

use coderun_domain::testing::language;
use coderun_domain::{RunnerError, Verdict};

use super::RunnerUnderTest;
use super::interactive_io::closed_io;
use super::program::Program;
use crate::fixtures::within;

/// A runner that works passes its own check.
pub async fn check_succeeds_on_a_working_runner(under_test: RunnerUnderTest) {
    within(under_test.runner.check()).await.unwrap();
}

/// Every offered language works, in its first version.
pub async fn every_offered_language_runs_its_example_and_tells_its_version(
    under_test: RunnerUnderTest,
) {
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
        let (name, errors) = (&spec.language, ran.stderr());
        assert_eq!(
            ran.stdout(),
            "Hello, World!\n",
            "{name} {errors} {:?}",
            ran.report
        );
        assert_eq!(ran.report.verdict, Verdict::Accepted, "{name}");
        // The tool may follow, as in `17 (gcc 12.2.0)`.
        let told = ran.report.language_version.unwrap_or_default();
        let version = spec.versions.first().map_or("", String::as_str);
        assert_eq!(told.split(' ').next(), Some(version), "{name}");
    }
}

/// A language that is not offered is an error, not a report: another runner may have it.
pub async fn a_language_that_is_not_offered_is_an_error(under_test: RunnerUnderTest) {
    let mut unknown = under_test.runner.languages().remove(0);
    unknown.language = language("no-such-language");
    let program = Program::new("no-such-language", "x");
    let limits = program.limits(&*under_test.runner);
    let request = program.request_for(vec![unknown], limits, 1);
    let answer = under_test.runner.run(request, &mut closed_io().0).await;
    assert!(
        matches!(answer, Err(RunnerError::Unsupported { .. })),
        "{answer:?}"
    );
}

/// Reports name the runner and what it enforces as its profile does.
pub async fn reports_match_the_profile(under_test: RunnerUnderTest) {
    let report = under_test.run(&Program::python("pass")).await.report;
    let profile = under_test.runner.profile();
    assert_eq!(profile.name, report.runner);
    assert_eq!(profile.enforcement, report.enforcement);
}
