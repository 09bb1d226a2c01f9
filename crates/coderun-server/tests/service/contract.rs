//! Checks that the tests exist which the table of the contract names.

use std::fs;
use std::path::{Path, PathBuf};

/// The root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// All sources below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = paths.partition(|path| path.is_dir());
    let below = folders.iter().flat_map(|folder| sources(folder));
    let sources = files.into_iter().chain(below);
    sources
        .filter(|path| path.extension().is_some_and(|it| it == "rs"))
        .collect()
}

/// Whether a source belongs to a module: `worker/tests/input.rs` to `worker::tests::input`, and to modules within it.
fn belongs_to(source: &Path, folder: &Path, module: &str) -> bool {
    let path = source.strip_prefix(folder).unwrap().with_extension("");
    let path = path.to_str().unwrap().replace('/', "::");
    let is_root = ["lib", "main"].contains(&path.as_str());
    is_root || module == path || module.starts_with(&format!("{path}::"))
}

/// Whether a test of this name exists: `crate::program module::test`, as nextest prints it.
fn exists(name: &str) -> bool {
    let (program, test) = name.split_once(' ').unwrap_or((name, ""));
    let (package, folder) = match program.split_once("::") {
        Some((package, program)) => (package, format!("tests/{program}")),
        None => (program, "src".to_owned()),
    };
    let folder = root().join("crates").join(package).join(folder);
    let (module, function) = test.rsplit_once("::").unwrap_or(("", test));
    let sources = sources(&folder).into_iter();
    let mut sources = sources.filter(|source| belongs_to(source, &folder, module));
    let definition = format!("fn {function}(");
    sources.any(|source| fs::read_to_string(source).unwrap().contains(&definition))
}

#[test]
fn every_test_that_the_table_names_exists() {
    let table = fs::read_to_string(root().join("docs/contract-tests.md")).unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| "));
    let rows: Vec<_> = rows.filter(|row| *row != "| promise | tests |").collect();
    assert!(rows.len() > 100, "{} rows", rows.len());
    let mut missing = Vec::new();
    for row in rows {
        let tests = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        let names: Vec<_> = tests.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "no test in: {row}");
        missing.extend(names.into_iter().filter(|name| !exists(name)));
    }
    assert!(missing.is_empty(), "{missing:#?}");
}
