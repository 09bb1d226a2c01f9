//! Tests that the binary accepts the settings that `deploy/compose.yaml` gives to it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use rstest::rstest;

use crate::support::{coderun, output, text};

const COMPOSE: &str = include_str!("../../../../deploy/compose.yaml");
const CONFIGURATION: &str = include_str!("../../../../docs/configuration.md");

/// The variables of a top-level part or a service of the compose file, before interpolation.
fn variables(part: &str) -> impl Iterator<Item = (&str, &str)> {
    let (_, rest) = COMPOSE.split_once(&format!("\n{part}:")).unwrap();
    let depth = part.len() - part.trim_start().len();
    let lines = rest.lines().skip(1).take_while(move |line| {
        line.trim().is_empty() || line.len() - line.trim_start().len() > depth
    });
    let variables = lines.filter_map(|line| line.trim().split_once(": "));
    variables.filter(|(name, _)| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
}

/// Replaces `${NAME:-default}` and `${NAME:+replacement}` as Compose does where only these variables are set.
fn interpolate(text: &str, set: &[(&str, &str)]) -> String {
    let Some((before, rest)) = text.split_once("${") else {
        return text.to_owned();
    };
    let (expression, after) = rest.split_once('}').unwrap();
    let (name, word) = expression.split_once(':').unwrap();
    let value = set.iter().find(|(set, _)| *set == name);
    let value = match (word.split_at(1), value) {
        (("-", _), Some((_, value))) => value,
        (("-", default), None) => default,
        (("+", replacement), Some(_)) => replacement,
        (("+", _), None) => "",
        (other, _) => panic!("{other:?} is not interpolated here"),
    };
    format!("{before}{value}{}", interpolate(after, set))
}

/// The environment of an API, with that of the file which compose reads if it exists.
fn environment_of_api(set: &[(&str, &str)]) -> BTreeMap<String, String> {
    let listed = variables("x-environment").chain(variables("  api"));
    let mut environment: BTreeMap<String, String> = listed
        .map(|(name, value)| (name.to_owned(), interpolate(value, set)))
        .collect();
    let (_, path) = COMPOSE.split_once("- path: ").unwrap();
    let path = interpolate(path.lines().next().unwrap(), set);
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../deploy")
        .join(path);
    if file.exists() {
        let text = std::fs::read_to_string(file).unwrap();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let pairs = lines.filter_map(|line| line.split_once('='));
        environment.extend(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
    environment
}

#[rstest]
#[case::no_project(&[], true)]
#[case::project(&[("FIREBASE_PROJECT_ID", "my-app")], false)]
fn the_apis_of_compose_expose_development_tokens_only_without_a_project(
    #[case] set: &[(&str, &str)],
    #[case] expected: bool,
) {
    let state = tempfile::tempdir().unwrap();
    let environment = environment_of_api(set);
    let mut command = coderun(&state);
    let checked = output(
        command
            .env("ROLE", "api")
            .envs(&environment)
            .arg("check-config"),
    );
    assert!(checked.status.success(), "{}", text(&checked.stderr));
    let exposed = text(&checked.stdout).contains("expose_development_tokens = \"true\"");
    assert_eq!(exposed, expected, "{}", text(&checked.stdout));
}

#[test]
fn compose_sets_only_settings_that_exist() {
    for (name, _) in ["x-environment", "  api", "  worker"]
        .into_iter()
        .flat_map(variables)
    {
        let is_setting = CONFIGURATION.contains(&format!("\n| `{name}` |"));
        assert!(is_setting || name == "RUST_LOG", "{name}");
    }
}
