use std::collections::VecDeque;

use bytes::Bytes;
use coderun_domain::{Attempt, Enforcement, OutputStream, SubmissionDraft, testing};
use parking_lot::Mutex;
use rstest::rstest;
use tokio::sync::Semaphore;

use super::*;
use crate::catalog::{ListedRuntime, Runtime, RuntimeList};
use crate::client::Call;

/// An API that answers by a script. It never answers a program that the script has nothing for.
#[derive(Debug)]
struct FakeApi {
    lists: Mutex<VecDeque<Result<(), ApiError>>>,
    results: Mutex<VecDeque<Result<RunResult, ApiError>>>,
    /// How many questions for the runtimes may be answered.
    answers: Semaphore,
}

impl FakeApi {
    fn new(answers: usize) -> Arc<Self> {
        Arc::new(Self {
            lists: Mutex::default(),
            results: Mutex::default(),
            answers: Semaphore::new(answers),
        })
    }
}

/// A runtime in the version that submissions of the tests ask for.
fn runtime(language: &str) -> Runtime {
    let submission = submission(language);
    Runtime {
        language: language.to_owned(),
        version: submission.version().unwrap().to_owned(),
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
            skipped: 0,
        })
    }

    async fn execute(&self, _: Arc<Program>, call: &Call) -> Result<RunResult, ApiError> {
        assert!(call.state.begin());
        let result = self.results.lock().pop_front();
        match result {
            Some(result) => result,
            None => std::future::pending().await,
        }
    }
}

async fn runner(api: Arc<FakeApi>) -> HttpRunner {
    runner_of(api, 64).await
}

async fn runner_of(api: Arc<FakeApi>, concurrency: usize) -> HttpRunner {
    let config = HttpRunnerConfig {
        concurrency,
        refresh_interval: Duration::from_hours(1),
        ..HttpRunnerConfig::new("http://127.0.0.1:1")
    };
    HttpRunner::start(config, api).await.unwrap()
}

fn submission(language: &str) -> Arc<Submission> {
    let draft = SubmissionDraft {
        language: language.to_owned(),
        ..testing::draft()
    };
    Arc::new(testing::submission(testing::user("alice"), draft))
}

fn request(language: &str) -> RunRequest {
    RunRequest {
        id: testing::execution_id(1),
        attempt: Attempt::from_count(1),
        submission: submission(language),
    }
}

/// Cancels its program after a second.
struct CancelSoon;

#[async_trait]
impl RunIo for CancelSoon {
    async fn output(&mut self, _: OutputStream, _: Bytes) {}

    fn mark_truncated(&mut self, _: OutputStream) {}

    async fn input(&mut self, _: InputWanted) -> RunInput {
        tokio::time::sleep(Duration::from_secs(1)).await;
        RunInput::Cancel
    }
}

/// A program that was refused does not run, though its request was sent.
#[rstest]
#[case::sent(None, Some("abandoned"))]
#[case::refused(Some(5), None)]
#[tokio::test(start_paused = true)]
async fn a_cancelled_program_is_abandoned_only_if_it_may_run(
    #[case] retry_after: Option<u64>,
    #[case] expected: Option<&str>,
) {
    let api = FakeApi::new(9);
    if retry_after.is_some() {
        let retry_after = retry_after.map(Duration::from_secs);
        let refused = ApiError::Overloaded { retry_after };
        api.results.lock().push_back(Err(refused));
    }
    let runner = runner(api).await;
    let begun = Instant::now();
    let report = runner.run(request("c"), &mut CancelSoon).await.unwrap();
    assert_eq!(begun.elapsed(), Duration::from_secs(1));
    assert_eq!(report.verdict, Verdict::Cancelled);
    assert_eq!(report.enforcement.cancel.as_deref(), expected);
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
    let submission = submission(language);
    let program = Program {
        limits: *submission.limits(),
        submission,
        runtime: runtime(language),
        entry_file: "main".to_owned(),
    };
    let begun = Instant::now();
    let state = SendState::default();
    let result = runner.execute(&Arc::new(program), &state).await;
    assert_eq!(result, Err(ApiError::NoAnswer));
    assert_eq!(begun.elapsed().as_secs(), seconds);
}

/// One permit is spare, so the first lost answer holds up nothing.
#[tokio::test(start_paused = true)]
async fn lost_answers_hold_up_other_programs_for_thirty_seconds_at_most() {
    let api = FakeApi::new(9);
    let lost = || Err(ApiError::NoAnswer);
    let done = RunResult::without_run(Verdict::Accepted, None);
    api.results
        .lock()
        .extend([lost(), Ok(done.clone()), lost(), Ok(done)]);
    let runner = runner_of(api, 1).await;
    let run = async || runner.run(request("c"), &mut CancelSoon).await;
    for expected in [false, true, false] {
        assert_eq!(run().await.is_ok(), expected);
    }
    tokio::time::sleep(Duration::from_secs(29)).await;
    let checked = runner.check().await;
    assert!(matches!(checked, Err(RunnerError::Overloaded { .. })));
    tokio::time::sleep(Duration::from_millis(1001)).await;
    assert!(runner.check().await.is_ok());
    assert!(run().await.is_ok());
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
