//! Tests that crates depend only on those that the table below allows.
//!
//! A new dependency between crates of the workspace needs an entry here, where a reviewer sees it.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Each crate with the crates of the workspace that it may depend on, except in tests, all without `coderun-`.
const ALLOWED: [(&str, &str); 19] = [
    ("domain", ""),
    ("app", "domain"),
    ("conformance", "domain"),
    ("languages", "domain"),
    ("ledger", "domain storage-metrics"),
    ("memory", "domain ledger"),
    ("record", "domain"),
    ("redb", "domain ledger record"),
    ("redis", "domain record storage-metrics"),
    ("storage-metrics", "domain"),
    ("redis-fixture", ""),
    ("firebase", "domain json"),
    ("json", ""),
    ("playground", ""),
    ("piston-standin", "domain runner-sandbox"),
    ("runner-http", "domain languages"),
    ("runner-sandbox", "domain languages"),
    ("http", "app domain json"),
    (
        "server",
        "app domain firebase http languages memory playground redb redis runner-http runner-sandbox storage-metrics",
    ),
];

/// Each crate, without `coderun-`, with the dependencies that it must not have.
const FORBIDDEN: [(&str, &str); 6] = [
    (
        "domain",
        "tokio serde serde_json tracing metrics actix-web reqwest jsonwebtoken",
    ),
    (
        "app",
        "serde serde_json metrics-exporter-prometheus actix-web reqwest jsonwebtoken",
    ),
    ("http", "jsonwebtoken reqwest"),
    ("ledger", "actix-web redb reqwest serde"),
    ("memory", "actix-web metrics reqwest serde"),
    ("playground", "actix-web bytes tokio"),
];

/// What `cargo` prints for these arguments.
fn cargo(arguments: &str) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments.split(' '))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

fn normal_dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = cargo("metadata --no-deps --format-version=1 --offline");
    let metadata: Value = serde_json::from_str(&metadata).expect("metadata is JSON");
    let packages = metadata["packages"].as_array().expect("packages").iter();
    packages
        .map(|package| {
            let dependencies = package["dependencies"].as_array().expect("dependencies");
            let normal = dependencies.iter().filter(|it| it["kind"].is_null());
            let names = normal.map(|dependency| text(&dependency["name"]));
            (text(&package["name"]), names.collect())
        })
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().expect("a string").to_owned()
}

#[test]
fn dependencies_between_crates_are_those_of_the_table() {
    let mut found = normal_dependencies();
    for dependencies in found.values_mut() {
        dependencies.retain(|name| name.starts_with("coderun-"));
    }
    let full = |name: &str| format!("coderun-{name}");
    let allowed = ALLOWED.map(|(name, allowed)| {
        let allowed = allowed.split_whitespace().map(full);
        (full(name), allowed.collect())
    });
    assert_eq!(found, BTreeMap::from(allowed));
}

#[test]
fn no_crate_has_a_forbidden_dependency() {
    let found = normal_dependencies();
    for (name, forbidden) in FORBIDDEN {
        let found = &found[&format!("coderun-{name}")];
        for dependency in forbidden.split(' ') {
            let has = found.contains(dependency);
            assert!(!has, "coderun-{name} must not depend on {dependency}");
        }
    }
}

#[test]
fn the_domain_brings_in_no_runtime_no_serialization_and_no_client() {
    let tree = cargo("tree --offline -p coderun-domain -e normal --prefix none");
    let lines = tree.lines();
    let names: BTreeSet<&str> = lines.filter_map(|line| line.split(' ').next()).collect();
    assert!(names.contains("coderun-domain"), "{tree}");
    for forbidden in "tokio serde serde_core tracing reqwest hyper redis".split(' ') {
        assert!(!names.contains(forbidden), "{forbidden} in\n{tree}");
    }
}

/// Crates of the workspace that `coderun-server` may name outside of `compose`.
const NAMED_EVERYWHERE: [&str; 4] = [
    "coderun_app",
    "coderun_domain",
    "coderun_server",
    "coderun_storage_metrics",
];

#[test]
fn the_server_names_adapters_in_compose_alone() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&source, &mut files);
    assert!(files.len() > 20, "{files:?}");
    // The catalog lists the metrics of all crates by their constants.
    let exempt = ["compose", "compose.rs", "metrics/catalog.rs"].map(|path| source.join(path));
    let is_exempt = |file: &Path| exempt.iter().any(|path| file.starts_with(path));
    for file in files.iter().filter(|file| !is_exempt(file)) {
        let text = std::fs::read_to_string(file).expect("a source file");
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let paths = words.filter(|word| text.contains(&format!("{word}::")));
        for name in paths.filter(|word| word.starts_with("coderun_")) {
            let is_allowed = NAMED_EVERYWHERE.contains(&name);
            assert!(is_allowed, "{} names {name}", file.display());
        }
    }
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}
