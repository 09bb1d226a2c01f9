mod conflicts;
mod users;

use std::collections::HashMap;
use std::io::Write as _;

use coderun_domain::{ErrorChain, StorePolicy};
use rstest::rstest;

use super::source::SettingsError;
use super::*;
use crate::Environment;

fn read_with(flags: &[&str], environment: &dyn Environment) -> Result<Invocation, SettingsError> {
    let arguments = ["coderun"].iter().chain(flags).map(Into::into);
    read(arguments, environment)
}

fn error_of(flags: &[&str], environment: &[(&'static str, &'static str)]) -> String {
    let environment: HashMap<_, _> = environment.iter().copied().collect();
    let error = read_with(flags, &environment).unwrap_err();
    ErrorChain(&error).to_string()
}

fn no_variables() -> HashMap<&'static str, &'static str> {
    HashMap::new()
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

#[test]
fn defaults_are_those_of_the_contract() {
    let arguments = ["--worker-concurrency", "4"];
    let settings = read_with(&arguments, &no_variables()).unwrap().settings;
    assert_eq!(settings.listen_address().to_string(), "127.0.0.1:8001");
    let policy = settings.limits.submission_policy().unwrap();
    assert_eq!(policy, coderun_domain::testing::submission_policy());
    let expected = StorePolicy {
        // A run may wait for memory.
        run_grace: Duration::from_secs(620),
        ..coderun_domain::testing::store_policy()
    };
    assert_eq!(settings.store_policy(), expected);
}

#[rstest]
#[case::at_least_eight("all", &["--worker-concurrency", "4"], 8)]
#[case::all_places("worker", &["--worker-concurrency", "64"], 64)]
#[case::left_to_the_workers("api", &[], u32::MAX)]
#[case::as_set("all", &["--user-running-max", "3", "--worker-concurrency", "64"], 3)]
fn a_user_may_run_as_much_as_the_worker_does(
    #[case] role: &str,
    #[case] arguments: &[&str],
    #[case] expected: u32,
) {
    let arguments = [
        &["--role", role, "--redis-url", "redis://localhost"],
        arguments,
    ]
    .concat();
    let settings = read_with(&arguments, &no_variables()).unwrap().settings;
    assert_eq!(settings.store_policy().user_running_max, expected);
}

#[test]
fn flags_override_the_environment_which_overrides_the_file() {
    let file = file("port = 1\nexecution_ttl = 11\nuser_pending_max = 21\n");
    let config = file.path().to_str().unwrap();
    let environment = HashMap::from([("PORT", "2"), ("EXECUTION_TTL", "12")]);
    let flags = ["--config", config, "--port", "3"];
    let settings = read_with(&flags, &environment).unwrap().settings;
    assert_eq!(settings.port(), 3);
    assert_eq!(settings.limits.execution_ttl, Duration::from_secs(12));
    assert_eq!(settings.limits.user_pending_max, 21);
}

#[test]
fn settings_are_accepted_before_and_after_the_command() {
    for flags in [["--port", "9000", "serve"], ["serve", "--port", "9000"]] {
        assert_eq!(
            read_with(&flags, &no_variables()).unwrap().settings.port(),
            9000
        );
    }
}

#[test]
fn an_empty_variable_is_an_unset_one() {
    let environment = HashMap::from([("PORT", ""), ("REDIS_URL", "")]);
    assert_eq!(read_with(&[], &environment).unwrap().settings.port(), 8001);
}

#[rstest]
#[case("PORT", "many", "expected a whole number")]
#[case("PORT", "65536", "65536 is not in 0..=65535")]
#[case("FILES_MAX", "-1", "expected a whole number from 0 to 10000")]
#[case("HOST", "here", "expected an IP address, such as 127.0.0.1")]
#[case(
    "CODE_MAX",
    "lots",
    "expected bytes, such as 262144, 256KiB, 1MiB or 1GiB, from 1 byte to 1 GiB"
)]
#[case("ROLE", "both", "expected all or api or worker")]
#[case(
    "EXECUTION_TTL",
    "0",
    "expected a whole number of seconds from 1 to 31536000"
)]
#[case(
    "INTERACTIVE_MAX",
    "18446744073709551615",
    "expected a whole number from 0 to 10000"
)]
fn an_invalid_value_is_named_with_its_key_and_the_expectation(
    #[case] name: &'static str,
    #[case] value: &'static str,
    #[case] expectation: &str,
) {
    let expected = format!("the environment sets `{name}` to `{value}`: {expectation}");
    assert_eq!(error_of(&[], &[(name, value)]), expected);
}

#[test]
fn an_unknown_key_of_the_file_is_named() {
    let file = file("prot = 1\n");
    let error_of = error_of(&["--config", file.path().to_str().unwrap()], &[]);
    assert!(error_of.contains("has no setting `prot`"), "{error_of}");
}

#[test]
fn a_missing_or_invalid_file_is_named_with_the_cause() {
    let broken = file("port = \n");
    let broken = broken.path().to_str().unwrap();
    for (path, cause) in [(broken, "line 1"), ("no/file.toml", "No such file")] {
        let error_of = error_of(&["--config", path], &[]);
        assert!(
            error_of.contains(path) && error_of.contains(cause),
            "{error_of}"
        );
    }
}

#[test]
fn a_file_of_languages_that_cannot_be_used_is_refused_with_language_and_key() {
    let file = file("[python]\nrun = 'python3'\n");
    let path = file.path().to_str().unwrap();
    let environment = HashMap::from([("LANGUAGES_FILE", path)]);
    let error = read_with(&[], &environment).unwrap_err().to_string();
    let origin = format!("the environment sets `LANGUAGES_FILE` to `{path}`: language `python`: ");
    assert!(error.starts_with(&origin), "{error}");
    assert!(error.ends_with("in `run`"), "{error}");
    let missing = error_of(&["--languages-file", "no/file.toml"], &[]);
    assert!(
        missing.contains("no/file.toml") && missing.contains("No such file"),
        "{missing}"
    );
}

#[test]
fn a_planned_setting_is_refused_by_name() {
    for name in ["REDIS_HOST", "PISTON_URL", "PUBLIC_URL"] {
        let error_of = error_of(&[], &[(name, "x")]);
        assert!(
            error_of.starts_with(&format!("`{name}` is set, but")),
            "{error_of}"
        );
    }
}

/// Settings whose value may be any text: what it names is looked at later.
const ANY_TEXT: [&str; 7] = [
    "data_dir",
    "state_dir",
    "toolchain_path",
    "code_execution_api_url",
    "code_execution_api_key",
    "code_execution_api_key_header",
    "firebase_service_account_path",
];

/// A value that makes no sense is refused by name, and with what was expected, wherever it comes from.
#[test]
fn no_setting_accepts_a_value_without_sense() {
    for key in source::keys(&source::command_line()) {
        let is_name = key.starts_with("firebase_") || key == "key_prefix";
        if is_name || ANY_TEXT.contains(&key.as_str()) {
            continue;
        }
        let name: &'static str = key.to_uppercase().leak();
        let flag = format!("--{}", key.replace('_', "-"));
        let given = format!("{flag}=much");
        let no_flags: &[&str] = &[];
        for (flags, variables) in [
            (no_flags, vec![(name, "-1")]),
            (no_flags, vec![(name, "18446744073709551615")]),
            (&[given.as_str()], vec![]),
        ] {
            let environment: HashMap<_, _> = variables.iter().copied().collect();
            let error = read_with(flags, &environment).err();
            let error = error.map(|it| ErrorChain(&it).to_string());
            let error = error.unwrap_or_else(|| panic!("accepted: {flags:?} {variables:?}"));
            assert!(error.contains(name) || error.contains(&flag), "{error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }
}

#[test]
fn the_password_of_redis_is_never_shown() {
    let bad = [("REDIS_URL", "redis://:hush@127.0.0.1:1/x")];
    let refused = error_of(&[], &bad);
    assert!(
        refused.contains("REDIS_URL") && !refused.contains("hush"),
        "{refused}"
    );
    for url in [
        "redis://:a#hush@h",
        "redis://:a?hush@h",
        "redis://:hush@a@h",
        "redis://u:hush/a@h",
        "redis://:hush",
        "hush",
    ] {
        for refused in [
            error_of(&[], &[("REDIS_URL", url)]),
            error_of(&["--redis-url", url], &[]),
        ] {
            assert!(!refused.contains("hush"), "{refused}");
            assert!(
                refused.contains("expected") || refused.contains("percent-encoded"),
                "{refused}"
            );
        }
    }
    let good = [("REDIS_URL", "redis://:hush@127.0.0.1:1/1")];
    let read = read_with(&[], &HashMap::from(good)).unwrap();
    let shown = format!("{:?} {:?}", read.effective, read.settings);
    assert!(
        shown.contains("127.0.0.1:1") && !shown.contains("hush"),
        "{shown}"
    );
    let help = error_of(&["--help"], &good);
    assert!(
        help.contains("--redis-url") && !help.contains("hush"),
        "{help}"
    );
}

#[test]
fn a_default_above_its_maximum_is_refused() {
    assert_eq!(
        error_of(&["--cpu-time-default", "16"], &[]),
        "`CPU_TIME_DEFAULT` must not be above `CPU_TIME_MAX`"
    );
    assert!(read_with(&["--cpu-time-default", "15"], &no_variables()).is_ok());
}

/// The settings of this role, without checking for shared state.
fn settings_of(role: Role) -> Settings {
    Settings {
        role,
        ..read_with(&[], &no_variables()).unwrap().settings
    }
}

#[test]
fn an_api_and_a_worker_have_different_default_ports() {
    assert_eq!(settings_of(Role::All).port(), 8001);
    assert_eq!(settings_of(Role::Api).port(), 8001);
    assert_eq!(settings_of(Role::Worker).port(), 8002);
    let set = Settings {
        port: Some(0),
        ..settings_of(Role::Worker)
    };
    assert_eq!(set.port(), 0);
}

#[test]
fn sizes_are_read_with_their_units() {
    let environment = HashMap::from([("CODE_MAX", "1000"), ("INPUT_MAX", "2 MiB")]);
    let settings = read_with(&[], &environment).unwrap().settings;
    let policy = settings.limits.submission_policy().unwrap();
    assert_eq!(policy.code_max.as_bytes(), 1000);
    assert_eq!(policy.input_max.as_bytes(), 2 << 20);
}

#[test]
fn origins_have_no_path_and_a_wildcard_only_for_labels() {
    let read = |text: &'static str| read_with(&[], &HashMap::from([("CORS_ORIGINS", text)]));
    let origins = "https://a.example, http://b:8080, https://*.c.example:8443";
    let settings = read(origins).unwrap().settings;
    assert_eq!(settings.cors_origins.unwrap().list().join(", "), origins);
    for bad in [
        "*",
        "a.example",
        "https://a.example/",
        "https://*",
        "https://a*.example",
        "https://a.*.example",
        "https://*.*.example",
        "null",
        ",",
    ] {
        assert!(read(bad).is_err(), "{bad}");
    }
}

#[rstest]
#[case(&[], "/home/ann/.local/state/coderun")]
#[case(&[("XDG_STATE_HOME", "/state")], "/state/coderun")]
#[case(&[("STATE_DIR", "/here")], "/here")]
fn the_default_state_directory_is_that_of_the_user(
    #[case] more: &[(&'static str, &'static str)],
    #[case] expected: &str,
) {
    let home = [("HOME", "/home/ann")];
    let environment: HashMap<_, _> = home.iter().chain(more).copied().collect();
    let settings = read_with(&[], &environment).unwrap().settings;
    assert_eq!(settings.state_dir, Some(expected.into()));
}

/// One row for each setting: variable, meaning, default.
fn table() -> String {
    let command = source::command_line();
    let row = |key: &String| {
        let arg = command
            .get_arguments()
            .find(|arg| arg.get_id().as_str() == key)
            .unwrap();
        let default = arg.get_default_values().first();
        let default = default.map_or_else(String::new, |value| format!("`{}`", value.display()));
        let help = arg.get_help().unwrap();
        format!("| `{}` | {help} | {default} |\n", key.to_uppercase())
    };
    source::keys(&command).iter().map(row).collect()
}

#[test]
fn the_documentation_lists_every_setting_with_its_default() {
    let documented = include_str!("../../../../docs/configuration.md");
    let table = table();
    assert!(
        documented.contains(&table),
        "docs/configuration.md must contain this table:\n{table}"
    );
}
