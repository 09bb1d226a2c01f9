//! Runs programs as users write them, from a first course to crashes, under the limits that the service sets by default.
//!
//! `programs/<language>` has the programs. Beside each, by its name, lies what must come of it: `.out` is its stdout, or
//! `.bytes` the length of that; the lines of `.err` are in its stderr, in this order; `.verdict` is another verdict than
//! `accepted`. `.in` is its input.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use coderun_conformance::code_runner::{CompletedRun, Program};
use coderun_conformance::slowness;
use coderun_domain::{ByteSize, Verdict};

use crate::support::run_program;

macro_rules! programs {
    ($($language:ident $ending:ident: $($name:ident)*;)*) => {
        $(mod $language {
            $(#[tokio::test]
            async fn $name() {
                super::check(stringify!($language), stringify!($ending), stringify!($name)).await;
            })*
        })*
        const LISTED: &[(&str, &str, &[&str])] = &[
            $((stringify!($language), stringify!($ending), &[$(stringify!($name)),*])),*
        ];
    };
}

programs! {
    python py:
        asynchronous big_output catches_memory_error classes closures database dates dev_streams dialogue
        endless_list exceptions exit_code files generics json_and_text machine one_huge_string processes
        recursion sockets sorting threads;
    javascript js:
        buffers classes closures cluster dates dev_stdin dialogue endless_loop es_module exceptions
        exit_after_big_output exit_code files generators heap hello json machine processes recursion sockets
        sorting threads whole_input;
    bash sh:
        big_output byte_order_mark crlf dates dev_streams dialogue endless_loop errors exit_code files
        fill_memory fork_bomb functions jobs processes recursion sockets sorting text;
    c c:
        abort big_output crash dates deep_recursion dev_streams dialogue endless_recursion errors files
        fork_bomb generic initialized_array lists processes recursion reserved_array sockets sorting
        static_array threads unchecked_malloc;
    cpp cpp:
        bad_alloc big_output caught_bad_alloc classes closures dates dialogue does_not_compile exceptions
        files initialized_array json_and_text one_huge_vector processes recursion sockets sorting static_array
        templates threads uncaught;
}

#[test]
fn every_program_is_listed() {
    for (language, ending, names) in LISTED {
        let files = fs::read_dir(folder(language)).unwrap();
        let found: BTreeSet<String> = files
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .filter_map(|name| Some(name.strip_suffix(&format!(".{ending}"))?.to_owned()))
            .collect();
        let listed: BTreeSet<String> = names.iter().map(ToString::to_string).collect();
        assert_eq!(found, listed, "{language}");
    }
}

/// Runs a program and compares what came of it with the files beside it.
async fn check(language: &str, ending: &str, name: &str) {
    let beside = |ending: &str| {
        let file = folder(language).join(format!("{name}.{ending}"));
        file.exists().then(|| fs::read_to_string(file).unwrap())
    };
    let code = beside(ending).unwrap();
    let verdict = beside("verdict").map_or(Verdict::Accepted, |word| {
        Verdict::from_name(word.trim()).unwrap()
    });
    let mut program = with_default_limits(Program::new(language, &code));
    if verdict == Verdict::TimeLimit {
        program.cpu = Duration::from_secs(2);
    }
    let ran = run_program(program.input(&beside("in").unwrap_or_default())).await;
    let (stdout, stderr) = (&ran.stdout, ran.stderr());
    assert_eq!(ran.report.verdict, verdict, "{}", told(&ran));
    match (beside("out"), beside("bytes")) {
        (Some(out), _) => assert_eq!(String::from_utf8_lossy(stdout), out, "{stderr}"),
        (None, Some(bytes)) => assert_eq!(stdout.len().to_string(), bytes.trim(), "{stderr}"),
        (None, None) => assert_ne!(verdict, Verdict::Accepted, "no expectation"),
    }
    match beside("err") {
        Some(lines) => assert_has_lines(&stderr, &lines),
        None if verdict == Verdict::Accepted => assert_eq!(stderr, ""),
        None => {}
    }
}

/// The memory, files and processes of a submission that asks for none, and time for slow machines.
pub(crate) fn with_default_limits(program: Program) -> Program {
    Program {
        cpu: Duration::from_secs(10) * slowness(),
        wall: Duration::from_mins(1) * slowness(),
        memory: ByteSize::from_mib(256),
        processes: 64,
        output: ByteSize::from_mib(1),
        file_size: ByteSize::from_mib(16),
        disk: ByteSize::from_mib(64),
        open_files: 256,
        compile_time: Duration::from_mins(1) * slowness(),
        compile_memory: ByteSize::from_mib(1024),
        ..program
    }
}

pub(crate) fn assert_has_lines(stderr: &str, lines: &str) {
    let mut rest = stderr;
    for line in lines.lines() {
        let after = rest.split_once(line).map(|(_, after)| after);
        assert!(after.is_some(), "no `{line}` at its place in:\n{stderr}");
        rest = after.unwrap();
    }
}

pub(crate) fn told(ran: &CompletedRun) -> String {
    let compiler = ran.report.compile.as_ref();
    let compiler = compiler.map(|compile| format!("{:?}", compile.error_output));
    let stdout: String = String::from_utf8_lossy(&ran.stdout)
        .chars()
        .take(2000)
        .collect();
    let (hint, exit, usage) = (&ran.report.hint, ran.report.exit_status, ran.report.usage);
    let stderr = ran.stderr();
    format!(
        "{exit:?} {usage:?} {hint:?}\n{stdout}\n--- stderr\n{stderr}\n--- compiler\n{compiler:?}"
    )
}

fn folder(language: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/sandbox/programs")
        .join(language)
}
