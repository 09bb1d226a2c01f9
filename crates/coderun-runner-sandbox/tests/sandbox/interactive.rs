//! Tests interactive programs, in each language that shows a prompt in its own way.

use std::time::Duration;

use coderun_conformance::code_runner::{InteractiveClient, Program};
use coderun_domain::{ExitStatus, Verdict};
use coderun_runner_sandbox::ControlGroups;

use crate::support::{TestSandbox, is_alive, sandboxes, sleepers_of};

/// What a program has written to stdout when it waits for input.
async fn prompt(client: &mut InteractiveClient) -> String {
    let [stdout, _] = client.read_until_awaiting_input().await;
    stdout
}

/// A client that sends an answer to each prompt, and then reads a last line.
async fn answer(client: &mut InteractiveClient, dialogue: &[(&str, &'static str)], last: &str) {
    for (expected, answer) in dialogue {
        assert_eq!(prompt(client).await, *expected);
        client.send(*answer);
    }
    assert_eq!(client.read_stdout_until("\n").await, last);
}

/// Asserts that a program shows each prompt before it waits for the answer.
async fn assert_dialogue(program: Program, dialogue: &[(&str, &'static str)], last: &str) {
    let sandbox = TestSandbox::start().await;
    let act = async |client: &mut InteractiveClient| answer(client, dialogue, last).await;
    let report = program.run_interactively(&*sandbox.runner, act).await;
    assert_eq!(report.verdict, Verdict::Accepted);
}

const QUESTIONS: [(&str, &str); 2] = [("name? ", "Bob\n"), ("hello Bob\nage? ", "7\n")];

/// Asserts that a program asks for name and age, and builds its output from the answers.
async fn assert_asks_two_questions(language: &str, code: &str) {
    assert_dialogue(Program::new(language, code), &QUESTIONS, "next year 8\n").await;
}

#[tokio::test]
async fn python_shows_its_prompt_before_it_waits() {
    let code = "print('hello', input('name? '))\nprint('next year', int(input('age? ')) + 1)";
    assert_asks_two_questions("python", code).await;
}

#[tokio::test]
async fn c_shows_a_prompt_without_a_newline_before_it_waits() {
    let code = "#include <stdio.h>\n\
        int main(void) {\n\
        \x20   char name[64]; int age;\n\
        \x20   printf(\"name? \"); if (scanf(\"%63s\", name) != 1) return 1;\n\
        \x20   printf(\"hello %s\\n\", name);\n\
        \x20   printf(\"age? \"); if (scanf(\"%d\", &age) != 1) return 2;\n\
        \x20   printf(\"next year %d\\n\", age + 1);\n\
        }";
    assert_asks_two_questions("c", code).await;
}

#[tokio::test]
async fn cpp_shows_a_prompt_without_a_newline_before_it_waits() {
    let code = "#include <cstdio>\n#include <iostream>\n#include <string>\n\
        int main() {\n\
        \x20   std::string name; int age;\n\
        \x20   std::cout << \"name? \"; std::cin >> name; std::cout << \"hello \" << name << '\\n';\n\
        \x20   std::printf(\"age? \"); if (std::scanf(\"%d\", &age) != 1) return 2;\n\
        \x20   std::cout << \"next year \" << age + 1 << std::endl;\n\
        }";
    assert_asks_two_questions("cpp", code).await;
}

#[tokio::test]
async fn bash_shows_its_prompt_before_it_waits() {
    let code = "printf 'name? '; read name; echo hello $name\nprintf 'age? '; read age; echo next year $((age + 1))";
    assert_asks_two_questions("bash", code).await;
}

#[tokio::test]
async fn javascript_that_reads_at_once_shows_its_prompt_before_it_waits() {
    let code = "const fs = require('fs');\n\
        const ask = (question) => {\n\
        \x20   fs.writeSync(1, question);\n\
        \x20   const buffer = Buffer.alloc(100);\n\
        \x20   return buffer.toString('utf8', 0, fs.readSync(0, buffer)).trim();\n\
        };\n\
        fs.writeSync(1, `hello ${ask('name? ')}\\n`);\n\
        fs.writeSync(1, `next year ${Number(ask('age? ')) + 1}\\n`);";
    assert_asks_two_questions("javascript", code).await;
}

/// As Java does, whose `main` is never the process's first thread.
#[tokio::test]
async fn any_thread_that_reads_is_seen() {
    let code = "import threading\n\
        thread = threading.Thread(target=lambda: print('got', input('which? ')))\n\
        thread.start(); thread.join()";
    let program = Program::new("python", code);
    assert_dialogue(program, &[("which? ", "second\n")], "got second\n").await;
}

#[tokio::test]
async fn a_child_that_reads_by_another_descriptor_is_seen() {
    let code = "printf 'child? '; bash -c 'exec 5<&0 0</dev/null; read -u 5 line; echo got $line'";
    let program = Program::new("bash", code);
    assert_dialogue(program, &[("child? ", "through\n")], "got through\n").await;
}

/// A pipeline's inner pipe is stdin, too, but the client cannot write to it.
#[tokio::test]
async fn a_child_that_waits_for_another_child_does_not_wait_for_its_user() {
    let program = Program::new("bash", "sleep 0.5 | cat; printf 'now? '; read line");
    let sandbox = TestSandbox::start().await;
    let report = program.run_interactively(&*sandbox.runner, async |client| {
        assert_eq!(prompt(client).await, "now? ");
        client.close();
    });
    assert_eq!(report.await.verdict, Verdict::RuntimeError);
}

#[tokio::test]
async fn a_wait_for_input_is_seen_without_control_groups() {
    let sandbox = TestSandbox::with(|config| config.control_groups = ControlGroups::Never).await;
    let program = Program::new("python", "print('got', input('there? '))");
    let report = program.run_interactively(&*sandbox.runner, async |client| {
        answer(client, &[("there? ", "x\n")], "got x\n").await;
    });
    assert_eq!(report.await.verdict, Verdict::Accepted);
}

#[tokio::test]
async fn input_that_comes_while_the_program_is_built_waits_for_it() {
    let code = "#include <stdio.h>\nint main(void) { int a, b; return scanf(\"%d %d\", &a, &b) == 2 ? a + b : 1; }";
    let program = Program::new("c", code).input("40 ");
    let sandbox = TestSandbox::start().await;
    let report = program.run_interactively(&*sandbox.runner, async |client| client.send("2\n"));
    assert_eq!(report.await.exit_status, Some(ExitStatus::Exited(42)));
}

#[tokio::test]
async fn a_program_that_has_closed_its_stdin_can_still_be_cancelled() {
    let program =
        Program::new("bash", "exec 0<&-; echo ready; sleep 1000").wall(Duration::from_mins(1));
    let sandbox = TestSandbox::start().await;
    let report = program.run_interactively(&*sandbox.runner, async |client| {
        assert_eq!(client.read_stdout_until("\n").await, "ready\n");
        for _ in 0..8 {
            client.send(vec![b'x'; 1 << 20]);
        }
        client.cancel();
    });
    assert_eq!(report.await.verdict, Verdict::Cancelled);
}

/// All processes of a program, also in other sessions and ignoring signals, have ended when the report comes.
#[tokio::test]
async fn a_cancelled_program_is_gone_with_all_its_children_before_the_answer() {
    let code = "trap '' TERM INT HUP\n\
        for i in 1 2 3; do (setsid bash -c \"trap '' TERM HUP; sleep 1000 & sleep 1000 & wait\" &); done\n\
        echo ready; sleep 1000";
    let program = Program::new("bash", code).wall(Duration::from_mins(1));
    let sandbox = TestSandbox::start().await;
    let mut sleepers = Vec::new();
    let report = program.run_interactively(&*sandbox.runner, async |client| {
        assert_eq!(client.read_stdout_until("\n").await, "ready\n");
        while sleepers.len() < 7 {
            tokio::task::yield_now().await;
            sleepers = sleepers_of(std::process::id());
        }
        client.cancel();
    });
    assert_eq!(report.await.verdict, Verdict::Cancelled);
    assert!(!sleepers.iter().any(|pid| is_alive(*pid)));
    assert!(sandboxes().is_empty());
}
