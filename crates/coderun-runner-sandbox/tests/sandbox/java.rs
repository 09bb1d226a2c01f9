//! Tests the names of files and classes in Java, and programs of several files.

use coderun_conformance::code_runner::Program;
use coderun_domain::{ByteSize, DraftFile, Verdict};
use coderun_languages::LanguageTable;

use crate::support::{TestSandbox, program};

async fn sandbox() -> TestSandbox {
    let languages = LanguageTable::built_in().only(&["java"]);
    TestSandbox::with(|config| config.languages = languages).await
}

/// A program under limits in which the runtime lives.
fn java(code: &str, files: &[(&'static str, &'static str)]) -> Program {
    let mut java = program("java", code);
    java.memory = ByteSize::from_mib(256);
    java.compile_memory = ByteSize::from_mib(512);
    java.processes = 64;
    let files = files
        .iter()
        .map(|(name, content)| DraftFile::new(*name, *content));
    java.draft.files = files.collect();
    java
}

#[tokio::test]
async fn the_code_may_call_its_class_as_it_likes() {
    let sandbox = sandbox().await;
    let main = "public static void main(String[] args) { System.out.println(new Inner()); }";
    let inner = "static class Inner { public String toString() { return \"inner\"; } }";
    for declaration in [
        "public class Hello",
        "class Größe",
        "package a.b; public final class Other",
    ] {
        let code = format!("{declaration} {{ {main} {inner} }}");
        let ran = sandbox.run_program(java(&code, &[])).await;
        assert_eq!(
            ran.stdout(),
            "inner\n",
            "{declaration} {} {:?}",
            ran.stderr(),
            ran.report
        );
    }
}

#[tokio::test]
async fn a_program_may_have_several_files_and_packages() {
    let code = "import shapes.Square;\npublic class Program {\n\
        public static void main(String[] args) throws Exception {\n\
        System.out.println(new Square(3).area() + Integer.parseInt(args[0]));\n\
        System.out.print(java.nio.file.Files.readString(java.nio.file.Path.of(\"data/text\")));\n} }";
    let square = "package shapes;\npublic record Square(int side) { public int area() { return side * side; } }";
    let mut program = java(
        code,
        &[("shapes/Square.java", square), ("data/text", "data\n")],
    );
    program.draft.args = vec!["4".to_owned()];
    let ran = sandbox().await.run_program(program).await;
    assert_eq!(
        ran.stdout(),
        "13\ndata\n",
        "{} {:?}",
        ran.stderr(),
        ran.report
    );
}

/// The page of languages has this program.
#[tokio::test]
async fn main_may_stand_in_any_file_also_in_one_called_main() {
    let main = "import shapes.*;\npublic class Main {\n\
        public static void main(String[] args) { System.out.println(new Square(3).area()); } }";
    let square = "package shapes;\npublic record Square(int side) implements Shape {\n\
        public int area() { return side * side; } }";
    let shape = "package shapes;\npublic interface Shape { int area(); }";
    let ran = sandbox()
        .await
        .run_program(java(
            shape,
            &[("Main.java", main), ("shapes/Square.java", square)],
        ))
        .await;
    assert_eq!(ran.stdout(), "9\n", "{} {:?}", ran.stderr(), ran.report);
}

#[tokio::test]
async fn a_file_of_the_name_of_the_code_is_another_file() {
    let twice = "public class Twice { public static void main(String[] args) { new Other(); } }";
    let other = "class Other { { System.out.println(\"other\"); } }";
    let sandbox = sandbox().await;
    let ran = sandbox
        .run_program(java(twice, &[("Twice.java", other)]))
        .await;
    assert_eq!(ran.stdout(), "other\n", "{} {:?}", ran.stderr(), ran.report);
    let ran = sandbox
        .run_program(java(twice, &[("Twice.java", twice)]))
        .await;
    assert_eq!(ran.report.verdict, Verdict::CompileError);
    let compile = ran.report.compile.unwrap();
    let errors = String::from_utf8_lossy(compile.error_output.bytes()).into_owned();
    assert!(errors.contains("duplicate class: Twice"), "{errors}");
}
