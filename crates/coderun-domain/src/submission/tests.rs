mod buffering;

use std::time::Duration;

use bytes::Bytes;
use rstest::rstest;

use super::*;
use crate::testing::{catalog, draft, submission_policy, user};
use crate::{FailureKind, FileName, LanguageLimits, StorePolicy};

fn parse(draft: SubmissionDraft) -> Result<Submission, SubmissionError> {
    let user = UserId::parse("alice").unwrap();
    Submission::parse(user, draft, &catalog(), &submission_policy())
}

fn interactive_draft() -> SubmissionDraft {
    SubmissionDraft {
        interactive: true,
        ..draft()
    }
}

fn messages(draft: SubmissionDraft) -> Vec<String> {
    let error = parse(draft).unwrap_err();
    error.errors().iter().map(ToString::to_string).collect()
}

#[test]
fn an_alias_becomes_the_canonical_name_and_the_default_version() {
    let submission = parse(SubmissionDraft {
        language: "PY".to_owned(),
        ..draft()
    })
    .unwrap();
    assert_eq!(submission.language().as_str(), "python");
    assert_eq!(submission.version(), Some("3.11.2"));
}

#[test]
fn all_errors_are_listed_at_once() {
    let bad = SubmissionDraft {
        code: String::new(),
        language: "cobol".to_owned(),
        limits: RequestedLimits {
            processes: Some(0),
            ..RequestedLimits::default()
        },
        ..draft()
    };
    assert_eq!(
        messages(bad),
        [
            "code must not be empty",
            "language is unknown; known are python (py), c (gcc)",
            "limits.processes must be at least 1",
        ]
    );
}

#[rstest]
#[case::at_the_limit(256 << 10, None)]
#[case::one_byte_over(
    (256 << 10) + 1,
    Some("code must be at most 256 KiB, not 262145 bytes")
)]
fn code_has_a_greatest_length(#[case] bytes: usize, #[case] message: Option<&str>) {
    let result = parse(SubmissionDraft {
        code: "x".repeat(bytes),
        ..draft()
    });
    assert_eq!(
        result.err().map(|error| error.to_string()).as_deref(),
        message
    );
}

#[rstest]
#[case::code(|draft: &mut SubmissionDraft, long| draft.code = long, FailureKind::TooLarge)]
#[case::input(|draft: &mut SubmissionDraft, long| draft.input = long, FailureKind::TooLarge)]
#[case::expected_output(|draft: &mut SubmissionDraft, long| draft.expected_output = Some(long), FailureKind::TooLarge)]
#[case::args(|draft: &mut SubmissionDraft, long| draft.args = vec![long], FailureKind::Invalid)]
fn too_much_code_or_input_is_too_large_and_the_rest_is_invalid(
    #[case] change: fn(&mut SubmissionDraft, String),
    #[case] kind: FailureKind,
) {
    let mut draft = draft();
    change(&mut draft, "x".repeat((1 << 20) + 1));
    assert_eq!(parse(draft).unwrap_err().kind(), kind);
}

#[test]
fn nul_is_allowed_in_code_and_input_but_not_in_args() {
    let good = SubmissionDraft {
        code: "a\0b".to_owned(),
        input: "\0".to_owned(),
        ..draft()
    };
    assert!(parse(good).is_ok());
    let bad = SubmissionDraft {
        args: vec!["ok".to_owned(), "a\0b".to_owned()],
        ..draft()
    };
    assert_eq!(messages(bad), ["args[1] must not contain NUL"]);
}

#[test]
fn args_have_a_greatest_number_and_length() {
    let many = |count: usize| SubmissionDraft {
        args: vec!["x".repeat(4096); count],
        ..draft()
    };
    assert!(parse(many(64)).is_ok());
    assert_eq!(
        messages(many(65)),
        ["args must have at most 64 entries, not 65"]
    );
}

#[rstest]
#[case("../etc/passwd", "must not contain `..`, `.` or empty parts")]
#[case("a/../b", "must not contain `..`, `.` or empty parts")]
#[case("a//b", "must not contain `..`, `.` or empty parts")]
#[case("/etc/passwd", "must not begin with `/`")]
#[case("a\0", "must not contain control characters, such as a line break")]
#[case("a\nb", "must not contain control characters, such as a line break")]
#[case(
    "a\u{9b}b",
    "must not contain control characters, such as a line break"
)]
#[case("", "must not be empty")]
#[case(
    "main.py",
    "must not repeat the name of another file or of the code, which is `main.py`"
)]
#[case(
    "main.py/x",
    "must not repeat the name of another file or of the code, which is `main.py`"
)]
fn a_file_name_stays_in_its_folder(#[case] name: &str, #[case] message: &str) {
    let bad = SubmissionDraft {
        files: vec![DraftFile::new(name, "")],
        ..draft()
    };
    assert_eq!(messages(bad), [format!("files[0].name {message}")]);
}

#[test]
fn two_files_cannot_share_a_name_nor_be_file_and_folder() {
    for (first, second) in [("a", "a"), ("a", "a/b"), ("a/b", "a")] {
        let bad = SubmissionDraft {
            files: vec![DraftFile::new(first, ""), DraftFile::new(second, "")],
            ..draft()
        };
        assert!(parse(bad).is_err(), "{first} and {second}");
    }
}

#[test]
fn files_have_a_greatest_number_and_total() {
    let files = |count: usize, bytes: usize| SubmissionDraft {
        files: (0..count)
            .map(|n| DraftFile::new(format!("f{n}"), vec![0; bytes]))
            .collect(),
        ..draft()
    };
    assert!(parse(files(50, 1)).is_ok());
    assert_eq!(
        messages(files(51, 1)),
        ["files must have at most 50 entries, not 51"]
    );
    assert!(parse(files(4, 256 << 10)).is_ok());
    assert_eq!(
        messages(files(4, (256 << 10) + 1)),
        ["files must be at most 1 MiB, not 1048580 bytes"]
    );
}

#[rstest]
#[case::by_its_ending("main.py", ["a\n", "a\r\n", "a\r\n"])]
#[case::by_the_last_ending("x.tar.gz", ["a\r\n", "a\r\n", "a\r\n"])]
#[case::never_without_an_ending("main", ["a\r\n", "a\r\n", "a\r\n"])]
fn a_runner_gets_sources_without_carriage_returns_and_all_else_as_it_was_sent(
    #[case] entry_file: &str,
    #[case] expected: [&str; 3],
) {
    let names = ["lib/util.py", "data.csv", "main"];
    let submission = parse(SubmissionDraft {
        code: "\u{feff}a\r\n".to_owned(),
        files: names.map(|name| DraftFile::new(name, "a\r\n")).into(),
        ..draft()
    })
    .unwrap();
    assert_eq!(submission.source_text(), "a\n");
    let files = submission.source_files(entry_file);
    assert!(files.map(|(_, content)| content).eq(expected));
    assert_eq!(submission.code(), "\u{feff}a\r\n");
    assert_eq!(submission.files()[0].content(), "a\r\n");
}

#[test]
fn debug_shows_lengths_only() {
    let secret = SubmissionDraft {
        code: "print('hush')".to_owned(),
        input: "hush".to_owned(),
        args: vec!["hush".to_owned()],
        files: vec![DraftFile::new("data.txt", "hush")],
        expected_output: Some("hush".to_owned()),
        ..draft()
    };
    assert!(!format!("{secret:?}").contains("hush"));
    let submission = parse(secret).unwrap();
    assert!(!format!("{submission:?}").contains("hush"));
    assert!(!format!("{:?}", submission.files()).contains("hush"));
}

fn parts() -> SubmissionParts {
    parse(draft()).unwrap().0
}

#[test]
fn a_parsed_submission_can_be_restored() {
    let files = vec![DraftFile::new("data/a.txt", b"\0\xff".as_slice())];
    let parsed = parse(SubmissionDraft { files, ..draft() }).unwrap();
    assert_eq!(Submission::restore(parsed.0.clone()), Ok(parsed));
}

#[test]
fn impossible_values_are_not_restored() {
    let file = |name| File::new(FileName::parse(name).unwrap(), Bytes::new());
    let damaged = SubmissionParts {
        code: String::new(),
        args: vec!["\0".to_owned()],
        files: vec![file("a"), file("a/b")],
        ..parts()
    };
    let error = Submission::restore(damaged).unwrap_err();
    let fields: Vec<_> = error
        .errors()
        .iter()
        .map(|error| error.field.to_string())
        .collect();
    assert_eq!(fields, ["code", "args[0]", "files[1].name"]);
}

#[test]
fn an_interactive_program_has_a_wall_time_of_its_own() {
    let interactive = interactive_draft();
    let submission = parse(interactive.clone()).unwrap();
    assert!(submission.is_interactive());
    assert_eq!(submission.limits().run.wall_time(), Duration::from_mins(5));
    let shorter = RequestedLimits {
        wall_time_ms: Some(1_000),
        ..RequestedLimits::default()
    };
    let shorter = parse(SubmissionDraft {
        limits: shorter,
        ..interactive
    });
    let wall_time = shorter.unwrap().limits().run.wall_time();
    assert_eq!(wall_time, Duration::from_secs(1));
}

#[test]
fn a_language_has_limits_of_its_own() {
    let seconds = |seconds: u64| RequestedLimits {
        wall_time_ms: Some(seconds * 1000),
        ..RequestedLimits::default()
    };
    let spec = LanguageSpec {
        limits: LanguageLimits {
            default: seconds(7),
            minimum: seconds(3),
        },
        ..catalog().specs()[0].clone()
    };
    let catalog = LanguageCatalog::new(vec![spec]);
    let parse = |limits, interactive| {
        let draft = SubmissionDraft {
            limits,
            interactive,
            ..draft()
        };
        let parsed = Submission::parse(user("alice"), draft, &catalog, &submission_policy());
        parsed.map(|submission| submission.limits().run.wall_time())
    };
    let none = RequestedLimits::default();
    assert_eq!(parse(none, false), Ok(Duration::from_secs(7)));
    assert_eq!(parse(none, true), Ok(Duration::from_mins(5)));
    assert_eq!(parse(seconds(3), false), Ok(Duration::from_secs(3)));
    let error = parse(seconds(2), false).unwrap_err();
    assert_eq!(
        error.to_string(),
        "limits.wall_time_ms must be at least 3000"
    );
}

#[test]
fn an_interactive_program_is_refused_if_no_runner_passes_input_on() {
    let interactive = interactive_draft();
    let policy = SubmissionPolicy {
        interactive_wall_time: None,
        ..submission_policy()
    };
    let refused = Submission::parse(user("alice"), interactive, &catalog(), &policy);
    let error = refused.unwrap_err();
    assert_eq!(
        error.to_string(),
        "interactive is not offered by this deployment"
    );
    assert!(Submission::parse(user("alice"), draft(), &catalog(), &policy).is_ok());
}

#[test]
fn an_interactive_submission_reserves_room_for_its_input() {
    let plain = parse(draft()).unwrap();
    assert_eq!(StorePolicy::live_size(&plain), plain.size());
    let interactive = parse(interactive_draft()).unwrap();
    let reserved = StorePolicy::live_size(&interactive).as_bytes() - interactive.size().as_bytes();
    assert_eq!(reserved, StorePolicy::INPUT_KEPT_MAX.as_bytes());
}
