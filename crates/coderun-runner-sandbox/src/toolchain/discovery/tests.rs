use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use coderun_languages::LanguageTable;

use super::*;
use crate::toolchain::{find, specs};

#[test]
fn the_system_and_the_root_need_no_mount_of_their_own() {
    let system = ["/usr/bin", "/"].map(PathBuf::from);
    assert_eq!(outside_of_system(system), [] as [PathBuf; 0]);
}

#[test]
fn a_folder_below_another_needs_no_mount_of_its_own() {
    let root = tempfile::tempdir().unwrap();
    let home = root.path().canonicalize().unwrap();
    let bin = home.join("bin");
    std::fs::create_dir(&bin).unwrap();
    assert_eq!(outside_of_system([bin, home.clone()]), [home]);
}

#[tokio::test]
async fn a_tool_that_is_not_there_means_no_language() {
    let config = SandboxConfig {
        search_path: vec![PathBuf::from("/nonexistent")],
        ..SandboxConfig::default()
    };
    assert!(discover(&config).await.toolchains.is_empty());
}

/// A program that prints these lines, whatever its arguments are.
fn tool(folder: &Path, name: &str, lines: &[&str]) -> String {
    let path = folder.join(name);
    let script = format!("#!/bin/sh\necho '{}'\n", lines.join("\n"));
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    path.to_str().unwrap().to_owned()
}

/// The toolchains of a language with this table.
async fn discovered(folder: &Path, keys: &str) -> Vec<Toolchain> {
    let file = format!("[awk]\nfile = 'main.awk'\nexample = ''\nrun = ['{{tool}}']\n{keys}");
    let config = SandboxConfig {
        languages: LanguageTable::with_file(&file).unwrap(),
        search_path: vec![folder.to_owned()],
        ..SandboxConfig::default()
    };
    discover(&config).await.toolchains
}

fn versions(toolchains: &[Toolchain]) -> Vec<&str> {
    let versions = toolchains.iter().map(|it| it.version.as_deref().unwrap());
    versions.collect()
}

#[tokio::test]
async fn the_first_tool_that_answers_is_used_and_each_of_the_others_is_one_more_version() {
    let folder = tempfile::tempdir().unwrap();
    let silent = tool(folder.path(), "silent", &[]);
    tool(folder.path(), "first", &["1.3.4"]);
    tool(folder.path(), "unused", &["1.0"]);
    let second = tool(folder.path(), "second", &["2.0"]);
    let same = tool(folder.path(), "same", &["2.0"]);
    let keys = format!(
        "tools = ['{silent}', 'first', 'unused']\nversion = ['-v']\nmore_tools = ['{second}', 'none', '{same}']"
    );
    let found = discovered(folder.path(), &keys).await;
    assert_eq!(versions(&found), ["1.3.4", "2.0"]);
    let language = coderun_domain::testing::language("awk");
    let program = |version| {
        let found = find(&found, &language, version).unwrap();
        found.program.clone()
    };
    assert_eq!(program(Some("2.0")), second);
    assert_eq!(program(Some("1.3.4")), program(None));
    // A version that was there when it was asked for.
    assert_eq!(program(Some("1.3.3")), program(None));
    assert_eq!(specs(&found).remove(0).versions, ["1.3.4", "2.0"]);
}

#[tokio::test]
async fn a_tool_may_know_several_versions_of_its_language() {
    let folder = tempfile::tempdir().unwrap();
    tool(folder.path(), "awk-tool", &["12.2.0"]);
    let keys = "tools = ['awk-tool']\nversion = ['-v']\nversions = ['17', '23']\nenvironment = { STD = '{version}' }";
    let found = discovered(folder.path(), keys).await;
    assert_eq!(versions(&found), ["17", "23"]);
    let full_versions = found.iter().map(|it| it.full_version.as_deref().unwrap());
    assert!(full_versions.eq(["17 (awk-tool 12.2.0)", "23 (awk-tool 12.2.0)"]));
    assert_eq!(specs(&found).len(), 1);
}

#[tokio::test]
async fn a_tool_that_needs_a_hidden_folder_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    tool(folder.path(), "one", &["/bin/sh", "1.0", "/dev/shm"]);
    tool(folder.path(), "other", &["/bin/sh", "2.0", "/var"]);
    let keys = "tools = ['one', 'other']\ninspect = ['-v']";
    let found = discovered(folder.path(), keys).await;
    assert_eq!(versions(&found), ["2.0"]);
    assert_eq!(found[0].extra_paths, [Path::new("/var")]);
}

#[tokio::test]
async fn a_tool_that_prints_too_much_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    // More than is read and than a pipe holds.
    tool(folder.path(), "one", &["1.0", &"x".repeat(200_000)]);
    tool(folder.path(), "other", &["2.0", &"x".repeat(50_000)]);
    let keys = "tools = ['one', 'other']\nversion = ['-v']";
    assert_eq!(versions(&discovered(folder.path(), keys).await), ["2.0"]);
}

#[test]
fn folders_below_those_for_temporary_files_and_settings_can_be_shown() {
    for (path, expected) in [
        ("/tmp", true),
        ("/tmp/venv", false),
        ("/etc", true),
        ("/etc/php", false),
        ("/box/venv", true),
        ("/dev/shm", true),
        ("/devices", false),
    ] {
        assert_eq!(is_hidden(Path::new(path)), expected, "{path}");
    }
}

#[test]
fn the_version_is_the_first_number_that_a_tool_prints() {
    let version = |printed| first_number(printed).unwrap_or_default();
    assert_eq!(version("go version go1.19.8 linux/amd64"), "1.19.8");
    assert_eq!(version("ruby 3.1.2p20 (2022-04-12)"), "3.1.2");
    assert_eq!(version("javac 21"), "21");
    assert_eq!(version("Version 4."), "4");
    assert_eq!(version("unknown"), "");
}

#[test]
fn the_home_of_a_person_is_not_a_toolchain() {
    let languages = LanguageTable::built_in();
    let (_, entry) = languages.find("java").unwrap();
    let config = SandboxConfig {
        discovery_environment: vec![("HOME".to_owned(), "/srv/service".to_owned())],
        ..SandboxConfig::default()
    };
    let candidate = Candidate {
        entry,
        program: Path::new("/home/alice/bin/javac"),
        config: &config,
    };
    let is_home = |path| candidate.is_home_of_a_person(Path::new(path));
    assert!(is_home("/home/alice") && is_home("/srv/service"));
    assert!(!is_home("/home/alice/jdk") && !is_home("/opt/jdk"));
}

#[tokio::test]
async fn a_tool_that_the_operator_names_and_that_is_missing_or_fails_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let own = "[awk]\nfile = 'main.awk'\nexample = ''\ntools = ['gawk', 'none']\nversion = ['-V']\nrun = ['{tool}']\n\
        [bash]\nmore_tools = ['/opt/none/bash']\n\
        [sed]\nfile = 'main.sed'\nexample = ''\ntools = ['sed']\nversion = ['-V']\nrun = ['{tool}']";
    tool(folder.path(), "sed", &[]);
    let config = SandboxConfig {
        languages: LanguageTable::with_file(own).unwrap(),
        search_path: vec![folder.path().to_owned()],
        ..SandboxConfig::default()
    };
    let missing = discover(&config).await.missing;
    let reasons: Vec<_> = missing.iter().map(ToString::to_string).collect();
    let expected = [
        "bash does not run: a tool is missing: `bash`",
        "bash does not run: a tool is missing: `/opt/none/bash`",
        "awk does not run: a tool is missing: `gawk`, `none`",
        "sed does not run: a tool does not print its version: `sed`",
    ];
    assert_eq!(reasons, expected);
}
