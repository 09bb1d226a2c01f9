use coderun_domain::{
    Enforcement, ExitStatus, Outcome, OutcomeParts, Report, Signal, StageLimits, testing,
};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};
use std::time::Duration;

use super::*;

fn limits() -> Limits {
    *testing::limit_policy().default_limits()
}

/// A stage that ended well, with these changes.
fn stage(changes: &Value) -> Value {
    let mut stage = json!({
        "stdout": "out", "stderr": "err", "output": "outerr", "code": 0, "signal": null, "message": null,
        "status": null, "cpu_time": 11, "wall_time": 29.5, "memory": 1_204_000,
    });
    for (name, value) in changes.as_object().unwrap() {
        stage[name] = value.clone();
    }
    stage
}

fn read_answer(answer: &Value) -> Result<RunResult, ApiError> {
    read(answer.to_string().as_bytes(), &limits())
}

fn run(changes: &Value) -> Result<RunResult, ApiError> {
    read_answer(&json!({"run": stage(changes), "language": "python", "version": "3.12.0"}))
}

fn compiled(compile: &Value, run: &Value) -> RunResult {
    let answer = json!({"compile": compile, "run": run, "language": "c", "version": "10.2.0"});
    read_answer(&answer).unwrap()
}

fn signaled_by(number: i32) -> ExitStatus {
    ExitStatus::Signaled(Signal::from_number(number))
}

const fn exited(code: i32) -> ExitStatus {
    ExitStatus::Exited(code)
}

/// 256 MiB, less 5 %.
const NEAR_LIMIT: u64 = 255_013_683;

#[rstest]
#[case::well(json!({}), Verdict::Accepted, Some(exited(0)))]
#[case::exit_code(json!({"code": 3, "status": "RE"}), Verdict::RuntimeError, Some(exited(3)))]
#[case::exit_code_without_status(json!({"code": 3}), Verdict::RuntimeError, Some(exited(3)))]
#[case::unknown_status(json!({"code": 3, "status": "NEW"}), Verdict::RuntimeError, Some(exited(3)))]
#[case::unknown_status_with_code_0(json!({"status": "OK"}), Verdict::Accepted, Some(exited(0)))]
#[case::signal(json!({"code": null, "status": "SG", "signal": "SIGSEGV"}), Verdict::RuntimeError, Some(signaled_by(11)))]
#[case::signal_without_status(json!({"code": null, "signal": "SIGABRT"}), Verdict::RuntimeError, Some(signaled_by(6)))]
#[case::signal_with_code_0(json!({"code": 0, "signal": "SIGSEGV"}), Verdict::RuntimeError, Some(signaled_by(11)))]
#[case::signal_with_another_code(json!({"code": 1, "status": "RE", "signal": "SIGKILL"}), Verdict::RuntimeError, Some(signaled_by(9)))]
#[case::unknown_signal(json!({"code": 0, "signal": "SIGNOPE"}), Verdict::RuntimeError, None)]
#[case::signal_number_0(json!({"code": null, "signal": "SIG0"}), Verdict::RuntimeError, None)]
#[case::signal_far_away(json!({"code": null, "signal": "SIGRTMIN+2147483647"}), Verdict::RuntimeError, None)]
#[case::signal_without_name(json!({"code": null, "status": "SG"}), Verdict::RuntimeError, None)]
#[case::real_time_signal(json!({"code": null, "status": "SG", "signal": "SIGRTMIN+3"}), Verdict::RuntimeError, Some(signaled_by(37)))]
#[case::last_signal(json!({"code": null, "status": "SG", "signal": "SIGRTMAX"}), Verdict::RuntimeError, Some(signaled_by(64)))]
#[case::time(json!({"code": null, "status": "TO", "signal": "SIGKILL"}), Verdict::TimeLimit, Some(signaled_by(9)))]
#[case::time_seen_late(json!({"code": 0, "status": "TO", "signal": "SIGKILL"}), Verdict::TimeLimit, Some(signaled_by(9)))]
#[case::cpu_signal(json!({"code": null, "status": "SG", "signal": "SIGXCPU"}), Verdict::TimeLimit, Some(signaled_by(24)))]
#[case::forbidden_call(json!({"code": null, "status": "SG", "signal": "SIGSYS"}), Verdict::SecurityViolation, Some(signaled_by(31)))]
#[case::output(json!({"code": null, "status": "OL", "signal": "SIGKILL"}), Verdict::OutputLimit, Some(signaled_by(9)))]
#[case::error_output(json!({"code": null, "status": "EL", "signal": "SIGKILL"}), Verdict::OutputLimit, Some(signaled_by(9)))]
#[case::memory(json!({"code": null, "status": "SG", "signal": "SIGKILL", "memory": NEAR_LIMIT}), Verdict::MemoryLimit, Some(signaled_by(9)))]
#[case::killed_below_the_limit(json!({"code": null, "status": "SG", "signal": "SIGKILL", "memory": NEAR_LIMIT / 10 * 9}), Verdict::RuntimeError, Some(signaled_by(9)))]
#[case::killed_without_usage(json!({"code": null, "status": "SG", "signal": "SIGKILL", "memory": null}), Verdict::RuntimeError, Some(signaled_by(9)))]
#[case::memory_below_a_shell(json!({"code": 137, "status": "RE", "memory": NEAR_LIMIT}), Verdict::MemoryLimit, Some(exited(137)))]
#[case::crash_near_the_limit(json!({"code": null, "status": "SG", "signal": "SIGSEGV", "memory": NEAR_LIMIT}), Verdict::RuntimeError, Some(signaled_by(11)))]
fn each_way_to_end_has_its_verdict(
    #[case] changes: Value,
    #[case] verdict: Verdict,
    #[case] exit_status: Option<ExitStatus>,
) {
    let result = run(&changes).unwrap();
    assert_eq!((result.verdict, result.exit_status), (verdict, exit_status));
    assert_eq!(
        (result.stdout.as_ref(), result.stderr.as_ref()),
        (&b"out"[..], &b"err"[..])
    );
}

#[rstest]
#[case::nothing(json!({"code": null}))]
#[case::error_with_code_0(json!({"status": "RE"}))]
#[case::error_without_code(json!({"code": null, "status": "RE"}))]
#[case::no_exit_code(json!({"code": 256, "status": "RE"}))]
#[case::negative_code(json!({"code": -1, "status": "RE"}))]
#[case::no_output(json!({"stdout": null, "stderr": null, "output": null}))]
fn what_does_not_fit_together_is_no_verdict(#[case] changes: Value) {
    assert!(matches!(run(&changes), Err(ApiError::Contradiction(_))));
}

#[test]
fn a_failure_of_the_apis_sandbox_is_not_the_fault_of_the_program() {
    let failed = run(&json!({"code": null, "status": "XX"}));
    assert!(matches!(failed, Err(ApiError::Unusable(_))), "{failed:?}");
}

#[test]
fn usage_is_in_real_units_and_times_that_make_no_sense_are_left_out() {
    let usage = run(&json!({})).unwrap().usage;
    assert_eq!(usage.cpu_time, Some(Duration::from_millis(11)));
    assert_eq!(usage.wall_time, Some(Duration::from_micros(29_500)));
    assert_eq!(usage.memory, Some(ByteSize::from_kib(1204)));
    let usage = run(&json!({"cpu_time": -1, "wall_time": 1e300}))
        .unwrap()
        .usage;
    assert_eq!((usage.cpu_time, usage.wall_time), (None, None));
}

#[rstest]
#[case::both(json!({"output": "mixed", "code": 0}), "mixed", "")]
#[case::stdout_alone(json!({"stdout": "out", "code": 0}), "out", "")]
#[case::stderr_alone(json!({"stderr": "err", "output": "mixed", "code": 0}), "", "err")]
fn output_of_other_versions_is_read(
    #[case] stage: Value,
    #[case] stdout: &str,
    #[case] stderr: &str,
) {
    let result = read_answer(&json!({"run": stage})).unwrap();
    assert_eq!(
        (result.stdout.as_ref(), result.stderr.as_ref()),
        (stdout.as_bytes(), stderr.as_bytes())
    );
    assert_eq!(result.language_version, None);
}

#[rstest]
#[case::refused(json!({"code": 1, "status": "RE"}), Verdict::CompileError)]
#[case::crashed(json!({"code": null, "status": "SG", "signal": "SIGSEGV"}), Verdict::CompileError)]
#[case::crashed_with_code_0(json!({"code": 0, "signal": "SIGKILL"}), Verdict::CompileError)]
#[case::too_slow(json!({"code": null, "status": "TO", "signal": "SIGKILL"}), Verdict::TimeLimit)]
#[case::too_much_output(json!({"code": null, "status": "EL", "signal": "SIGKILL"}), Verdict::OutputLimit)]
#[case::too_large(json!({"code": null, "status": "SG", "signal": "SIGKILL", "memory": 2_000_000_000}), Verdict::MemoryLimit)]
fn a_program_that_was_not_compiled_was_not_run_whatever_the_run_says(
    #[case] changes: Value,
    #[case] verdict: Verdict,
    #[values(json!({}), json!({"code": 3, "status": "RE"}), Value::Null)] run: Value,
) {
    let compile = stage(&changes);
    let run = if run.is_null() { run } else { stage(&run) };
    let result = compiled(&compile, &run);
    assert_eq!((result.verdict, result.exit_status), (verdict, None));
    assert!(result.stdout.is_empty() && result.stderr.is_empty());
    let compile = result.compile.unwrap();
    assert_eq!(compile.output.bytes(), "out");
    assert_eq!(compile.error_output.bytes(), "err");
    let is_cut = verdict == Verdict::OutputLimit;
    assert_eq!(compile.error_output.is_truncated(), is_cut);
}

#[rstest]
#[case::cut(json!({"code": 0, "status": "EL", "signal": "SIGKILL"}))]
#[case::silent(json!({"code": null}))]
fn a_program_that_was_compiled_is_judged_by_its_run(#[case] changes: Value) {
    let run = stage(&json!({"code": 4, "status": "RE"}));
    let result = compiled(&stage(&changes), &run);
    assert_eq!(result.exit_status, Some(ExitStatus::Exited(4)));
    let is_cut = changes["status"] == "EL";
    assert_eq!(result.compile.unwrap().error_output.is_truncated(), is_cut);
}

fn word() -> impl Strategy<Value = Value> {
    let words = [
        "RE",
        "SG",
        "TO",
        "OL",
        "EL",
        "XX",
        "",
        "SIGKILL",
        "SIGSEGV",
        "SIGRTMIN+1",
        "SIGRTMAX-99",
        "é",
    ];
    prop_oneof![
        Just(Value::Null),
        prop::sample::select(words.to_vec()).prop_map(Value::from),
        Just(json!(3)),
    ]
}

fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        (-1_i64..300).prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        Just(json!("7")),
        Just(json!([1])),
    ]
}

fn any_stage() -> impl Strategy<Value = Value> {
    let words = (word(), word());
    let numbers = (number(), number(), number(), number());
    (words, numbers, ".{0,8}").prop_map(|((status, signal), (code, cpu, wall, memory), text)| {
        stage(&json!({
            "status": status, "signal": signal, "code": code, "cpu_time": cpu, "wall_time": wall,
            "memory": memory, "stdout": text,
        }))
    })
}

fn any_answer() -> impl Strategy<Value = Value> {
    let compile = prop_oneof![Just(Value::Null), any_stage()];
    (compile, any_stage()).prop_map(|(compile, run)| {
        json!({"compile": compile, "run": run, "language": "x", "version": "1.0.0"})
    })
}

/// Whether a store would accept the report.
fn assert_consistent(result: RunResult) {
    let RunResult {
        verdict,
        exit_status,
        usage,
        compile,
        hint,
        language_version,
        ..
    } = result;
    assert_eq!(verdict == Verdict::Accepted, exit_status == Some(exited(0)));
    if let Some(ExitStatus::Exited(code)) = exit_status {
        assert!((0..=255).contains(&code));
    }
    let report = Report {
        verdict,
        exit_status,
        usage,
        compile,
        language_version,
        runner: "piston".to_owned(),
        enforcement: Enforcement::default(),
        hint,
    };
    let parts = OutcomeParts {
        verdict,
        reason: None,
        report: Some(report),
        output: Output::default(),
        error_output: Output::default(),
    };
    let outcome = Outcome::restore(parts).unwrap();
    drop(outcome.explanation(&limits()));
}

proptest! {
    #[test]
    fn no_answer_makes_a_report_that_contradicts_itself(answer in any_answer()) {
        if let Ok(result) = read_answer(&answer) {
            assert_consistent(result);
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        drop(read(&body, &limits()));
    }
}

#[test]
fn limits_of_a_stage_are_its_own() {
    let near = json!({"code": null, "signal": "SIGKILL", "memory": NEAR_LIMIT});
    assert_eq!(run(&near).unwrap().verdict, Verdict::MemoryLimit);
    let all = limits();
    let stage_limits = StageLimits::new(
        all.run.cpu_time(),
        all.run.wall_time(),
        ByteSize::from_mib(512),
        8,
    );
    let more = Limits {
        run: stage_limits.unwrap(),
        ..all
    };
    let answer = json!({"run": stage(&near)}).to_string();
    let result = read(answer.as_bytes(), &more).unwrap();
    assert_eq!(result.verdict, Verdict::RuntimeError);
}
