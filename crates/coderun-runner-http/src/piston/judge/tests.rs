use coderun_domain::{Outcome, OutcomeParts, Report, testing};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::piston::limits::Caps;
use crate::piston::response::read;

fn sent() -> SentLimits {
    SentLimits::new(testing::limit_policy().default_limits(), &Caps::default())
}

/// A stage that went well, with these changes.
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

fn judged(answer: &Value) -> Result<Judgement, Contradiction> {
    let executed = read(answer.to_string().as_bytes()).ok().unwrap();
    judge(executed, &sent())
}

fn run(changes: &Value) -> Result<Judgement, Contradiction> {
    judged(&json!({"run": stage(changes), "language": "python", "version": "3.12.0"}))
}

/// 256 MiB, less 5 %.
const NEAR_LIMIT: u64 = 255_013_683;

#[rstest]
#[case::well(json!({}), Verdict::Accepted, Ending::Exited(0))]
#[case::exit_code(json!({"code": 3, "status": "RE"}), Verdict::RuntimeError, Ending::Exited(3))]
#[case::exit_code_of_an_old_piston(json!({"code": 3}), Verdict::RuntimeError, Ending::Exited(3))]
#[case::signal(json!({"code": null, "status": "SG", "signal": "SIGSEGV"}), Verdict::RuntimeError, signaled_by(11))]
#[case::signal_of_an_old_piston(json!({"code": null, "signal": "SIGABRT"}), Verdict::RuntimeError, signaled_by(6))]
#[case::real_time_signal(json!({"code": null, "status": "SG", "signal": "SIGRTMIN+3"}), Verdict::RuntimeError, signaled_by(37))]
#[case::last_signal(json!({"code": null, "status": "SG", "signal": "SIGRTMAX"}), Verdict::RuntimeError, signaled_by(64))]
#[case::time(json!({"code": null, "status": "TO", "signal": "SIGKILL"}), Verdict::TimeLimit, signaled_by(9))]
#[case::time_seen_late(json!({"code": 0, "status": "TO", "signal": "SIGKILL"}), Verdict::TimeLimit, signaled_by(9))]
#[case::cpu_signal(json!({"code": null, "status": "SG", "signal": "SIGXCPU"}), Verdict::TimeLimit, signaled_by(24))]
#[case::forbidden_call(json!({"code": null, "status": "SG", "signal": "SIGSYS"}), Verdict::SecurityViolation, signaled_by(31))]
#[case::output(json!({"code": null, "status": "OL", "signal": "SIGKILL"}), Verdict::OutputLimit, signaled_by(9))]
#[case::error_output(json!({"code": null, "status": "EL", "signal": "SIGKILL"}), Verdict::OutputLimit, signaled_by(9))]
#[case::memory(json!({"code": null, "status": "SG", "signal": "SIGKILL", "memory": NEAR_LIMIT}), Verdict::MemoryLimit, signaled_by(9))]
#[case::killed_below_the_limit(json!({"code": null, "status": "SG", "signal": "SIGKILL", "memory": NEAR_LIMIT / 10 * 9}), Verdict::RuntimeError, signaled_by(9))]
#[case::killed_by_nobody_knows_what(json!({"code": null, "status": "SG", "signal": "SIGKILL", "memory": null}), Verdict::RuntimeError, signaled_by(9))]
#[case::memory_below_a_shell(json!({"code": 137, "status": "RE", "memory": NEAR_LIMIT}), Verdict::MemoryLimit, Ending::Exited(137))]
#[case::crash_near_the_limit(json!({"code": null, "status": "SG", "signal": "SIGSEGV", "memory": NEAR_LIMIT}), Verdict::RuntimeError, signaled_by(11))]
fn each_way_to_end_has_its_verdict(
    #[case] changes: Value,
    #[case] verdict: Verdict,
    #[case] ending: Ending,
) {
    let judgement = run(&changes).unwrap();
    assert_eq!(judgement.verdict, verdict);
    assert_eq!(judgement.ending, Some(ending));
    assert!(judgement.written.is_some());
}

/// Such as signal 32, which a program can send to the shell that started it.
#[test]
fn a_signal_that_piston_has_no_name_for_is_the_programs_own_fault() {
    let judgement = run(&json!({"code": null, "status": "SG"})).unwrap();
    assert_eq!(judgement.verdict, Verdict::RuntimeError);
    assert_eq!(judgement.ending, None);
}

fn signaled_by(number: i32) -> Ending {
    Ending::Signaled(Signal::from_number(number))
}

#[rstest]
#[case::sandbox(json!({"code": null, "status": "XX"}), Contradiction::SandboxFailed)]
#[case::nothing(json!({"code": null}), Contradiction::Ending)]
#[case::both(json!({"code": 0, "signal": "SIGKILL"}), Contradiction::Ending)]
#[case::error_with_code_0(json!({"status": "RE"}), Contradiction::Ending)]
#[case::error_without_code(json!({"code": null, "status": "RE"}), Contradiction::Ending)]
#[case::error_with_signal(json!({"code": 1, "status": "RE", "signal": "SIGKILL"}), Contradiction::Ending)]
#[case::signal_with_code(json!({"code": 1, "status": "SG", "signal": "SIGKILL"}), Contradiction::Ending)]
#[case::no_exit_code(json!({"code": 256, "status": "RE"}), Contradiction::Ending)]
#[case::negative_code(json!({"code": -1, "status": "RE"}), Contradiction::Ending)]
#[case::status(json!({"status": "OK"}), Contradiction::UnknownStatus)]
#[case::signal(json!({"code": null, "status": "SG", "signal": "SIGNOPE"}), Contradiction::UnknownSignal)]
#[case::signal_number(json!({"code": null, "status": "SG", "signal": "SIG0"}), Contradiction::UnknownSignal)]
#[case::signal_far_away(json!({"code": null, "status": "SG", "signal": "SIGRTMIN+2147483647"}), Contradiction::UnknownSignal)]
#[case::time(json!({"cpu_time": -1}), Contradiction::Time)]
#[case::long_time(json!({"wall_time": 1e300}), Contradiction::Time)]
fn what_does_not_fit_together_is_no_verdict(
    #[case] changes: Value,
    #[case] expected: Contradiction,
) {
    assert_eq!(run(&changes), Err(expected));
}

#[test]
fn usage_is_in_real_units() {
    let usage = run(&json!({})).unwrap().usage;
    assert_eq!(usage.cpu_time, Some(Duration::from_millis(11)));
    assert_eq!(usage.wall_time, Some(Duration::from_micros(29_500)));
    assert_eq!(usage.memory, Some(ByteSize::from_kib(1204)));
}

#[test]
fn the_stream_that_was_cut_is_known() {
    for (status, stream) in [("OL", OutputStream::Stdout), ("EL", OutputStream::Stderr)] {
        let changes = json!({"code": null, "status": status, "signal": "SIGKILL"});
        let written = run(&changes).unwrap().written.unwrap();
        assert_eq!(written.cut, Some(stream));
        assert_eq!(
            (written.stdout.as_str(), written.stderr.as_str()),
            ("out", "err")
        );
    }
}

#[rstest]
#[case::refused(json!({"code": 1, "status": "RE"}), Verdict::CompileError)]
#[case::crashed(json!({"code": null, "status": "SG", "signal": "SIGSEGV"}), Verdict::CompileError)]
#[case::too_slow(json!({"code": null, "status": "TO", "signal": "SIGKILL"}), Verdict::TimeLimit)]
#[case::too_talkative(json!({"code": null, "status": "EL", "signal": "SIGKILL"}), Verdict::OutputLimit)]
#[case::too_large(json!({"code": null, "status": "SG", "signal": "SIGKILL", "memory": 2_000_000_000}), Verdict::MemoryLimit)]
fn a_program_that_was_not_built_was_not_run(#[case] changes: Value, #[case] verdict: Verdict) {
    let compile = stage(&changes);
    let answer = json!({"compile": compile, "run": compile, "language": "c", "version": "10.2.0"});
    let judgement = judged(&answer).unwrap();
    assert_eq!(judgement.verdict, verdict);
    assert_eq!((judgement.ending, judgement.written), (None, None));
    let compile = judgement.compile.unwrap();
    assert_eq!(compile.output.bytes(), "out");
    assert_eq!(compile.error_output.bytes(), "err");
    assert_eq!(
        compile.error_output.is_truncated(),
        verdict == Verdict::OutputLimit
    );
}

#[test]
fn what_was_built_is_judged_by_its_run_though_the_compiler_talked_too_much() {
    let compile = stage(&json!({"code": 0, "status": "EL", "signal": "SIGKILL"}));
    let run = stage(&json!({"code": 4, "status": "RE"}));
    let answer = json!({"compile": compile, "run": run, "language": "c", "version": "10.2.0"});
    let judgement = judged(&answer).unwrap();
    assert_eq!(judgement.ending, Some(Ending::Exited(4)));
    assert!(judgement.compile.unwrap().error_output.is_truncated());
}

#[test]
fn a_shells_word_for_a_signal_is_explained() {
    let hint = |code| run(&json!({"code": code, "status": "RE"})).unwrap().hint;
    assert!(hint(139).unwrap().contains("SIGSEGV"));
    assert_eq!(hint(1), None);
    assert_eq!(hint(200), None);
}

fn word() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        prop::sample::select(vec![
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
            "é"
        ])
        .prop_map(Value::from),
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

/// Whether whoever keeps the report can make sense of it.
fn assert_consistent(judgement: &Judgement) {
    let Judgement {
        verdict,
        ending,
        usage,
        compile,
        written,
        hint,
    } = judgement.clone();
    assert_eq!(ending.is_some(), written.is_some());
    assert_eq!(
        verdict == Verdict::Accepted,
        ending == Some(Ending::Exited(0))
    );
    if ending.is_none() {
        assert!(compile.is_some());
    }
    if let Some(Ending::Exited(code)) = ending {
        assert!((0..=255).contains(&code));
    }
    let report = Report {
        verdict,
        ending,
        usage,
        compile,
        language_version: None,
        runner: "piston".to_owned(),
        enforcement: coderun_domain::Enforcement::default(),
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
    drop(outcome.explanation(testing::limit_policy().default_limits()));
}

proptest! {
    #[test]
    fn no_answer_makes_a_report_that_contradicts_itself(answer in any_answer()) {
        if let Ok(executed) = read(answer.to_string().as_bytes())
            && let Ok(judgement) = judge(executed, &sent())
        {
            assert_consistent(&judgement);
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        drop(read(&body));
    }
}
