use coderun_domain::testing::language;

use super::*;
use crate::config::SandboxConfig;
use crate::toolchain::discover;

const INTERVAL: Duration = Duration::from_hours(1);

/// Bash and Python, to be tried. The clock stands still from now on: the tools of the machine have answered.
async fn two_languages() -> OfferedLanguages {
    let mut found = discover(&SandboxConfig::default()).await;
    found.retain(|it| ["bash", "python"].contains(&it.language.as_str()));
    assert_eq!(found.len(), 2);
    found.sort_by_key(|it| it.language.clone());
    tokio::time::pause();
    OfferedLanguages::to_try(&found, INTERVAL)
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
    assert_eq!(languages.health(), Health::Good);
    languages.settled().await;
}

#[tokio::test]
async fn a_language_that_fails_is_not_offered_and_the_health_says_why() {
    let languages = two_languages().await;
    let bash = languages.take_due().unwrap();
    languages.record(&bash, Finding::Fails("its folder is hidden".to_owned()));
    let Health::Limited { reason } = languages.health() else {
        panic!("it is healthy");
    };
    assert!(reason.starts_with("bash "), "{reason}");
    assert!(
        reason.contains(" does not run: its folder is hidden; python "),
        "{reason}"
    );
    assert!(reason.ends_with(" is being tried"), "{reason}");
    assert_eq!(try_due(&languages), ["python"]);
    assert_eq!(offered(&languages), ["python"]);
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
    let mut found = discover(&SandboxConfig::default()).await;
    found.retain(|it| it.language.as_str() == "bash");
    found[0].program = tool.to_str().unwrap().to_owned();
    let shown = folder.path().join("shown");
    std::fs::create_dir(&shown).unwrap();
    found[0].extra_paths = vec![shown.clone()];
    tokio::time::pause();
    let languages = OfferedLanguages::to_try(&found, INTERVAL);
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
    let found = discover(&SandboxConfig::default()).await;
    let languages = OfferedLanguages::untried(&found);
    assert_eq!(languages.offered().len(), found.len());
    languages.request(&language("python"));
    languages.look_for_changes();
    assert!(languages.take_due().is_none());
    languages.settled().await;
}
