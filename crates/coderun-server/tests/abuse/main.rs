//! Attacks the real service as hostile users and clients do, and says whether a victim notices.
//!
//! `just abuse` runs all attacks against a release build, confined by a script of this folder, and prints a table,
//! `just abuse burners channels` those two;
//! `just abuse --mixed 10` runs many at once for ten minutes, and prints the memory of the service. The tests of
//! the workspace run the light ones, by the protocol of custom test harnesses: they assert verdicts and bounds, and no times.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and prints what it found"
)]

mod accounts;
mod answers;
mod arena;
mod attack;
mod bodies;
mod channels;
mod connections;
mod floods;
mod looks;
mod memory;
mod mixed;
mod neighbours;
mod places;
mod process_one;
mod processors;
mod report;
#[expect(dead_code, unused_imports, reason = "shared with other test programs")]
#[path = "../support/support.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::attack::ATTACKS;
use crate::support::Launch;

/// The options without a value: that of `just abuse`, and those that the test runner adds.
const FLAGS: [&str; 3] = ["--release", "--exact", "--nocapture"];

fn main() -> ExitCode {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let server = take_option(&mut words, "--server").map(PathBuf::from);
    let minutes = take_option(&mut words, "--mixed");
    let has = |option: &str| words.iter().any(|word| word == option);
    if has("--list") {
        let light = ATTACKS.iter().filter(|attack| attack.is_light);
        for attack in light.filter(|_| !has("--ignored")) {
            println!("{}: test", attack.name);
        }
        return ExitCode::SUCCESS;
    }
    let is_light = has("--exact");
    let (flags, names): (Vec<&String>, Vec<&String>) =
        words.iter().partition(|word| word.starts_with("--"));
    let unknown = flags.iter().find(|flag| !FLAGS.contains(&flag.as_str()));
    assert!(unknown.is_none(), "there is no option {unknown:?}");
    let unknown = names
        .iter()
        .find(|name| ATTACKS.iter().all(|attack| attack.name != **name));
    assert!(unknown.is_none(), "there is no attack {unknown:?}");
    let server = server.or_else(|| has("--release").then(release_build));
    let launch = server.map_or_else(Launch::new, |path| Launch::new().program(path));
    raise_open_files_limit();
    if let Some(minutes) = minutes {
        let minutes = minutes.parse().expect("a number of minutes");
        return exit_code(mixed::holds(&launch, minutes));
    }
    report::print_head();
    let mut all_held = true;
    for attack in &ATTACKS {
        if names.is_empty() || names.iter().any(|name| *name == attack.name) {
            let report = arena::report_on(attack, &launch, is_light);
            report.print(attack);
            all_held &= report.is_acceptable();
        }
    }
    exit_code(all_held)
}

const fn exit_code(has_held: bool) -> ExitCode {
    if has_held {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The binary that `cargo build --release` makes beside the one of this test.
fn release_build() -> PathBuf {
    let built = Path::new(env!("CARGO_BIN_EXE_coderun")).ancestors().nth(2);
    built.expect("a folder").join("release/coderun")
}

/// Takes an option with its value out of the words.
fn take_option(words: &mut Vec<String>, name: &str) -> Option<String> {
    let at = words.iter().position(|word| word == name)?;
    words.remove(at);
    Some(words.remove(at))
}

/// Raises the limit of open files of this process and its children as far as allowed.
fn raise_open_files_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, raised).expect("a higher limit");
}
