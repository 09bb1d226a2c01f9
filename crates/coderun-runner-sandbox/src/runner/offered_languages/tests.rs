use coderun_domain::testing::language;
use coderun_languages::LanguageTable;

use super::*;
use crate::config::SandboxConfig;
use crate::toolchain::discover;

const INTERVAL: Duration = Duration::from_hours(1);

async fn found_tools() -> Vec<Toolchain> {
    let languages = LanguageTable::built_in().only(&["python", "c", "perl", "lua", "bash"]);
    let config = SandboxConfig {
        languages,
        ..SandboxConfig::default()
    };
    discover(&config).await.toolchains
}

fn discovery(toolchains: &[Toolchain]) -> Discovery {
    Discovery {
        toolchains: toolchains.to_vec(),
        missing: Vec::new(),
    }
}

fn to_try(toolchains: &[Toolchain]) -> OfferedLanguages {
    OfferedLanguages::to_try(discovery(toolchains), INTERVAL)
}

/// Bash and Python, to be tried. The clock stands still from now on: the tools of the machine have answered.
async fn two_languages() -> OfferedLanguages {
    let mut found = found_tools().await;
    found.retain(|it| ["bash", "python"].contains(&it.language.as_str()));
    assert_eq!(found.len(), 2);
    found.sort_by_key(|it| it.language.clone());
    tokio::time::pause();
    to_try(&found)
}

fn offered(languages: &OfferedLanguages) -> Vec<String> {
    let offered = languages.offered();
    offered.iter().map(|it| it.language.to_string()).collect()
}

/// The languages whose trial is due now; all of them run.
fn try_due(languages: &OfferedLanguages) -> Vec<String> {
    let mut tried = Vec::new();
    while let Some(due) = languages.take_due() {
        languages.record(&due, Finding::Runs);
        tried.push(due.toolchain.language.to_string());
    }
    tried
}

async fn advance(by: Duration) {
    tokio::time::advance(by).await;
}

#[tokio::test]
async fn a_language_is_offered_once_its_example_has_run() {
    let languages = two_languages().await;
    assert_eq!(offered(&languages), [] as [String; 0]);
    let bash = languages.take_due().unwrap();
    languages.record(&bash, Finding::Runs);
    assert_eq!(offered(&languages), ["bash"]);
    assert_eq!(try_due(&languages), ["python"]);
    assert_eq!(offered(&languages), ["bash", "python"]);
    assert_eq!(languages.unavailable(), []);
    languages.settled().await;
}

#[tokio::test]
async fn a_language_that_fails_is_not_offered_with_the_reason() {
    let languages = two_languages().await;
    let bash = languages.take_due().unwrap();
    languages.record(&bash, Finding::Fails("its folder is hidden".to_owned()));
    let causes: Vec<_> = languages
        .unavailable()
        .into_iter()
        .map(|it| it.cause)
        .collect();
    let failing = UnavailableCause::Failing("its folder is hidden".to_owned());
    assert_eq!(causes, [failing, UnavailableCause::BeingChecked]);
    assert_eq!(try_due(&languages), ["python"]);
    assert_eq!(offered(&languages), ["python"]);
}

/// Versions of languages, as `c 17`.
fn names<'a>(toolchains: impl IntoIterator<Item = &'a Toolchain>) -> Vec<String> {
    let name = |it: &Toolchain| format!("{} {}", it.language, it.version.as_deref().unwrap_or("-"));
    toolchains.into_iter().map(name).collect()
}

#[tokio::test]
async fn each_version_is_tried_for_itself_the_further_ones_of_a_tool_last() {
    let mut found = found_tools().await;
    found.retain(|it| ["c", "lua", "bash"].contains(&it.language.as_str()));
    found.retain(|it| {
        it.language.as_str() != "c" || ["17", "11", "23"].contains(&it.version.as_deref().unwrap())
    });
    tokio::time::pause();
    let languages = to_try(&found);
    let mut tried = Vec::new();
    while let Some(due) = languages.take_due() {
        let fails = due.toolchain.version.as_deref() == Some("11");
        tried.push(due.toolchain.clone());
        languages.record(
            &due,
            if fails {
                Finding::Fails("broken".to_owned())
            } else {
                Finding::Runs
            },
        );
        if tried.len() == 1 {
            let (c, unknown) = (language("c"), languages.find(&language("c"), Some("23")));
            assert_eq!(unknown.unwrap().version.as_deref(), Some("23"));
            assert_eq!(
                languages.find(&c, Some("11")).unwrap().version.as_deref(),
                Some("11")
            );
        }
    }
    let mut expected = names(&found);
    let further = ["c 11", "c 23"];
    expected.retain(|name| !further.contains(&name.as_str()));
    expected.extend(further.map(str::to_owned));
    assert_eq!(names(&tried), expected);
    expected.retain(|name| name != "c 11");
    let mut offered = names(languages.offered().iter());
    offered.sort();
    expected.sort();
    assert_eq!(offered, expected);
    let unavailable = languages.unavailable();
    assert!(
        matches!(&unavailable[..], [only] if only.name() == "c 11"),
        "{unavailable:?}"
    );
    assert_eq!(
        languages
            .find(&language("c"), Some("11"))
            .unwrap()
            .version
            .as_deref(),
        Some("17")
    );
}

#[tokio::test]
async fn what_a_submission_waits_for_is_tried_next_after_the_default_version() {
    let mut found = found_tools().await;
    found.retain(|it| ["c", "lua", "bash"].contains(&it.language.as_str()));
    found.sort_by_key(|it| it.language.as_str() == "c");
    tokio::time::pause();
    let languages = to_try(&found);
    let next = || languages.take_due().unwrap();
    let first = next();
    languages.check_next(&language("c"), Some("23"));
    let (default, other) = (next(), next());
    let taken = [&first, &default, &other].map(|due| &due.toolchain);
    let [one, two] = [&found[0], &found[1]];
    let c = found.iter().find(|it| it.version.as_deref() == Some("17"));
    assert_eq!(names(taken), names([one, c.unwrap(), two]));
    assert!(
        languages.take_due().is_none(),
        "the default is not known yet"
    );
    languages.record(&default, Finding::Runs);
    assert_eq!(names([&next().toolchain]), ["c 23"]);
    assert_eq!(try_due(&languages), ["c", "c"]);
}

#[tokio::test]
async fn a_failure_of_the_sandbox_says_nothing_about_a_language() {
    let languages = two_languages().await;
    let bash = languages.take_due().unwrap();
    languages.record(&bash, Finding::Undecided);
    assert_eq!(offered(&languages), ["bash"]);
}

#[tokio::test]
async fn a_language_is_tried_once_an_hour_and_one_that_failed_each_minute() {
    let languages = two_languages().await;
    let bash = languages.take_due().unwrap();
    languages.record(&bash, Finding::Fails("broken".to_owned()));
    assert_eq!(try_due(&languages), ["python"]);
    assert_eq!(try_due(&languages), [] as [String; 0]);
    advance(PAUSE_AFTER_FAILURE).await;
    assert_eq!(try_due(&languages), ["bash"]);
    assert_eq!(offered(&languages), ["bash", "python"]);
    advance(INTERVAL).await;
    assert_eq!(try_due(&languages), ["bash", "python"]);
}

#[tokio::test]
async fn a_language_whose_run_failed_is_tried_soon_but_not_all_the_time() {
    let languages = two_languages().await;
    try_due(&languages);
    advance(PAUSE_MIN).await;
    languages.request(&language("python"));
    assert_eq!(try_due(&languages), ["python"]);
    languages.request(&language("python"));
    assert_eq!(try_due(&languages), [] as [String; 0]);
    advance(PAUSE_MIN).await;
    assert_eq!(try_due(&languages), ["python"]);
    assert_eq!(offered(&languages), ["bash", "python"]);
}

#[tokio::test]
async fn a_language_whose_tool_is_replaced_or_gone_is_tried_soon() {
    let folder = tempfile::tempdir().unwrap();
    let tool = folder.path().join("bash");
    std::fs::write(&tool, "one").unwrap();
    let mut found = found_tools().await;
    found.retain(|it| it.language.as_str() == "bash");
    found[0].program = tool.to_str().unwrap().to_owned();
    let shown = folder.path().join("shown");
    std::fs::create_dir(&shown).unwrap();
    found[0].extra_paths = vec![shown.clone()];
    tokio::time::pause();
    let languages = to_try(&found);
    let tried_after = async |change: &dyn Fn()| {
        change();
        advance(PAUSE_MIN).await;
        languages.look_for_changes();
        try_due(&languages).len()
    };
    assert_eq!(try_due(&languages), ["bash"]);
    assert_eq!(tried_after(&|| {}).await, 0);
    assert_eq!(
        tried_after(&|| std::fs::write(&tool, "two and more").unwrap()).await,
        1
    );
    assert_eq!(tried_after(&|| {}).await, 0);
    let replace_folder = || {
        std::fs::rename(&shown, folder.path().join("old")).unwrap();
        std::fs::create_dir(&shown).unwrap();
    };
    assert_eq!(tried_after(&replace_folder).await, 1);
    assert_eq!(
        tried_after(&|| std::fs::remove_file(&tool).unwrap()).await,
        1
    );
}

#[tokio::test]
async fn languages_that_are_not_tried_are_offered_and_stay_so() {
    let found = found_tools().await;
    let languages = OfferedLanguages::untried(discovery(&found));
    assert_eq!(languages.offered().len(), found.len());
    languages.request(&language("python"));
    languages.look_for_changes();
    assert!(languages.take_due().is_none());
    languages.settled().await;
}

#[tokio::test]
async fn tools_that_come_are_tried_and_those_that_go_are_forgotten() {
    let mut found = found_tools().await;
    found.retain(|it| ["bash", "python", "perl"].contains(&it.language.as_str()));
    tokio::time::pause();
    let (first, later) = (&found[..2], &found[1..]);
    let languages = to_try(first);
    assert_eq!(try_due(&languages).len(), 2);
    let missing = UnavailableLanguage {
        language: language("awk"),
        aliases: Vec::new(),
        version: None,
        cause: UnavailableCause::Failing("a tool is missing".to_owned()),
    };
    languages.replace(Discovery {
        missing: vec![missing],
        ..discovery(later)
    });
    let reasons: Vec<_> = languages
        .unavailable()
        .iter()
        .map(ToString::to_string)
        .collect();
    let checked = format!("{} is being checked", names([&found[2]])[0]);
    assert_eq!(
        reasons,
        [checked, "awk does not run: a tool is missing".to_owned()]
    );
    assert_eq!(try_due(&languages), [found[2].language.as_str()]);
    assert_eq!(names(languages.offered().iter()), names(later));
}
