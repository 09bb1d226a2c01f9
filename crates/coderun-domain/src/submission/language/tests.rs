use rstest::rstest;

use super::*;
use crate::testing::{catalog, draft, language};
use crate::{FailureKind, UnavailableCause};

fn spec(name: &str, aliases: &[&str], versions: &[&str]) -> LanguageSpec {
    let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
    LanguageSpec {
        language: language(name),
        aliases: owned(aliases),
        versions: owned(versions),
        ..catalog().specs()[0].clone()
    }
}

fn languages() -> LanguageCatalog {
    LanguageCatalog::new(vec![
        spec("python", &["py", "python3"], &["3.11.2", "3.9.18"]),
        spec("cpp", &["c++", "both"], &["17", "11", "20"]),
        spec("c", &["both"], &["17"]),
        spec("php8", &[], &[]),
    ])
}

fn found(name: &str, version: Option<&str>) -> Result<(String, Option<String>), String> {
    let draft = SubmissionDraft {
        language: name.to_owned(),
        version: version.map(str::to_owned),
        ..draft()
    };
    let (languages, mut errors) = (languages(), SubmissionError::default());
    let chosen = find(&draft, &languages, &mut errors);
    let errors = errors.into_result(());
    errors.map_err(|errors| errors.to_string())?;
    let ChosenLanguage { spec, version } = chosen.unwrap();
    Ok((spec.language.to_string(), version.map(str::to_owned)))
}

#[rstest]
#[case::default("Python", None, "python", Some("3.11.2"))]
#[case::alias_that_ends_in_a_number("Python 3", None, "python", Some("3.11.2"))]
#[case::in_the_name("python3.9", None, "python", Some("3.9.18"))]
#[case::with_a_space("C++ 20", None, "cpp", Some("20"))]
#[case::with_a_dash("c++-11", None, "cpp", Some("11"))]
#[case::in_the_field("c++", Some("11"), "cpp", Some("11"))]
#[case::in_both("c++11", Some("11"), "cpp", Some("11"))]
#[case::narrower_in_the_field("py 3", Some("3.9"), "python", Some("3.9.18"))]
#[case::narrower_in_the_name("py3.9", Some("3"), "python", Some("3.9.18"))]
#[case::name_that_ends_in_a_number("PHP 8", None, "php8", None)]
fn a_version_stands_in_the_field_or_at_the_end_of_the_name(
    #[case] name: &str,
    #[case] version: Option<&str>,
    #[case] language: &str,
    #[case] expected: Option<&str>,
) {
    let expected = (language.to_owned(), expected.map(str::to_owned));
    assert_eq!(found(name, version), Ok(expected));
}

#[rstest]
#[case::in_the_name(
    "python2",
    None,
    "language must name an offered version of python, not `2`; offered are 3.11.2, 3.9.18"
)]
#[case::in_the_field(
    "py",
    Some("3.1"),
    "version must name an offered version of python, not `3.1`; offered are 3.11.2, 3.9.18"
)]
#[case::long(
    "py",
    Some("1234567890123456789012345678901234567890"),
    "version must name an offered version of python, not `12345678901234567890123456789012…`; offered are 3.11.2, 3.9.18"
)]
#[case::not_known(
    "php8",
    Some("8.2"),
    "version must name an offered version of php8, not `8.2`; it is offered without a choice of versions"
)]
fn a_version_that_is_not_offered_is_answered_with_those_that_are(
    #[case] name: &str,
    #[case] version: Option<&str>,
    #[case] message: &str,
) {
    assert_eq!(found(name, version), Err(message.to_owned()));
}

#[test]
fn two_versions_that_contradict_each_other_are_both_named() {
    let message = "version is `11`, but `language` names version `20`";
    assert_eq!(found("c++20", Some("11")), Err(message.to_owned()));
}

#[test]
fn an_unknown_language_is_answered_with_the_nearest_and_with_all() {
    let all = "python (py, python3), cpp (c++, both), c (both), php8";
    let near = format!("language is unknown; did you mean `python`? Known are {all}");
    assert_eq!(found("Pyhton 3.11", None), Err(near));
    let far = format!("language is unknown; known are {all}");
    assert_eq!(found("cobol", None), Err(far));
}

#[test]
fn a_name_of_two_languages_is_answered_with_both() {
    let message = "language may mean each of c, cpp; use one of these names";
    assert_eq!(found("both", None), Err(message.to_owned()));
}

#[rstest]
#[case::both(
    "C/C++",
    Err("language may mean each of c, cpp; use one of these names")
)]
#[case::one("Python / py", Ok("python"))]
fn a_name_of_several_parts_means_each_language_that_they_name(
    #[case] name: &str,
    #[case] expected: Result<&str, &str>,
) {
    let language = found(name, None).map(|(language, _)| language);
    assert_eq!(language.as_deref().map_err(String::as_str), expected);
    assert!(found(&format!("{name}/cobol"), None).is_err());
}

#[test]
fn a_name_has_a_bounded_number_of_parts() {
    let parts = |count| ["python"].repeat(count).join("/");
    assert!(found(&parts(NAME_PARTS_MAX), None).is_ok());
    assert!(found(&parts(NAME_PARTS_MAX + 1), None).is_err());
}

fn unavailable(name: &str, version: Option<&str>, cause: UnavailableCause) -> UnavailableLanguage {
    UnavailableLanguage {
        language: language(name),
        aliases: vec![format!("{name}-alias")],
        version: version.map(str::to_owned),
        cause,
    }
}

/// The languages with some that cannot be run.
fn some_languages() -> LanguageCatalog {
    let failing = || UnavailableCause::Failing("its folder is gone".to_owned());
    languages().with_unavailable([
        unavailable("ruby", Some("3.1"), UnavailableCause::BeingChecked),
        unavailable("ruby", Some("3.3"), UnavailableCause::BeingChecked),
        unavailable("go", Some("1.19"), failing()),
        unavailable("cpp", Some("23"), UnavailableCause::BeingChecked),
        unavailable("cpp", Some("98"), failing()),
        // None of these counts: more is known of each.
        unavailable("python", None, failing()),
        unavailable("cpp", Some("20"), failing()),
        unavailable("ruby", None, UnavailableCause::NotInstalled),
        unavailable("kotlin", None, UnavailableCause::NotInstalled),
    ])
}

#[rstest]
#[case::being_checked(
    "ruby-alias",
    None,
    "language names ruby 3.1, which is still being checked; try again in a few seconds",
    FailureKind::Unavailable
)]
#[case::being_checked_in_this_version(
    "Ruby 3.3",
    None,
    "language names ruby 3.3, which is still being checked; try again in a few seconds",
    FailureKind::Unavailable
)]
#[case::being_checked_in_the_version_of_the_field(
    "ruby",
    Some("3.3"),
    "language names ruby 3.3, which is still being checked; try again in a few seconds",
    FailureKind::Unavailable
)]
#[case::failing(
    "Go 1.19",
    None,
    "language names go 1.19, which does not run here now: its folder is gone",
    FailureKind::Invalid
)]
#[case::not_installed(
    "Kotlin 2",
    None,
    "language names kotlin, which is not installed here; offered are python (py, python3), cpp (c++, both), c (both), php8",
    FailureKind::Invalid
)]
#[case::version_being_checked(
    "c++23",
    None,
    "language names cpp 23, which is still being checked; try again in a few seconds",
    FailureKind::Unavailable
)]
#[case::failing_version(
    "c++",
    Some("98"),
    "version names cpp 98, which does not run here now: its folder is gone",
    FailureKind::Invalid
)]
fn what_cannot_be_run_now_is_answered_with_the_reason(
    #[case] name: &str,
    #[case] version: Option<&str>,
    #[case] message: &str,
    #[case] kind: FailureKind,
) {
    let draft = SubmissionDraft {
        language: name.to_owned(),
        version: version.map(str::to_owned),
        ..draft()
    };
    let (languages, mut errors) = (some_languages(), SubmissionError::default());
    find(&draft, &languages, &mut errors);
    assert_eq!(
        (errors.to_string().as_str(), errors.kind()),
        (message, kind)
    );
    let being_checked = draft.language_being_checked(&languages).is_some();
    assert_eq!(being_checked, kind == FailureKind::Unavailable);
    errors.add(Field::Code, FieldProblem::Empty);
    assert_eq!(errors.kind(), FailureKind::Invalid);
}

#[test]
fn what_runs_is_not_unavailable() {
    let languages = some_languages();
    let names: Vec<_> = languages
        .unavailable()
        .iter()
        .map(ToString::to_string)
        .collect();
    let expected = [
        "ruby 3.1 is being checked",
        "ruby 3.3 is being checked",
        "go 1.19 does not run: its folder is gone",
        "cpp 23 is being checked",
        "cpp 98 does not run: its folder is gone",
        "kotlin is not installed",
    ];
    assert_eq!(names, expected);
}

#[test]
fn a_long_list_of_languages_is_cut() {
    let problem = FieldProblem::UnknownLanguage {
        known: vec!["l".repeat(99); 100],
        nearest: None,
    };
    let message = problem.to_string();
    assert!(message.ends_with("l and 81 more"), "{message}");
    assert!(message.len() < 2100, "{}", message.len());
}
