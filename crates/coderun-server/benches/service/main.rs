//! Measures what operations of the service cost: CPU time, work of Redis, and memory.
//!
//! The server is the real binary, in a process of its own, and calls a stand-in of Piston that takes 0 or 50 ms. With
//! `--server PATH` another binary, such as an earlier build, is measured in turn with it, and each row has the ratio of both.
//! The load comes over 64 connections; noise of the machine shows in the throughput, less in the CPU time. A row is the
//! median of three rounds, each with a fresh server and a fresh Redis.

#![expect(
    clippy::cast_precision_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement prints numbers, and fails by panicking"
)]

mod comparison;
mod faults;
mod live;
mod load;
mod meter;
mod order;
mod paths;
mod records;
mod server;
mod sockets;
#[expect(dead_code, unused_imports, reason = "shared with the tests")]
#[path = "../../tests/support/support.rs"]
mod support;

use std::io;
use std::path::PathBuf;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::comparison::Contender;

/// Measures the contenders, the first of which is this build.
type Scenario = fn(&[Contender]) -> io::Result<()>;

/// All scenarios by name.
const SCENARIOS: [(&str, Scenario); 8] = [
    ("memory", paths::in_memory),
    ("redis", paths::on_redis),
    ("sockets", sockets::measure_sockets),
    ("live", live::measure_live_output),
    ("faults", faults::measure_faults),
    ("redis-file", paths::on_redis_with_file),
    ("records", records::measure_records),
    ("order", order::measure_order),
];

/// Those that are measured only when they are asked for, because they take long.
const BY_NAME_ONLY: [&str; 3] = ["redis-file", "records", "order"];

/// What the most sockets and everything else need, in each process.
const OPEN_FILES: u64 = 12_000;

fn main() -> anyhow::Result<()> {
    let mut names = Vec::new();
    let mut contenders = vec![Contender::this_build()];
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--server" => {
                let program = words.next().map(PathBuf::from);
                let program = program.expect("`--server` takes the path of a binary");
                contenders.push(Contender::other(program.canonicalize()?));
            }
            // What `cargo bench` adds.
            option if option.starts_with("--") => {}
            _ => names.push(word),
        }
    }
    for name in &names {
        let is_known = SCENARIOS.iter().any(|(known, _)| known == name);
        assert!(is_known, "there is no scenario `{name}`");
    }
    raise_open_files_limit();
    for (name, measure) in SCENARIOS {
        let is_wanted = if names.is_empty() {
            !BY_NAME_ONLY.contains(&name)
        } else {
            names.iter().any(|wanted| wanted == name)
        };
        if is_wanted {
            measure(&contenders)?;
        }
    }
    Ok(())
}

/// Raises the limit of open files of this process and its children as far as allowed.
fn raise_open_files_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, raised).expect("a higher limit");
    let allowed = raised.current.unwrap_or(u64::MAX);
    assert!(
        allowed >= OPEN_FILES,
        "the scenarios need {OPEN_FILES} open files, and {allowed} are allowed: see `ulimit -Hn`"
    );
}
