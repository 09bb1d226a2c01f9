//! Embeds the domain with a store and a runner of its own: `cargo run -p coderun-domain --example embed`.
//!
//! The store keeps executions in a map; the runner prints the input of a program in capitals. A store for real use passes the
//! suites of `coderun-conformance`, which have a clause for every promise of the ports.

#![expect(clippy::print_stdout, reason = "an example shows its result")]

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use coderun_domain::{
    CancelReply, CodeRunner, Execution, ExecutionId, ExecutionStore, Health, InputWanted,
    LanguageCatalog, LanguageSpec, Limits, Outcome, Output, OutputBuffer, OutputStream, Page,
    Report, RunInput, RunIo, RunRequest, RunnerError, RunnerProfile, StoreError, Submission,
    Submitted, Summary, UserId, Verdict, WorkerId, testing,
};
use parking_lot::Mutex;

#[derive(Debug, Default)]
struct MapStore(Mutex<BTreeMap<ExecutionId, Execution>>);

#[async_trait]
impl ExecutionStore for MapStore {
    async fn submit(&self, execution: &Execution) -> Result<Submitted, StoreError> {
        let mut executions = self.0.lock();
        if let Some(stored) = executions.get(&execution.id()) {
            return Ok(Submitted::AlreadyExists(stored.clone().into()));
        }
        executions.insert(execution.id(), execution.clone());
        Ok(Submitted::Accepted)
    }
    async fn get(&self, id: ExecutionId) -> Result<Option<Execution>, StoreError> {
        Ok(self.0.lock().get(&id).cloned())
    }
    async fn list(&self, user: &UserId, page: Page) -> Result<Vec<Summary>, StoreError> {
        let mut list: Vec<_> = self.0.lock().values().cloned().collect();
        list.retain(|execution| execution.submission().user() == user);
        let mut list: Vec<_> = list.iter().map(Summary::from).collect();
        list.retain(|summary| page.before.is_none_or(|before| summary.cursor() < before));
        list.sort_by_key(|summary| std::cmp::Reverse(summary.cursor()));
        list.truncate(page.limit);
        Ok(list)
    }
    async fn request_cancel(&self, id: ExecutionId) -> Result<CancelReply, StoreError> {
        // Programs run to their end at once, so there is nothing to cancel.
        let stored = self.0.lock().get(&id).cloned();
        Ok(stored.map_or(CancelReply::Absent, |it| {
            CancelReply::AlreadyFinal(it.into())
        }))
    }
    async fn delete(&self, id: ExecutionId) -> Result<bool, StoreError> {
        Ok(self.0.lock().remove(&id).is_some())
    }
    async fn queue_position(&self, _id: ExecutionId) -> Result<Option<u64>, StoreError> {
        Ok(None)
    }
    async fn check(&self) -> Result<Health, StoreError> {
        Ok(Health::Good)
    }
}

#[derive(Debug)]
struct CapitalsRunner;

#[async_trait]
impl CodeRunner for CapitalsRunner {
    fn profile(&self) -> RunnerProfile {
        testing::worker_offer("worker").runner
    }
    fn languages(&self) -> Vec<LanguageSpec> {
        testing::catalog().specs().to_vec()
    }
    fn maximum_limits(&self) -> Option<Limits> {
        None
    }
    async fn check(&self) -> Result<(), RunnerError> {
        Ok(())
    }
    async fn run<'io>(
        &self,
        request: RunRequest,
        io: &mut (dyn RunIo + 'io),
    ) -> Result<Report, RunnerError> {
        let capitals = request.submission.input().to_uppercase();
        io.output(OutputStream::Stdout, capitals.into()).await;
        Ok(testing::report(Verdict::Accepted))
    }
}

struct Recorder(OutputBuffer);

#[async_trait]
impl RunIo for Recorder {
    async fn output(&mut self, _stream: OutputStream, bytes: Bytes) {
        self.0.push(&bytes);
    }
    fn mark_truncated(&mut self, _stream: OutputStream) {
        self.0.mark_truncated();
    }
    async fn input(&mut self, _wanted: InputWanted) -> RunInput {
        std::future::pending().await
    }
    async fn awaiting_input(&mut self) {}
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (store, runner) = (MapStore::default(), CapitalsRunner);
    let catalog = LanguageCatalog::new(runner.languages());
    let (user, policy) = (testing::user("alice"), testing::submission_policy());
    let submission = Submission::parse(user, testing::draft(), &catalog, &policy)?;
    let limit = submission.limits().storage.output();
    let id = testing::execution_id(1);
    let pending = Execution::submit(id, submission, testing::at(0));
    store.submit(&pending).await?;

    let running = pending.start(WorkerId::parse("worker")?, testing::at(1))?;
    let mut recorder = Recorder(OutputBuffer::new(limit));
    let request = RunRequest {
        id: running.id(),
        attempt: running.attempt(),
        submission: Arc::clone(running.submission()),
    };
    let report = runner.run(request, &mut recorder).await?;
    let outcome = Outcome::of_run(report, recorder.0.finish(), Output::default(), None);
    let ended = running.finish(outcome, testing::at(2))?;
    store.0.lock().insert(id, ended);

    let found = store.get(id).await?;
    let output = found.and_then(|it| it.outcome().map(|outcome| outcome.output().clone()));
    println!("{output:?}");
    assert_eq!(output, Some(Output::complete("THE INPUT")));
    Ok(())
}

#[test]
fn the_example_ends_well() {
    main().unwrap();
}
