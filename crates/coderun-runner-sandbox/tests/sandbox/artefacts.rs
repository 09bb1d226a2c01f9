//! Tests what comes out of a compile stage, whose author may be hostile, and goes into the run stage.

use std::fs;
use std::path::PathBuf;

use coderun_domain::{ByteSize, DraftFile, ExitStatus, Verdict};
use coderun_languages::LanguageTable;

use crate::support::{TestSandbox, program, sandboxes, sleepers_of, until};

/// A language whose compiler is the submitted script. What it leaves in `out` is listed by the program, with its sizes.
const BUILT: &str = r#"
    [built]
    file = "main.build"
    example = ""
    tools = ["bash"]
    version = ["-c", "echo $BASH_VERSION"]
    compile = ["{tool}", "{file}"]
    artefact = "out/"
    run = ["{tool}", "-c", "find out -printf '%p %y %s\n' | grep -v ' d ' | sort; cat out/text 2>/dev/null; true"]

    [single]
    file = "main.build"
    example = ""
    tools = ["bash"]
    version = ["-c", "echo $BASH_VERSION"]
    compile = ["{tool}", "{file}"]
    artefact = "bin/main"
    run = ["{tool}", "bin/main"]
    [single.files]
    settings = "the language's"
"#;

async fn sandbox() -> TestSandbox {
    let languages = LanguageTable::with_file(BUILT).unwrap();
    let languages = languages.only(&["built", "single", "c"]);
    TestSandbox::with(|config| config.languages = languages).await
}

/// What is in the folder of the run stage after this script has filled that of the compile stage; `None` if the program was not
/// run.
async fn built(script: &str) -> Option<String> {
    let ran = sandbox().await.run("built", script).await;
    if ran.report.verdict == Verdict::CompileError {
        return None;
    }
    assert_eq!(ran.report.verdict, Verdict::Accepted, "{}", ran.stderr());
    Some(ran.stdout().to_owned())
}

#[tokio::test]
async fn a_folder_is_brought_in_with_all_files_below_it() {
    let script = "mkdir -p out/a/b; echo hello > out/text; printf xyz > 'out/a/b/ä $.class'; touch out/a/none; chmod 400 out/text";
    let expected = "out/a/b/ä $.class f 3\nout/a/none f 0\nout/text f 6\nhello\n";
    assert_eq!(built(script).await.as_deref(), Some(expected));
}

#[tokio::test]
async fn links_and_special_files_are_left_out() {
    let script = "echo hello > out/text; cd out; ln -s /etc/passwd link; ln -s /usr folder; ln -s .. up; mkfifo pipe";
    assert_eq!(
        built(script).await.as_deref(),
        Some("out/text f 6\nhello\n")
    );
}

#[tokio::test]
async fn a_link_in_place_of_the_folder_is_not_followed() {
    assert_eq!(built("rmdir out; ln -s /usr/share out").await, None);
    assert_eq!(built("rmdir out; mkfifo out").await, None);
    assert_eq!(built("rmdir out; echo text > out").await, None);
}

#[tokio::test]
async fn a_folder_without_content_is_a_compile_error() {
    assert_eq!(built("true").await, None);
    assert_eq!(built("touch out/empty; mkdir out/more").await, None);
}

/// The errors of this language's compiler, which reported success and built nothing that can be run.
async fn errors(language: &str, script: &str) -> String {
    let report = sandbox().await.run(language, script).await.report;
    assert_eq!(report.verdict, Verdict::CompileError, "{script}");
    let compile = report.compile.unwrap();
    String::from_utf8(compile.error_output.bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn what_is_too_large_or_too_much_is_an_error_that_names_the_limits() {
    // A sparse file occupies nothing, but would be copied as zeros.
    let sparse = "for i in 1 2 3; do truncate -s 60M out/$i; done";
    // One more than 1000.
    let many =
        "echo x > out/text; cd out; for i in {1..10}; do mkdir $i; (cd $i; touch {1..99}); done";
    let bytes = "echo x > out/text; cd out; touch $'\\xff'";
    let deep = "echo x > out/text; cd out; for i in {1..16}; do mkdir d; cd d; done";
    for script in [sparse, many, bytes, deep] {
        assert_eq!(
            errors("built", script).await,
            "The compiler must build the folder `out/`, with at least one byte and at most 64 MiB in at most 1000 files and \
             folders, whose names submitted files could have.\n",
            "{script}"
        );
    }
    // As many as may be, and as deep.
    let most =
        "echo x > out/text; cd out; for i in {1..9}; do mkdir $i; (cd $i; touch {1..110}); done";
    assert!(built(most).await.is_some());
    let deepest = "echo x > out/text; cd out; for i in {1..15}; do mkdir d; cd d; done";
    assert!(built(deepest).await.is_some());
}

#[tokio::test]
async fn a_compiler_that_builds_no_file_has_its_own_errors_and_what_it_must_build() {
    assert_eq!(
        errors("single", "echo warning >&2").await,
        "warning\nThe compiler must build the file `bin/main`, of at least one byte and at most 64 MiB.\n"
    );
}

#[tokio::test]
async fn many_files_that_were_built_fit_beside_what_the_program_may_write() {
    let mut program = program(
        "built",
        "echo x > out/text; cd out; for i in {1..990}; do echo x > $i; done",
    );
    program.disk = ByteSize::from_mib(1);
    let ran = sandbox().await.run_program(program).await;
    assert_eq!(ran.report.verdict, Verdict::Accepted, "{}", ran.stderr());
    assert_eq!(ran.stdout().lines().count(), 992);
}

#[tokio::test]
async fn files_that_change_while_they_are_taken_out_harm_nobody_else() {
    let script = "echo hello > out/text; (while :; do rm -f out/x; ln -s /etc/passwd out/x; rm -f out/x; echo x > out/x; done) & for i in {1..20000}; do :; done";
    let sandbox = sandbox().await;
    for _ in 0..10 {
        let ran = sandbox.run("built", script).await;
        assert!(!ran.stdout().contains("root:"), "{}", ran.stdout());
        let verdict = ran.report.verdict;
        assert!(
            matches!(verdict, Verdict::Accepted | Verdict::CompileError),
            "{verdict}"
        );
    }
}

#[tokio::test]
async fn submitted_files_do_not_get_in_the_way_of_what_was_built() {
    let sandbox = sandbox().await;
    for name in ["out/text", "out/other"] {
        let mut program = program("built", "echo built > out/text");
        program.draft.files = vec![DraftFile::new(name, "submitted")];
        let ran = sandbox.run_program(program).await;
        assert_eq!(ran.report.verdict, Verdict::Accepted, "{name}");
        assert!(ran.stdout().ends_with("built\n"), "{}", ran.stdout());
    }
}

#[tokio::test]
async fn submitted_files_are_never_in_the_way_of_a_single_file() {
    let sandbox = sandbox().await;
    let build = "rm -rf bin; mkdir bin; echo echo built > bin/main";
    for name in ["bin", "bin/main", "bin/main/x.txt", "settings/x.txt"] {
        let mut program = program("single", build);
        program.draft.files = vec![DraftFile::new(name, "submitted")];
        let ran = sandbox.run_program(program).await;
        assert_eq!(ran.report.verdict, Verdict::Accepted, "{name}");
        assert_eq!(ran.stdout(), "built\n", "{name}");
    }
}

#[tokio::test]
async fn a_folder_in_place_of_the_built_file_is_an_error_of_the_compiler() {
    let mut program = program("c", "int main(void) { return 0; }");
    program.draft.files = vec![DraftFile::new("main/x.txt", "submitted")];
    let ran = sandbox().await.run_program(program).await;
    assert_eq!(ran.report.verdict, Verdict::CompileError);
    let compile = ran.report.compile.unwrap();
    let errors = String::from_utf8_lossy(compile.error_output.bytes()).into_owned();
    assert!(errors.contains("main"), "{errors}");
}

/// A language whose compiler is the submitted script, and whose program is what that leaves in `main`.
const PROGRAM: &str = r#"
    [built]
    file = "main.build"
    example = "cp /bin/true main"
    tools = ["bash"]
    version = ["-c", "echo $BASH_VERSION"]
    compile = ["{tool}", "{file}"]
    artefact = "main"
    run = ["./{artefact}"]
"#;

#[tokio::test]
async fn a_built_file_that_cannot_be_executed_is_the_programs_failure() {
    let languages = LanguageTable::with_file(PROGRAM).unwrap().only(&["built"]);
    let sandbox = TestSandbox::with(|config| config.languages = languages).await;
    let ran = sandbox.run("built", "cp /bin/true main").await;
    assert_eq!(ran.report.verdict, Verdict::Accepted, "{}", ran.stderr());
    // A loader that is missing, is a folder, needs itself, and is no loader.
    for loader in ["/nonexistent", "/box", "/box/main", "/etc/passwd"] {
        let ran = sandbox
            .run("built", &format!("echo '#!{loader}' > main"))
            .await;
        assert_eq!(ran.report.verdict, Verdict::RuntimeError, "{loader}");
        let exit = ran.report.exit_status;
        assert_eq!(exit, Some(ExitStatus::Exited(126)), "{loader}");
    }
}

#[tokio::test]
async fn the_sandbox_closes_what_was_built_once_it_is_written() {
    let languages = LanguageTable::with_file(PROGRAM).unwrap().only(&["built"]);
    let sandbox = TestSandbox::with(|config| config.languages = languages).await;
    // The program must run while its sandbox is looked at.
    let look = async {
        until(|| !sleepers_of(std::process::id()).is_empty()).await;
        fs::read_dir(format!("/proc/{}/fd", sandboxes()[0])).map(|open| {
            open.map(|it| fs::read_link(it.unwrap().path()).unwrap())
                .collect::<Vec<_>>()
        })
    };
    let open = tokio::select! {
        ran = sandbox.run("built", "printf '#!/bin/sh\nsleep 1000' > main") => panic!("{}", ran.stderr()),
        open = look => open,
    };
    let Ok(open) = open else {
        // Only root may look.
        assert!(!rustix::process::geteuid().is_root());
        return;
    };
    let is_in_memory = |it: &PathBuf| it.to_string_lossy().contains("memfd");
    assert!(
        !open.is_empty() && !open.iter().any(is_in_memory),
        "{open:?}"
    );
}
