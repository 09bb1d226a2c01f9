//! Tests which settings go together.

use super::*;

const PROJECT: (&str, &str) = ("FIREBASE_PROJECT_ID", "demo-p");
const EMULATOR: (&str, &str) = ("FIREBASE_AUTH_EMULATOR_HOST", "127.0.0.1:9099");
const ACCOUNT: (&str, &str) = ("FIREBASE_SERVICE_ACCOUNT_PATH", "key.json");
const WEB_KEY: (&str, &str) = ("FIREBASE_WEB_API_KEY", "AIza");
const DOMAIN: (&str, &str) = ("FIREBASE_AUTH_DOMAIN", "auth.example.org");
const PISTON: (&str, &str) = ("RUNNER", "piston");
const API_URL: (&str, &str) = ("CODE_EXECUTION_API_URL", "http://p:2000/api/v2");
const REDIS: (&str, &str) = ("REDIS_URL", "redis://localhost");
const PUBLIC: (&str, &str) = ("HOST", "0.0.0.0");

type Variables = &'static [(&'static str, &'static str)];

#[rstest]
#[case::emulator_without_project(&[EMULATOR], "`FIREBASE_AUTH_EMULATOR_HOST` needs `FIREBASE_PROJECT_ID`, which is not set")]
#[case::account_without_project(&[ACCOUNT], "`FIREBASE_SERVICE_ACCOUNT_PATH` needs `FIREBASE_PROJECT_ID`, which is not set")]
#[case::account_with_emulator(
    &[PROJECT, EMULATOR, ACCOUNT],
    "`FIREBASE_SERVICE_ACCOUNT_PATH` and `FIREBASE_AUTH_EMULATOR_HOST` exclude each other: unset one of them"
)]
#[case::piston_without_address(&[PISTON], "`RUNNER=piston` needs `CODE_EXECUTION_API_URL`, which is not set")]
#[case::address_without_piston(
    &[API_URL],
    "`CODE_EXECUTION_API_URL` needs `RUNNER=piston`, which is not set"
)]
#[case::require_without_sandbox(
    &[PISTON, API_URL, ("REQUIRE", "memory")],
    "`REQUIRE` needs `RUNNER=sandbox`, which is not set"
)]
#[case::key_without_piston(&[("CODE_EXECUTION_API_KEY", "k")], "`CODE_EXECUTION_API_KEY` needs `RUNNER=piston`, which is not set")]
#[case::rule_without_project(&[("FIREBASE_TENANT", "any")], "`FIREBASE_TENANT` needs `FIREBASE_PROJECT_ID`, which is not set")]
#[case::key_without_project(&[WEB_KEY], "`FIREBASE_WEB_API_KEY` needs `FIREBASE_PROJECT_ID`, which is not set")]
#[case::domain_without_key(&[PROJECT, DOMAIN], "`FIREBASE_AUTH_DOMAIN` needs `FIREBASE_WEB_API_KEY`, which is not set")]
#[case::project_that_is_no_host(
    &[("FIREBASE_PROJECT_ID", "example.org:p"), WEB_KEY],
    "`FIREBASE_WEB_API_KEY` needs `FIREBASE_AUTH_DOMAIN`, which is not set"
)]
#[case::users_without_account(
    &[PROJECT, ("FIREBASE_USERS_URL", "https://u.example")],
    "`FIREBASE_USERS_URL` needs `FIREBASE_SERVICE_ACCOUNT_PATH`, which is not set"
)]
#[case::emulator_flag_without_emulator(
    &[PROJECT, ("DANGEROUSLY_EMULATE_A_REAL_PROJECT", "true")],
    "`DANGEROUSLY_EMULATE_A_REAL_PROJECT` needs `FIREBASE_AUTH_EMULATOR_HOST`, which is not set"
)]
#[case::emulator_of_a_real_project(
    &[("FIREBASE_PROJECT_ID", "real"), EMULATOR],
    "with `FIREBASE_AUTH_EMULATOR_HOST` anyone can sign in as any user, so `FIREBASE_PROJECT_ID` must begin with `demo-`, as no real project does; set `DANGEROUSLY_EMULATE_A_REAL_PROJECT=true` to allow this"
)]
#[case::two_places_for_state(
    &[REDIS, ("DATA_DIR", "/var/lib/coderun")],
    "`DATA_DIR` and `REDIS_URL` exclude each other: unset one of them"
)]
#[case::no_room_for_a_run(
    &[("MEMORY_BUDGET", "1KiB")],
    "`MEMORY_BUDGET` is 1 KiB, which must not be below `MEMORY_DEFAULT`, which is 256 MiB"
)]
#[case::no_room_for_a_submission(
    &[("LIVE_BYTES_MAX", "1MiB")],
    "`LIVE_BYTES_MAX` is 1 MiB, which must not be below `BODY_MAX`, which is 2 MiB"
)]
#[case::no_room_for_a_record(
    &[("FINAL_BYTES_MAX", "1MiB")],
    "`FINAL_BYTES_MAX` is 1 MiB, which must not be below `OUTPUT_MAX`, which is 4 MiB"
)]
#[case::replicas_of_a_cluster(
    &[("REDIS_URL", "redis+cluster://a"), ("REDIS_WAIT_REPLICAS", "1")],
    "`REDIS_WAIT_REPLICAS` does not work with a Cluster: set `min-replicas-to-write` on its masters instead"
)]
#[case::replicas_without_redis(
    &[("REDIS_WAIT_REPLICAS", "1")],
    "`REDIS_WAIT_REPLICAS` needs `REDIS_URL`, which is not set"
)]
#[case::api_without_shared_state(&[("ROLE", "api")], "`ROLE=api` needs state that other processes share: set `REDIS_URL`, or use `ROLE=all` to do everything in one process")]
#[case::worker_without_shared_state(&[("ROLE", "worker")], "`ROLE=worker` needs state that other processes share: set `REDIS_URL`, or use `ROLE=all` to do everything in one process")]
fn a_conflict_is_named(#[case] variables: Variables, #[case] expected: &str) {
    assert_eq!(error_of(&[], variables), expected);
}

#[rstest]
#[case::project(&[PROJECT])]
#[case::project_on_the_network(&[PROJECT, PUBLIC])]
#[case::emulator(&[PROJECT, EMULATOR])]
#[case::account(&[PROJECT, ACCOUNT])]
#[case::sign_in(&[PROJECT, WEB_KEY])]
#[case::sign_in_elsewhere(&[("FIREBASE_PROJECT_ID", "example.org:p"), WEB_KEY, DOMAIN])]
#[case::sign_in_with_the_emulator(&[PROJECT, EMULATOR, WEB_KEY])]
#[case::piston(&[PISTON, API_URL])]
#[case::worker_knows_no_users(&[("ROLE", "worker"), REDIS, EMULATOR, ACCOUNT, PUBLIC])]
#[case::api_runs_nothing(&[("ROLE", "api"), REDIS, PISTON])]
#[case::exposed_emulator(&[PROJECT, EMULATOR, PUBLIC, ("DANGEROUSLY_EXPOSE_EMULATOR_TOKENS", "true")])]
#[case::exposed_issuer(&[PUBLIC, ("DANGEROUSLY_EXPOSE_DEVELOPMENT_TOKENS", "true")])]
#[case::loopback(&[("HOST", "::1")])]
#[case::the_default_value(&[("FIREBASE_TENANT", "none"), ("PISTON_BODY_MAX", "100KiB")])]
#[case::real_project(&[("FIREBASE_PROJECT_ID", "real"), EMULATOR, ("DANGEROUSLY_EMULATE_A_REAL_PROJECT", "true")])]
fn settings_that_go_together_are_accepted(#[case] variables: Variables) {
    let environment: HashMap<_, _> = variables.iter().copied().collect();
    assert!(read_with(&[], &environment).is_ok());
}

#[rstest]
#[case::issuer(&[PUBLIC], "`DANGEROUSLY_EXPOSE_DEVELOPMENT_TOKENS=true`")]
#[case::emulator(&[PUBLIC, PROJECT, EMULATOR], "`DANGEROUSLY_EXPOSE_EMULATOR_TOKENS=true`")]
#[case::permission_for_the_other(
    &[PUBLIC, PROJECT, EMULATOR, ("DANGEROUSLY_EXPOSE_DEVELOPMENT_TOKENS", "true")],
    "`DANGEROUSLY_EXPOSE_EMULATOR_TOKENS=true`"
)]
fn tokens_that_others_can_create_need_a_loopback_address_or_a_permission(
    #[case] variables: Variables,
    #[case] permission: &str,
) {
    let error_of = error_of(&[], variables);
    assert!(
        error_of.contains("`HOST` is 0.0.0.0, which other machines can reach"),
        "{error_of}"
    );
    assert!(error_of.contains(permission), "{error_of}");
}

#[rstest]
#[case::default_memory(
    "java.limits.default.memory_mib = 1025",
    "language `java`: `limits.default.memory_mib` is 1025, which must not be above `MEMORY_MAX`, which is 1 GiB"
)]
#[case::minimum_memory(
    "c.limits.minimum.memory_mib = 1025",
    "language `c`: `limits.minimum.memory_mib` is 1025, which must not be above `MEMORY_MAX`, which is 1 GiB"
)]
#[case::cpu_time(
    "c.limits.default.cpu_time_ms = 15001",
    "language `c`: `limits.default.cpu_time_ms` is 15001, which must not be above `CPU_TIME_MAX`, which is 15 s"
)]
#[case::wall_time(
    "c.limits.default.wall_time_ms = 60001",
    "language `c`: `limits.default.wall_time_ms` is 60001, which must not be above `WALL_TIME_MAX`, which is 60 s"
)]
#[case::output(
    "c.limits.default.output_mib = 5",
    "language `c`: `limits.default.output_mib` is 5, which must not be above `OUTPUT_MAX`, which is 4 MiB"
)]
#[case::processes(
    "c.limits.minimum.processes = 65",
    "language `c`: `limits.minimum.processes` is 65, which must not be above `PROCESSES_MAX`, which is 64"
)]
#[case::own_default(
    "c.limits = { default.memory_mib = 64, minimum.memory_mib = 65 }",
    "language `c`: `limits.minimum.memory_mib` is 65, which must not be above `limits.default.memory_mib`, which is 64"
)]
fn a_limit_of_a_language_that_could_not_be_in_force_is_refused(
    #[case] text: &str,
    #[case] message: &str,
) {
    let file = file(text);
    let path = file.path().to_str().unwrap();
    let error = read_with(&["--languages-file", path], &no_variables()).unwrap_err();
    assert_eq!(error.to_string(), format!("`LANGUAGES_FILE`: {message}"));
}

#[rstest]
#[case::all_at_the_maximum(
    "c.limits.default = { cpu_time_ms = 15000, wall_time_ms = 60000, memory_mib = 1024, output_mib = 4, processes = 64 }",
    &[]
)]
#[case::default_and_minimum_alike("c.limits = { default.memory_mib = 64, minimum.memory_mib = 64 }", &[])]
#[case::minimum_above_the_default_of_the_service("c.limits.minimum.memory_mib = 512", &[])]
#[case::with_a_higher_maximum("java.limits.default.memory_mib = 2048", &["--memory-max", "2GiB"])]
fn limits_of_a_language_that_can_be_in_force_are_accepted(
    #[case] text: &str,
    #[case] flags: &[&str],
) {
    let file = file(text);
    let path = file.path().to_str().unwrap();
    let flags = [&["--languages-file", path], flags].concat();
    read_with(&flags, &no_variables()).unwrap();
}
