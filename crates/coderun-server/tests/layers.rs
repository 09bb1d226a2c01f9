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

/// Each crate with the crates of the workspace that it may depend on, except in tests.
const ALLOWED: [(&str, &[&str]); 17] = [
    ("coderun-domain", &[]),
    ("coderun-app", &["coderun-domain"]),
    ("coderun-conformance", &["coderun-domain"]),
    (
        "coderun-ledger",
        &["coderun-domain", "coderun-storage-metrics"],
    ),
    ("coderun-memory", &["coderun-domain", "coderun-ledger"]),
    ("coderun-record", &["coderun-domain"]),
    (
        "coderun-redb",
        &["coderun-domain", "coderun-ledger", "coderun-record"],
    ),
    (
        "coderun-redis",
        &[
            "coderun-domain",
            "coderun-record",
            "coderun-storage-metrics",
        ],
    ),
    ("coderun-storage-metrics", &["coderun-domain"]),
    ("coderun-redis-fixture", &[]),
    ("coderun-firebase", &["coderun-domain", "coderun-json"]),
    ("coderun-json", &[]),
    (
        "coderun-piston-standin",
        &["coderun-domain", "coderun-runner-sandbox"],
    ),
    ("coderun-runner-http", &["coderun-domain"]),
    ("coderun-runner-sandbox", &["coderun-domain"]),
    (
        "coderun-http",
        &["coderun-app", "coderun-domain", "coderun-json"],
    ),
    (
        "coderun-server",
        &[
            "coderun-app",
            "coderun-domain",
            "coderun-firebase",
            "coderun-http",
            "coderun-memory",
            "coderun-redb",
            "coderun-redis",
            "coderun-runner-http",
            "coderun-runner-sandbox",
            "coderun-storage-metrics",
        ],
    ),
];

/// Each crate with the dependencies that it must not have.
const FORBIDDEN: [(&str, &[&str]); 5] = [
    (
        "coderun-domain",
        &[
            "tokio",
            "serde",
            "serde_json",
            "tracing",
            "metrics",
            "actix-web",
            "reqwest",
            "jsonwebtoken",
        ],
    ),
    (
        "coderun-app",
        &[
            "serde",
            "serde_json",
            "metrics-exporter-prometheus",
            "actix-web",
            "reqwest",
            "jsonwebtoken",
        ],
    ),
    ("coderun-http", &["jsonwebtoken", "reqwest"]),
    ("coderun-ledger", &["actix-web", "redb", "reqwest", "serde"]),
    (
        "coderun-memory",
        &["actix-web", "metrics", "reqwest", "serde"],
    ),
];

fn normal_dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version=1", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo metadata runs");
    assert!(output.status.success(), "{output:?}");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("metadata is JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    packages
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().expect("dependencies");
            let normal = dependencies
                .iter()
                .filter(|dependency| dependency["kind"].is_null())
                .map(|dependency| text(&dependency["name"]));
            (text(&package["name"]), normal.collect())
        })
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().expect("a string").to_owned()
}

#[test]
fn dependencies_between_crates_are_those_of_the_table() {
    let found: BTreeMap<String, BTreeSet<String>> = normal_dependencies()
        .into_iter()
        .map(|(name, dependencies)| {
            let ours = dependencies
                .into_iter()
                .filter(|name| name.starts_with("coderun-"));
            (name, ours.collect())
        })
        .collect();
    let allowed = ALLOWED.iter().map(|(name, dependencies)| {
        let dependencies = dependencies.iter().map(|name| (*name).to_owned());
        ((*name).to_owned(), dependencies.collect())
    });
    assert_eq!(found, allowed.collect());
}

#[test]
fn no_crate_has_a_forbidden_dependency() {
    let found = normal_dependencies();
    for (name, forbidden) in FORBIDDEN {
        for dependency in forbidden {
            assert!(
                !found[name].contains(*dependency),
                "{name} must not depend on {dependency}"
            );
        }
    }
}

#[test]
fn the_domain_brings_in_no_runtime_no_serialization_and_no_client() {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "-p",
            "coderun-domain",
            "-e",
            "normal",
            "--prefix",
            "none",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo tree runs");
    assert!(output.status.success(), "{output:?}");
    let tree = String::from_utf8(output.stdout).expect("text");
    let names: BTreeSet<&str> = tree
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert!(names.contains("coderun-domain"), "{tree}");
    for forbidden in [
        "tokio",
        "serde",
        "serde_core",
        "tracing",
        "reqwest",
        "hyper",
        "redis",
    ] {
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
