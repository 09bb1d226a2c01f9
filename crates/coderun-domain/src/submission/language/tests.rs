use rstest::rstest;

use super::*;
use crate::testing::{catalog, draft, language};

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
