//! Tests which tools and versions run a program: standards, second versions, and an operator's own environments.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use coderun_conformance::code_runner::Program;
use coderun_conformance::slowness;
use coderun_domain::{CodeRunner as _, Verdict};
use coderun_languages::LanguageTable;
use tempfile::TempDir;

use crate::support::{TestSandbox, eventually, launchers, program, sleepers_of, until};

fn in_version(version: &str, program: Program) -> Program {
    let mut program = program;
    program.draft.version = Some(version.to_owned());
    program
}

#[tokio::test]
async fn the_standard_of_c_and_cpp_can_be_asked_for() {
    let sandbox = TestSandbox::start().await;
    let c = "#include <stdio.h>\nint main(void) { printf(\"%ld\\n\", __STDC_VERSION__); }";
    let cpp = "#include <cstdio>\nint main() { std::printf(\"%ld\\n\", __cplusplus); }";
    for (language, code, version, macro_value) in [
        ("c", c, "11", 201_112),
        ("c", c, "17", 201_710),
        ("cpp", cpp, "11", 201_103),
        ("cpp", cpp, "20", 202_002),
    ] {
        let ran = sandbox
            .run_program(in_version(version, program(language, code)))
            .await;
        assert_eq!(ran.stdout(), format!("{macro_value}\n"), "{}", ran.stderr());
        let full_version = ran.report.language_version.unwrap();
        let tool = if language == "c" { "gcc" } else { "g++" };
        assert!(
            full_version.starts_with(&format!("{version} ({tool} 1")),
            "{full_version}"
        );
    }
    let in_name = "#include <iostream>\n#include <ranges>\n#include <vector>\nint main() {\n    std::vector<int> v{1, 2, 3};\n\
        for (int x : v | std::views::transform([](int i) { return 2 * i; })) std::cout << x << ' ';\n}";
    let ran = sandbox.run("c++20", in_name).await;
    assert_eq!(ran.stdout(), "2 4 6 ", "{}", ran.stderr());
    // Their values were not settled when today's compilers were made.
    for (language, code, published_before) in [("c", c, 201_710), ("cpp", cpp, 202_002)] {
        let ran = sandbox
            .run_program(in_version("23", program(language, code)))
            .await;
        let value: u32 = ran.stdout().trim().parse().unwrap();
        assert!(value > published_before, "{value}");
    }
}

/// A virtual environment of the machine's own Python with one package.
fn virtual_environment() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let venv = folder.path().canonicalize().unwrap().join("venv");
    let made = Command::new("/usr/bin/python3")
        .args(["-m", "venv", "--without-pip"])
        .arg(&venv)
        .status();
    assert!(made.unwrap().success());
    let libraries = fs::read_dir(venv.join("lib")).unwrap();
    for library in libraries {
        let package = library.unwrap().path().join("site-packages/cowsay.py");
        fs::write(package, "def cow(text): print('moo', text)\n").unwrap();
    }
    (folder, venv)
}

const COW: &str = "import sys\nprint(sys.prefix)\nimport cowsay\ncowsay.cow('hello')";

fn expected_of_cow(venv: &Path) -> String {
    format!("{}\nmoo hello\n", venv.display())
}

#[tokio::test]
async fn a_virtual_environment_in_the_search_path_is_used_as_it_is() {
    let (_folder, venv) = virtual_environment();
    let sandbox = TestSandbox::with(|config| config.search_path.insert(0, venv.join("bin"))).await;
    let ran = sandbox.run("python", COW).await;
    assert_eq!(ran.stdout(), expected_of_cow(&venv), "{}", ran.stderr());
    let write = format!("open('{}/x', 'w')", venv.display());
    let ran = sandbox.run("python", &write).await;
    assert!(
        ran.stderr().contains("Read-only file system"),
        "{}",
        ran.stderr()
    );
}

#[tokio::test]
async fn a_virtual_environment_can_be_a_language_beside_the_others() {
    let (_folder, venv) = virtual_environment();
    let tool = venv.join("bin/python");
    let file = format!("[cows]\nlike = 'python'\ntools = ['{}']", tool.display());
    let languages = LanguageTable::with_file(&file)
        .unwrap()
        .only(&["cows", "python"]);
    let sandbox = TestSandbox::with(|config| config.languages = languages).await;
    let ran = sandbox.run("cows", COW).await;
    assert_eq!(ran.stdout(), expected_of_cow(&venv), "{}", ran.stderr());
    let ran = sandbox.run("python", COW).await;
    assert!(
        ran.stderr().contains("No module named 'cowsay'"),
        "{}",
        ran.stderr()
    );
}

/// Below `/tmp` each sandbox mounts toolchains again, over a folder of its own.
#[tokio::test]
async fn a_toolchain_that_was_removed_takes_no_other_language_along() {
    let (folder, venv) = virtual_environment();
    let sandbox = TestSandbox::with(|config| config.search_path.insert(0, venv.join("bin"))).await;
    let before = sandbox.run("python", COW).await;
    assert_eq!(
        before.stdout(),
        expected_of_cow(&venv),
        "{}",
        before.stderr()
    );
    folder.close().unwrap();
    let ran = sandbox.run("bash", "echo still here").await;
    assert_eq!(ran.stdout(), "still here\n", "{}", ran.stderr());
}

/// A tool that tells which one it is, and then runs a file of Bash.
fn write_tool(path: &Path, name: &str) {
    let script = format!("#!/bin/bash\necho {name}\nexec bash \"$@\"\n");
    fs::write(path, script).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Sandboxes show the file of the first by itself, and the folder of the second.
#[tokio::test]
async fn a_toolchain_that_was_replaced_is_that_of_the_next_program() {
    let root = tempfile::tempdir_in("/var/tmp").unwrap();
    let (file, folder) = (root.path().join("tool"), root.path().join("folder"));
    let in_folder = folder.join("tool");
    fs::create_dir(&folder).unwrap();
    write_tool(&file, "old");
    write_tool(&in_folder, "old");
    let entry = |name: &str, tool: &Path, paths: &str| {
        format!(
            "[{name}]\nfile = 'main.sh'\nexample = 'echo'\ntools = ['{}']\nversion = ['--version']\npaths = [{paths}]\n\
             run = ['{{tool}}', '{{file}}']\n",
            tool.display()
        )
    };
    let languages = entry("by_file", &file, "")
        + &entry("by_folder", &in_folder, &format!("'{}'", folder.display()));
    let languages = LanguageTable::with_file(&languages).unwrap();
    let names = ["by_file", "by_folder"];
    let languages = languages.only(&names);
    let sandbox = TestSandbox::with(|config| {
        config.languages = languages;
        config.slots = 2;
    })
    .await;
    let run_both = async |expected: &str| {
        for name in names {
            let ran = sandbox.run(name, "echo ran").await;
            assert_eq!(
                ran.stdout(),
                format!("{expected}\nran\n"),
                "{}",
                ran.stderr()
            );
        }
    };
    let code = format!("sleep {}; echo to the end", 3 * slowness());
    let long = sandbox.run("by_file", &code);
    let replaced = async {
        until(|| !sleepers_of(std::process::id()).is_empty()).await;
        run_both("old").await;
        write_tool(&root.path().join("new"), "new");
        fs::rename(root.path().join("new"), &file).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        fs::create_dir(&folder).unwrap();
        write_tool(&in_folder, "new");
        run_both("new").await;
        assert_eq!(launchers().len(), 2);
    };
    let (ran, ()) = tokio::join!(long, replaced);
    assert_eq!(ran.stdout(), "old\nto the end\n", "{}", ran.stderr());
    eventually("the old launcher has ended", || launchers().len() == 1);
}

#[tokio::test]
async fn a_second_tool_runs_the_programs_that_ask_for_its_version() {
    let folder = tempfile::tempdir().unwrap();
    // It says that it is another version, and runs programs as the first one does.
    let old = folder.path().join("old");
    let script = "#!/bin/sh\nif [ \"$1\" = -c ]; then echo 1.2; else exec /bin/sh \"$@\"; fi\n";
    fs::write(&old, script).unwrap();
    fs::set_permissions(&old, fs::Permissions::from_mode(0o755)).unwrap();
    let file = format!(
        "[bash]\nmore_tools = ['{}']\nversion = ['-c', 'echo $BASH_VERSION']",
        old.display()
    );
    let languages = LanguageTable::with_file(&file).unwrap().only(&["bash"]);
    let sandbox = TestSandbox::with(|config| config.languages = languages).await;
    let specs = sandbox.runner.languages();
    let bash = specs.iter().find(|it| it.language.as_str() == "bash");
    assert_eq!(bash.unwrap().versions.len(), 2, "{bash:?}");
    for (version, expected) in [("1.2", "no"), ("5", "yes")] {
        let code = "[ -n \"$BASH_VERSION\" ] && echo yes || echo no";
        let ran = sandbox
            .run_program(in_version(version, program("bash", code)))
            .await;
        assert_eq!(ran.stdout(), format!("{expected}\n"), "{}", ran.stderr());
        let full_version = ran.report.language_version.unwrap();
        assert!(full_version.starts_with(version), "{full_version}");
    }
}

#[tokio::test]
async fn a_language_that_nobody_built_in_runs() {
    let file = r#"
        [awk]
        file = "main.awk"
        example = 'BEGIN { print "Hello, World!" }'
        tools = ["mawk", "gawk", "awk"]
        version = ["-W", "version"]
        run = ["{tool}", "-f", "{file}", "--"]
    "#;
    let languages = LanguageTable::with_file(file).unwrap().only(&["awk"]);
    let sandbox = TestSandbox::with(|config| config.languages = languages).await;
    let mut sum = program("awk", "{ sum += $1 } END { print sum }").input("1\n2\n");
    let ran = sandbox.run_program(sum.clone()).await;
    assert_eq!(ran.stdout(), "3\n", "{}", ran.stderr());
    sum.draft.code = "{".to_owned();
    assert_eq!(
        sandbox.run_program(sum).await.report.verdict,
        Verdict::RuntimeError
    );
}

#[tokio::test]
async fn a_language_may_name_files_that_sandboxes_have_already() {
    let file = r#"
        [bash]
        paths = ["/etc/ld.so.cache", "/etc/alternatives/awk", "/etc/hosts", "/etc/localtime", "/etc/os-release"]
    "#;
    let languages = LanguageTable::with_file(file).unwrap().only(&["bash"]);
    let sandbox = TestSandbox::with(|config| config.languages = languages).await;
    let code = "awk 'BEGIN { print \"ran\" }'; cat /etc/hosts";
    let ran = sandbox.run("bash", code).await;
    let hosts = fs::read_to_string("/etc/hosts").unwrap();
    assert_eq!(ran.stdout(), format!("ran\n{hosts}"), "{}", ran.stderr());
}
