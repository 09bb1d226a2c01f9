use std::collections::VecDeque;

use coderun_domain::{Enforcement, SubmissionDraft, testing};
use parking_lot::Mutex;
use rstest::rstest;
use tokio::sync::Semaphore;

use super::*;
use crate::catalog::{ListedRuntime, Runtime, RuntimeList};
use crate::client::Call;

/// An API that answers the question for its runtimes by a script, and never answers a program.
#[derive(Debug)]
struct FakeApi {
    lists: Mutex<VecDeque<Result<(), ApiError>>>,
    /// How many questions for the runtimes may be answered.
    answers: Semaphore,
}

impl FakeApi {
    fn new(answers: usize) -> Arc<Self> {
        Arc::new(Self {
            lists: Mutex::default(),
            answers: Semaphore::new(answers),
        })
    }
}

fn runtime(language: &str) -> Runtime {
    Runtime {
        language: language.to_owned(),
        version: "1.0.0".to_owned(),
    }
}

#[async_trait]
impl ThirdPartyApi for FakeApi {
    fn name(&self) -> &'static str {
        "fake"
    }

    fn enforcement(&self) -> Enforcement {
        Enforcement::default()
    }

    fn maximum_limits(&self) -> Option<Limits> {
        None
    }

    async fn runtimes(&self, _: &Client) -> Result<RuntimeList, ApiError> {
        self.answers.acquire().await.unwrap().forget();
        self.lists.lock().pop_front().unwrap_or(Ok(()))?;
        let listed = |language| ListedRuntime::new(language, runtime(language)).unwrap();
        Ok(RuntimeList {
            runtimes: vec![listed("python"), listed("c")],
            unusable: 0,
        })
    }

    async fn execute(&self, _: Arc<Program>, _: &Call) -> Result<RunResult, ApiError> {
        std::future::pending().await
    }
}

async fn runner(api: Arc<FakeApi>) -> HttpRunner {
    let config = HttpRunnerConfig {
        refresh_interval: Duration::from_hours(1),
        ..HttpRunnerConfig::new("http://127.0.0.1:1")
    };
    HttpRunner::start(config, api).await.unwrap()
}

/// The run may take 15 s and the compiler 30 s, and a call 7 s more.
#[rstest]
#[case("python", 15 + 7)]
#[case("c", 15 + 30 + 7)]
#[tokio::test(start_paused = true)]
async fn a_call_without_an_answer_ends_within_the_limits_of_its_stages_and_ten_seconds(
    #[case] language: &str,
    #[case] seconds: u64,
) {
    let runner = runner(FakeApi::new(9)).await;
    let draft = SubmissionDraft {
        language: language.to_owned(),
        ..testing::draft()
    };
    let submission = testing::submission(testing::user("alice"), draft);
    let program = Program {
        limits: *submission.limits(),
        submission: Arc::new(submission),
        runtime: runtime(language),
        entry_file: "main".to_owned(),
    };
    let begun = Instant::now();
    let state = SendState::default();
    let result = runner.execute(&Arc::new(program), &state).await;
    assert_eq!(result, Err(ApiError::Client(ClientError::NoAnswer)));
    assert_eq!(begun.elapsed().as_secs(), seconds);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_check_leaves_no_older_answer() {
    let api = FakeApi::new(1);
    let runner = runner(Arc::clone(&api)).await;
    runner.refresher.mark_stale();
    let dropped = timeout(Duration::from_millis(1), runner.check()).await;
    assert!(dropped.is_err(), "the API does not answer yet");
    let failed = ApiError::Unusable("it is gone");
    api.lists.lock().push_back(Err(failed));
    api.answers.add_permits(1);
    assert!(runner.check().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn an_overloaded_api_is_asked_for_its_runtimes_after_thirty_seconds() {
    let api = FakeApi::new(9);
    let retry_after = Some(Duration::from_hours(1));
    let overloaded = ApiError::Overloaded { retry_after };
    api.lists.lock().push_back(Err(overloaded));
    let runner = runner(api).await;
    tokio::time::sleep(Duration::from_secs(29)).await;
    assert!(runner.check().await.is_err());
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(runner.check().await.is_ok());
}
