use super::*;

fn built_in() -> Vec<LanguageEntry> {
    let table = LanguageTable::with_file("").unwrap();
    assert!(table.entries().len() >= 22);
    table.entries
}

fn entry_of(file: &str, name: &str) -> LanguageEntry {
    let table = LanguageTable::with_file(file).unwrap();
    table.find(name).unwrap().1.clone()
}

fn refusal(file: &str) -> String {
    LanguageTable::with_file(file).unwrap_err().to_string()
}

const AWK: &str = r#"
[awk]
file = "main.awk"
example = 'BEGIN { print "Hello, World!" }'
tools = ["mawk"]
version = ["-W", "version"]
run = ["{tool}", "-f", "{file}"]
"#;

#[test]
fn every_language_has_a_file_and_a_greeting() {
    for entry in built_in() {
        assert!(entry.file.contains('.'), "{entry:?}");
        assert!(entry.example.contains("Hello, World!"), "{entry:?}");
    }
}

#[test]
fn some_languages_are_interpreted_and_others_compiled() {
    let table = LanguageTable::built_in();
    let is_interpreted = |name| table.find(name).unwrap().1.is_interpreted;
    assert!(is_interpreted("python") && is_interpreted("bash"));
    assert!(!is_interpreted("c") && !is_interpreted("typescript"));
}

#[test]
fn a_file_adds_languages_after_the_others() {
    let table = LanguageTable::with_file(AWK).unwrap();
    assert_eq!(table.entries().len(), built_in().len() + 1);
    assert_eq!(table.entries().last().unwrap().name(), "awk");
}

#[test]
fn a_file_replaces_just_the_keys_that_it_has() {
    let mut expected = entry_of("", "python");
    let changed = entry_of("[python.environment]\nPYTHONUTF8 = \"0\"\n", "python");
    let variable = ("PYTHONUTF8".to_owned(), "0".to_owned());
    expected.environment.extend([variable]);
    assert_eq!(changed, expected);
    let names = LanguageTable::with_file("[c]\ntools = [\"clang\"]").unwrap();
    let names = names.entries().iter().map(LanguageEntry::name);
    assert!(names.eq(built_in().iter().map(LanguageEntry::name)));
}

#[test]
fn a_language_like_another_takes_all_but_its_names() {
    let file =
        "[numpy]\nlike = \"python\"\ntools = [\"numpy-python\"]\n[python]\nfile = \"code.py\"";
    let numpy = entry_of(file, "numpy");
    let expected = LanguageEntry {
        name: "numpy".to_owned(),
        like: Some("python".to_owned()),
        aliases: Vec::new(),
        tools: vec!["numpy-python".to_owned()],
        has_own_tools: true,
        ..entry_of(file, "python")
    };
    assert_eq!(numpy, expected);
    assert_eq!(numpy.file, "code.py");
}

/// Whole files, with the reason why each is refused.
const BAD_FILES: [(&str, &str); 12] = [
    ("[awk", "not TOML: TOML parse error at line 1, column 5"),
    (
        "awk = 1",
        "language `awk`: must be a table, written as `[awk]`",
    ),
    ("[awk]", "language `awk`: missing field `file`"),
    (
        "[Awk]\nfile = 'a'\nexample = ''",
        "language `Awk`: its name: a language name has",
    ),
    ("[c]\nfile = '../main.c'", "language `c`: `file` "),
    ("[c]\nfile = 'main.cc'", "`file` must end with `.c`"),
    (
        "[c]\nartefact = '/main'",
        "`artefact` must not begin with `/`",
    ),
    ("[c]\ntools = []", "`tools` is missing, which `run` needs"),
    (
        "[c]\nversion_names = { 9 = 'x' }",
        "language `c`: `version_names`: `9` is none of `versions`",
    ),
    (
        "[python]\nversions = ['3.12']",
        "language `python`: `versions` needs `{version}` in ",
    ),
    (
        "[x]\nlike = 'y'",
        "language `x`: `like` must name a language, not \"y\"",
    ),
    (
        "[x]\nlike = 'c'\n[y]\nlike = 'x'",
        "language `y`: `like` must name a language without `like`",
    ),
];

/// Lines that spoil a good table, with the reason.
const BAD_LINES: [(&str, &str); 12] = [
    ("colour = 1", "unknown field `colour`, expected one of"),
    (
        "compile = 'cc'",
        "invalid type: string \"cc\", expected a sequence in `compile`",
    ),
    (
        "environment = { A = 1 }",
        "invalid type: integer `1`, expected a string in `environment.A`",
    ),
    (
        "aliases = ['A W K']",
        "`aliases`: `A W K`: a language name has",
    ),
    ("aliases = ['py']", "`aliases`: `py` means `python` already"),
    (
        "aliases = ['python']",
        "`aliases`: `python` means `python` already",
    ),
    (
        "environment = { A = '{toll}' }",
        "`environment`: unknown placeholder `{toll}`; known are `{tool}`, ",
    ),
    (
        "environment = { A = '{sources}' }",
        "`environment`: `{sources}` must be an argument of its own",
    ),
    (
        "compile = ['{tool}']",
        "`artefact` is missing, which `compile` needs",
    ),
    (
        "artefact = 'main'",
        "`compile` is missing, which `artefact` needs",
    ),
    ("inspect = ['-v']", "it needs either `version` or `inspect`"),
    (
        "more_tools = ['bin/awk']",
        "`tools`: `bin/awk` must be a name or an absolute path",
    ),
];

#[test]
fn a_file_that_cannot_be_used_is_refused_with_language_and_key() {
    for (file, expected) in BAD_FILES {
        let refusal = refusal(file);
        assert!(refusal.contains(expected), "{file}\n{refusal}");
    }
}

#[test]
fn a_key_that_cannot_be_used_is_refused_with_its_language() {
    for (line, expected) in BAD_LINES {
        let refusal = refusal(&format!("{AWK}{line}\n"));
        let expected = format!("language `awk`: {expected}");
        assert!(refusal.starts_with(&expected), "{line}\n{refusal}");
    }
}
