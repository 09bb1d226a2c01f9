//! What every runner promises, whatever it is made of.

use std::sync::Arc;

use coderun_domain::{ByteSize, CodeRunner, Ending, RunnerError, Verdict, testing};

use crate::support::{CollectingIo, Program, TestSandbox};

#[tokio::test]
async fn the_sandbox_can_be_built_here() {
    let sandbox = TestSandbox::start().await;
    sandbox.runner.check().await.unwrap();
}

#[tokio::test]
async fn stdout_stderr_and_exit_code_are_told_apart() {
    let sandbox = TestSandbox::start().await;
    let code = "import sys\nprint('out')\nprint('err', file=sys.stderr)\nsys.exit(7)";
    let ran = sandbox.run("python", code).await;
    assert_eq!(ran.stdout(), "out\n");
    assert_eq!(ran.stderr(), "err\n");
    assert_eq!(ran.report.ending, Some(Ending::Exited(7)));
    assert_eq!(ran.report.verdict, Verdict::RuntimeError);
}

#[tokio::test]
async fn the_profile_is_what_reports_say() {
    let sandbox = TestSandbox::start().await;
    let ran = sandbox.run("python", "pass").await;
    let profile = sandbox.runner.profile();
    assert_eq!(profile.name, ran.report.runner);
    assert_eq!(profile.enforcement, ran.report.enforcement);
}

#[tokio::test]
async fn every_offered_language_runs_its_example() {
    let sandbox = TestSandbox::start().await;
    let languages = sandbox.runner.languages();
    assert!(!languages.is_empty());
    for spec in languages {
        let mut program = Program::new(spec.language.as_str(), &spec.example);
        program.memory = ByteSize::from_mib(256);
        let ran = sandbox.run_program(program).await;
        assert_eq!(
            ran.stdout(),
            "Hello, World!\n",
            "{} {}",
            spec.language,
            ran.stderr()
        );
        assert_eq!(ran.report.verdict, Verdict::Accepted);
        assert_eq!(ran.report.language_version.as_ref(), spec.versions.first());
    }
}

#[tokio::test]
async fn a_language_that_is_not_offered_is_an_error() {
    let sandbox = TestSandbox::start().await;
    let mut languages = sandbox.runner.languages();
    let mut unknown = languages.remove(0);
    unknown.language = testing::language("cobol");
    let request = Program::new("cobol", "x").request(&[unknown]);
    let answer = sandbox
        .runner
        .run(request, &mut CollectingIo::default())
        .await;
    assert!(
        matches!(answer, Err(RunnerError::Unsupported { .. })),
        "{answer:?}"
    );
}

#[tokio::test]
async fn the_submissions_input_is_stdin() {
    let sandbox = TestSandbox::start().await;
    let program = Program::new("python", "print(input()[::-1])").input("stressed\n");
    assert_eq!(sandbox.run_program(program).await.stdout(), "desserts\n");
}

#[tokio::test]
async fn arguments_reach_the_program() {
    let sandbox = TestSandbox::start().await;
    let mut program = Program::new("bash", "printf '%s|' \"$@\"");
    program.draft.args = vec!["a b".to_owned(), String::new(), "-x".to_owned()];
    assert_eq!(sandbox.run_program(program).await.stdout(), "a b||-x|");
}

#[tokio::test]
async fn what_the_compiler_refuses_is_a_compile_error_with_its_words() {
    let sandbox = TestSandbox::start().await;
    let ran = sandbox.run("c", "int main(void) { return x; }").await;
    assert_eq!(ran.report.verdict, Verdict::CompileError);
    assert_eq!(ran.report.ending, None);
    let compile = ran.report.compile.unwrap();
    assert_eq!(compile.ending, Some(Ending::Exited(1)));
    let said = String::from_utf8_lossy(compile.error_output.bytes()).into_owned();
    assert!(said.contains("main.c:1"), "{said}");
    assert!(ran.stdout.is_empty() && ran.stderr.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_at_a_time_see_nothing_of_each_other() {
    let sandbox = Arc::new(TestSandbox::start().await);
    let code = "import os, time\nopen('/tmp/mine', 'x').close()\ntime.sleep(0.3)\nprint(sorted(os.listdir('/tmp')), [p for p in os.listdir('/proc') if p.isdigit()])";
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..2 {
        let sandbox = Arc::clone(&sandbox);
        running.spawn(async move { sandbox.run("python", code).await.stdout().to_owned() });
    }
    while let Some(said) = running.join_next().await {
        assert_eq!(said.unwrap(), "['mine'] ['2']\n");
    }
}

#[tokio::test]
async fn a_report_says_what_was_enforced() {
    let sandbox = TestSandbox::start().await;
    let enforcement = sandbox.run("bash", ":").await.report.enforcement;
    for control in [
        enforcement.cpu,
        enforcement.memory,
        enforcement.processes,
        enforcement.network,
        enforcement.filesystem,
        enforcement.output,
    ] {
        assert!(control.is_some());
    }
}
