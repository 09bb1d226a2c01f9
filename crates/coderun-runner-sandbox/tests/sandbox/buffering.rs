//! Tests that compiled programs write each line at once, unless they are to buffer in full.

use std::time::Duration;

use coderun_conformance::code_runner::{CompletedRun, Program};
use coderun_domain::Verdict;

use crate::support::{TestSandbox, program, run, run_program};

/// Writes a line and then never ends.
const HANGS: &str = "#include <stdio.h>\nint main(void) { printf(\"checkpoint\\n\"); for (;;) {} }";

fn buffered_in_full(mut program: Program) -> Program {
    program.draft.buffering = Some("full".to_owned());
    program
}

fn assert_crashed_after(ran: &CompletedRun, output: &str) {
    assert_eq!(
        (ran.report.verdict, ran.stdout()),
        (Verdict::RuntimeError, output)
    );
}

#[tokio::test]
async fn the_last_line_before_a_crash_is_seen_in_c() {
    let code =
        "#include <stdio.h>\nint main(void) { printf(\"checkpoint\\n\"); *(volatile int *)0 = 1; }";
    assert_crashed_after(&run("c", code).await, "checkpoint\n");
    assert_crashed_after(&run_program(buffered_in_full(program("c", code))).await, "");
}

#[tokio::test]
async fn the_last_line_before_a_crash_is_seen_in_cpp() {
    let code = "#include <cstdlib>\n#include <iostream>\nint main() { std::cout << \"checkpoint\\n\"; std::abort(); }";
    assert_crashed_after(&run("cpp", code).await, "checkpoint\n");
}

/// A buffer of the C++ library itself, which no environment changes: documented.
#[tokio::test]
async fn what_cpp_holds_back_without_stdio_is_lost_in_a_crash() {
    let code = "#include <cstdlib>\n#include <iostream>\nint main() {\n\
        \x20   std::ios::sync_with_stdio(false);\n\
        \x20   std::cout << \"flushed\" << std::endl << \"held back\\n\"; std::abort();\n}";
    assert_crashed_after(&run("cpp", code).await, "flushed\n");
}

#[tokio::test]
async fn the_last_line_before_a_kill_is_seen() {
    let ran = run_program(program("c", HANGS).cpu(Duration::from_millis(100))).await;
    assert_eq!(ran.report.verdict, Verdict::TimeLimit);
    assert_eq!(ran.stdout(), "checkpoint\n");
}

#[tokio::test]
async fn output_that_is_only_compared_is_buffered_in_full() {
    let mut hangs = program("c", HANGS).cpu(Duration::from_millis(100));
    hangs.draft.expected_output = Some("checkpoint".to_owned());
    assert_eq!(run_program(hangs).await.stdout(), "");
}

#[tokio::test]
async fn an_interactive_program_may_buffer_in_full() {
    let code = "#include <stdio.h>\n#include <stdlib.h>\n\
        int main(void) { puts(getenv(\"LD_PRELOAD\") ? \"with\" : \"without\"); }";
    let sandbox = TestSandbox::start().await;
    for (program, expected) in [
        (program("c", code), "with\n"),
        (buffered_in_full(program("c", code)), "without\n"),
    ] {
        let report = program.run_interactively(&*sandbox.runner, async |client| {
            assert_eq!(client.read_stdout_until("\n").await, expected);
        });
        assert_eq!(report.await.verdict, Verdict::Accepted);
    }
}

/// The address sanitizer refuses to run behind a library that it does not know.
#[tokio::test]
async fn a_program_that_is_built_with_a_sanitizer_runs() {
    let code = "#include <stdlib.h>\nint main(void) {\n\
        \x20   if (system(\"printf 'int puts(const char*);int main(){puts(\\\"checked\\\");return 0;}' > a.c\")) return 1;\n\
        \x20   if (system(\"gcc -fsanitize=address a.c -o a\")) return 2;\n\
        \x20   return system(\"./a\") ? 3 : 0;\n}";
    let roomy = Program {
        memory: coderun_domain::ByteSize::from_mib(512),
        cpu: Duration::from_secs(10),
        wall: Duration::from_secs(15),
        ..program("c", code)
    };
    let ran = run_program(roomy).await;
    // Its shadow of all addresses does not fit into the limit of the data segment, which holds without control groups.
    let has_no_room = ran.stderr().contains("failed to allocate 0x");
    assert!(
        has_no_room || ran.stdout() == "checked\n",
        "{}",
        ran.stderr()
    );
}
