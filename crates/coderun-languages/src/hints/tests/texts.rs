//! Tests which part of what a program wrote is compared with patterns, and what of it a hint repeats.

use super::*;

#[rstest]
#[case::it_is_the_last_line("KeyError: 'a'\n", true)]
#[case::after_a_line_that_it_does_not_begin("oh\nKeyError: 'a'", true)]
#[case::the_program_went_on("KeyError: 'a'\nbut it goes on\n", false)]
#[case::the_program_says_more("Caught a KeyError: 'a'\n", false)]
#[case::nothing_was_written("", false)]
fn only_the_end_of_stderr_counts(#[case] stderr: &str, #[case] is_found: bool) {
    assert_eq!(hint_after(stderr).is_some(), is_found);
}

/// The texts that patterns see of a Java program that failed with this stderr.
fn messages_in_java(stderr: &str) -> Vec<String> {
    let (table, mistake) = (table(), failed_with(stderr));
    let run = mistake.run("java");
    let group = table.groups.iter();
    let mut group = group.filter(|it| it.languages.iter().any(|language| language == "java"));
    let messages = group.next().unwrap().messages(&run);
    messages.into_iter().map(str::to_owned).collect()
}

const OVERFLOW: &str = "Exception in thread \"main\" java.lang.StackOverflowError";

#[test]
fn a_trace_of_a_deep_recursion_is_skipped_and_a_longer_one_of_other_lines_is_not() {
    let trace = |differs: bool, lines: usize| {
        let line = |number: usize| {
            format!(
                "\tat Main.f{}(Main.java:3)\n",
                if differs { number } else { number % 3 }
            )
        };
        let lines: String = (0..lines).map(line).collect();
        format!("{OVERFLOW}\n{lines}")
    };
    assert_eq!(messages_in_java(&trace(false, 2000))[0], OVERFLOW);
    assert_eq!(messages_in_java(&trace(true, 100))[0], OVERFLOW);
    assert!(messages_in_java(&trace(true, 2000))[0].starts_with("\tat Main.f"));
}

/// Patterns take time for each byte that they see.
#[rstest]
#[case::one_long_line("x".repeat(64 << 10))]
#[case::long_lines(format!("{}\n", "é".repeat(16 << 10)).repeat(2))]
#[case::long_lines_of_a_trace(format!("\tat {}\n", "x".repeat(15 << 10)).repeat(4))]
#[case::short_lines("at\n".repeat(20 << 10))]
#[case::marks("^\n".repeat(32 << 10))]
fn patterns_see_little_of_a_long_text(#[case] stderr: String) {
    for message in messages_in_java(&stderr) {
        assert!(
            message.len() <= 1024 && message.lines().count() <= 4,
            "{}",
            message.len()
        );
    }
}

#[test]
fn what_a_message_carries_is_bounded_and_printable() {
    let name = format!("a\u{1b}[31m\u{202e}{}", "b".repeat(100));
    let hint = hint_after(&format!("KeyError: '{name}'\n")).unwrap();
    assert!(hint.starts_with("There is no key 'a[31mbbb"), "{hint}");
    assert!(hint.contains("bbb…:") && hint.len() < 200, "{hint}");
}
