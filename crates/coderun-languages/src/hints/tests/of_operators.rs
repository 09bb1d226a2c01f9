//! Tests the hints that an operator adds.

use super::*;

#[test]
fn a_language_that_is_like_another_has_its_hints() {
    let own = "[clang]\nlike = 'c'\n[other]\nlike = 'bash'";
    let languages = LanguageTable::with_file(own).unwrap();
    let hints = HintTable::for_languages(&languages);
    let has_hint = |language| {
        let run = FailedRun {
            language,
            verdict: Verdict::RuntimeError,
            is_compiling: false,
            exit_status: Some(ExitStatus::Exited(1)),
            has_no_input: false,
            has_waited: false,
            text: "".into(),
        };
        hints.find(&run).is_some()
    };
    assert!(has_hint("c") && has_hint("clang"));
    assert!(!has_hint("bash") && !has_hint("other"));
}

#[test]
fn hints_of_an_operator_come_before_those_that_are_built_in() {
    let own = "[python.hints]\nexit_codes = [1]\n[[python.hints.runtime_error]]\n\
        message = 'NameError: .*'\nhint = 'See page 3'\n[other]\nlike = 'python'";
    let hints = HintTable::for_languages(&LanguageTable::with_file(own).unwrap());
    let hint = |language, stderr: &str| {
        let mistake = failed_with(stderr);
        let found = hints.find(&mistake.run(language));
        found.map(|(_, sentence)| sentence).unwrap()
    };
    assert_eq!(
        hint("python", "NameError: name 'x' is not defined\n"),
        "See page 3"
    );
    assert_eq!(
        hint("other", "NameError: name 'x' is not defined\n"),
        "See page 3"
    );
    assert!(hint("python", "ZeroDivisionError: division by zero\n").contains("divides by zero"));
}

#[rstest]
#[case::unknown_key(
    "runtime_errors = []",
    "language `python`: `hints`: unknown field `runtime_errors`"
)]
#[case::other_languages(
    "languages = ['c']",
    "language `python`: `hints`: `languages` is for groups"
)]
#[case::bad_pattern("trace = ['(']", "language `python`: `hints`: ")]
fn hints_of_an_operator_that_are_wrong_are_refused_with_the_language(
    #[case] key: &str,
    #[case] expected: &str,
) {
    let error = LanguageTable::with_file(&format!("[python.hints]\n{key}")).unwrap_err();
    assert!(error.to_string().contains(expected), "{error}");
}
