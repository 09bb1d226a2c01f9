use rstest::rstest;

use crate::LanguageTable;

fn names(language: &str, code: &str) -> (String, String) {
    let table =
        LanguageTable::with_file("[x]\nfile = 'Main.java'\nexample = ''\nname_rule = 'java'")
            .unwrap();
    let names = table.find(language).unwrap().1.names_of(code, []);
    (names.file, names.class)
}

#[rstest]
#[case::public_class(
    "public class Hello { public static void main(String[] a) {} }",
    "Hello.java",
    "Hello"
)]
#[case::no_public_type(
    "class Hello { static void main(String[] a) {} }",
    "Main.java",
    "Hello"
)]
#[case::main_in_the_second(
    "class A {} class B { public static void main(String... a) {} }",
    "Main.java",
    "B"
)]
#[case::public_type_without_main(
    "public interface Shape {} class Start { static void main(String[] a) {} }",
    "Shape.java",
    "Start"
)]
#[case::nested_public_class(
    "class Main { public static class Inner { void main() {} } static void main(String[] a) {} }",
    "Main.java",
    "Main"
)]
#[case::package(
    "package org . example;\nimport java.util.*;\npublic final class X { }",
    "X.java",
    "org.example.X"
)]
#[case::record(
    "public record Point(int x, int y) { public static void main(String[] a) { } }",
    "Point.java",
    "Point"
)]
#[case::enumeration(
    "@Deprecated(since = \"{\") public enum Day { MON; }",
    "Day.java",
    "Day"
)]
#[case::generic(
    "public sealed abstract class Box<T extends Comparable<T>> permits A {}",
    "Box.java",
    "Box"
)]
#[case::comments(
    "// public class A {\n/* public class B { */ public class C { /* } */ }",
    "C.java",
    "C"
)]
#[case::literals(
    "class A { String s = \"} public class B {\\\" \"; char c = '{', d = '\\''; static void main(String[] a) {} }",
    "Main.java",
    "A"
)]
#[case::text_block(
    "class A { String s = \"\"\"\n } public class B { \" \"\"\"; } public class C {}",
    "C.java",
    "C"
)]
#[case::variable_called_main(
    "class A { int main = 1; void other() { main(1); } } class B { void main() {} }",
    "Main.java",
    "B"
)]
#[case::no_type("void main() { }", "Main.java", "Main")]
#[case::nothing("", "Main.java", "Main")]
#[case::other_letters("public class Größe {}", "Größe.java", "Größe")]
#[case::unbalanced("}}} public class A {", "A.java", "A")]
#[case::unclosed("/* public class A {}", "Main.java", "Main")]
fn code_names_its_file_and_class(#[case] code: &str, #[case] file: &str, #[case] class: &str) {
    assert_eq!(names("x", code), (file.to_owned(), class.to_owned()));
}

#[rstest]
#[case::main_in_the_code("class A { void main() {} }", "A")]
#[case::no_main_in_the_code("public class Shape {}", "game.App")]
#[case::no_type_in_the_code("", "game.App")]
fn a_class_with_main_is_looked_for_in_the_other_files_last(
    #[case] code: &str,
    #[case] class: &str,
) {
    let table = LanguageTable::built_in();
    let others = [
        "class Other { int main; }",
        "package game; public class App { static void main(String[] a) {} }",
        "class Later { static void main(String[] a) {} }",
    ];
    let names = table.find("java").unwrap().1.names_of(code, others);
    assert_eq!(names.class, class);
}

#[test]
fn a_name_that_no_file_can_have_is_not_used() {
    let name = "A".repeat(300);
    let code = format!("public class {name} {{}}");
    assert_eq!(names("x", &code), ("Main.java".to_owned(), name));
}

#[test]
fn without_a_rule_the_code_decides_nothing() {
    let code = "public class Hello {}";
    assert_eq!(
        names("python", code),
        ("main.py".to_owned(), "main".to_owned())
    );
}
