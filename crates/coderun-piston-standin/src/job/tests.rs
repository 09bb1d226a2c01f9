use std::time::Duration;

use coderun_domain::ByteSize;
use serde_json::json;

use super::*;

fn limits() -> PistonLimits {
    PistonLimits {
        run_memory_limit: Some(ByteSize::from_bytes(256_000_000)),
        ..PistonLimits::default()
    }
}

fn good() -> Value {
    json!({"language": "python", "version": "*", "files": [{"content": "print(1)"}]})
}

fn with(name: &str, value: Value) -> Value {
    let mut body = good();
    body.as_object_mut().unwrap().insert(name.to_owned(), value);
    body
}

fn refusal(body: &Value) -> Refusal {
    parse(body, &Runtime::stock(), &limits()).unwrap_err()
}

fn bounds(name: &str, value: Value) -> StagesBounds {
    parse(&with(name, value), &Runtime::stock(), &limits())
        .unwrap()
        .bounds
}

#[test]
fn each_thing_that_is_wrong_has_its_message() {
    let text = json!({"content": "", "encoding": "base64"});
    for (body, message) in [
        (json!([]), "language is required as a string"),
        (
            with("language", json!("")),
            "language is required as a string",
        ),
        (with("version", json!(3)), "version is required as a string"),
        (with("files", json!({})), "files is required as an array"),
        (
            with("files", json!([{"content": ""}, {"content": 1}])),
            "files[1].content is required as a string",
        ),
        (
            with("files", json!([5])),
            "files[0].content is required as a string",
        ),
        (with("language", json!("perl")), "perl-* runtime is unknown"),
        (
            with("version", json!("9.9")),
            "python-9.9 runtime is unknown",
        ),
        (
            with("files", json!([text])),
            "files must include at least one utf8 encoded file",
        ),
        (
            with("files", json!([])),
            "files must include at least one utf8 encoded file",
        ),
        (
            with("files", json!([{"content": "", "encoding": "latin1"}])),
            "files must include at least one utf8 encoded file",
        ),
        (
            with("run_timeout", json!("5")),
            "If specified, run_timeout must be a number",
        ),
        (
            with("run_timeout", json!(3001)),
            "run_timeout cannot exceed the configured limit of 3000",
        ),
        (
            with("compile_cpu_time", json!(-1)),
            "compile_cpu_time must be non-negative",
        ),
        (
            with("run_memory_limit", json!(256_000_001)),
            "run_memory_limit cannot exceed the configured limit of 256000000",
        ),
    ] {
        assert_eq!(refusal(&body), Refusal::message(message), "{body}");
    }
}

#[test]
fn the_first_thing_in_pistons_order_is_told() {
    let mut body = with("run_cpu_time", json!(-1));
    let object = body.as_object_mut().unwrap();
    for (name, value, message) in [
        ("run_timeout", json!(-1), "run_timeout must be non-negative"),
        (
            "compile_timeout",
            json!(-1),
            "compile_timeout must be non-negative",
        ),
        (
            "run_memory_limit",
            json!(-1),
            "run_memory_limit must be non-negative",
        ),
        (
            "files",
            json!([{"content": "", "encoding": "hex"}]),
            "files must include at least one utf8 encoded file",
        ),
        ("language", json!("perl"), "perl-* runtime is unknown"),
        (
            "files",
            json!([{}]),
            "files[0].content is required as a string",
        ),
        ("version", json!(null), "version is required as a string"),
        ("language", json!(null), "language is required as a string"),
    ] {
        object.insert(name.to_owned(), value);
        let body = Value::Object(object.clone());
        assert_eq!(refusal(&body), Refusal::message(message), "{name}");
    }
}

#[test]
fn what_javascript_cannot_read_is_an_empty_refusal() {
    assert_eq!(refusal(&with("files", json!([null]))), Refusal::Exception);
    assert_eq!(refusal(&with("stdin", json!(5))), Refusal::Exception);
}

#[test]
fn without_a_limit_the_configured_one_is_in_force() {
    let run = bounds("run_timeout", Value::Null).run;
    let second = Duration::from_secs(1);
    assert_eq!(run.timeout, Some(3 * second));
    assert_eq!(run.cpu_time, Some(3 * second));
    assert_eq!(run.memory, Some(ByteSize::from_kib(256_000)));
}

#[test]
fn zero_is_no_limit_at_all() {
    for nothing in [json!(0), json!(false), json!(""), json!(0.5)] {
        assert_eq!(bounds("run_timeout", nothing.clone()).run.timeout, None);
        assert_eq!(bounds("run_memory_limit", nothing).run.memory, None);
    }
}

#[test]
fn memory_is_counted_in_thousands_that_become_kib() {
    let run = bounds("run_memory_limit", json!(134_217_728)).run;
    assert_eq!(run.memory, Some(ByteSize::from_kib(134_217)));
    assert_eq!(bounds("run_memory_limit", json!(999)).run.memory, None);
}

#[test]
fn where_no_limit_is_configured_any_number_is_taken() {
    let compile = bounds("compile_memory_limit", json!(-5)).compile;
    assert_eq!(compile.memory, None);
    let compile = bounds("compile_memory_limit", json!(8e12)).compile;
    assert_eq!(compile.memory, Some(ByteSize::from_kib(8_000_000_000)));
}

#[test]
fn a_newline_is_added_to_stdin() {
    for (sent, read) in [("", "\n"), ("7", "7\n"), ("7\n", "7\n")] {
        let body = with("stdin", json!(sent));
        let job = parse(&body, &Runtime::stock(), &limits()).unwrap();
        assert_eq!(job.stdin, read);
    }
}

#[test]
fn arguments_are_what_javascript_makes_of_them() {
    assert_eq!(
        args(&json!(["-v", 2, true])),
        Some(vec!["-v".to_owned(), "2".to_owned(), "true".to_owned()])
    );
    assert_eq!(
        args(&json!("ab")),
        Some(vec!["a".to_owned(), "b".to_owned()])
    );
    assert_eq!(args(&json!(5)), None);
    assert_eq!(args(&json!(["a\0"])), None);
}

#[test]
fn files_have_names_and_the_first_text_is_the_entry() {
    let files = json!([
        {"name": "data.bin", "content": "AAE=", "encoding": "base64"},
        {"content": "print(1)"},
        {"name": "b.py", "content": "old"},
        {"name": "./b.py", "content": "new", "encoding": "latin1"},
    ]);
    let body = with("files", files);
    let job = parse(&body, &Runtime::stock(), &limits()).unwrap();
    let (entry, others) = place(&job.files).unwrap();
    assert_eq!(entry.path, "file1.code");
    let others: Vec<_> = others
        .iter()
        .map(|file| (file.path.as_str(), file.content.as_ref()))
        .collect();
    assert_eq!(others, [("b.py", &b"new"[..]), ("data.bin", &[0, 1])]);
}
