//! Embeds the domain with a store and a runner of its own: `cargo run -p coderun-domain --example embed`.
//!
//! The store keeps executions in a map; the runner prints the input of a program in capitals. A store for real use passes the
//! suites of `coderun-conformance`, which have a clause for every promise of the ports.

#![expect(clippy::print_stdout, reason = "an example shows its result")]

use std::collections::BTreeMap;

use async_trait::async_trait;
use coderun_domain::{
    CancelReply, CodeRunner, Execution, ExecutionId, ExecutionStore, LanguageCatalog, LanguageSpec,
    Outcome, Output, OutputStream, Page, QuotaUsage, Report, RunIo, RunRequest, RunnerError,
    RunnerProfile, StoreError, Submission, SubmitReply, Submitted, Summary, UserId, UserUsage,
    Verdict, WorkerId, testing,
};
use parking_lot::Mutex;

#[derive(Debug, Default)]
struct MapStore(Mutex<BTreeMap<ExecutionId, Execution>>);

#[async_trait]
impl ExecutionStore for MapStore {
    async fn submit(
        &self,
        execution: &Execution,
        _offer: Option<WorkerId>,
    ) -> Result<SubmitReply, StoreError> {
        let mut executions = self.0.lock();
        let submitted = if let Some(stored) = executions.get(&execution.id()) {
            Submitted::AlreadyExists(stored.clone().into())
        } else {
            executions.insert(execution.id(), execution.clone());
            Submitted::Accepted
        };
        // Nothing is bounded here, so nothing is counted.
        let usage = QuotaUsage::default();
        Ok(SubmitReply { submitted, usage })
    }
    async fn usage(&self, _user: &UserId) -> Result<UserUsage, StoreError> {
        Ok(UserUsage::default())
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
        let stored = self.0.lock().get(&id).cloned().map(Box::new);
        Ok(stored.map_or(CancelReply::Absent, CancelReply::AlreadyFinal))
    }
    async fn delete(&self, id: ExecutionId) -> Result<bool, StoreError> {
        Ok(self.0.lock().remove(&id).is_some())
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

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (store, runner) = (MapStore::default(), CapitalsRunner);
    let catalog = LanguageCatalog::new(runner.languages());
    let policy = testing::submission_policy();
    let submission =
        Submission::parse(testing::user("alice"), testing::draft(), &catalog, &policy)?;
    let pending = Execution::submit(testing::execution_id(1), submission, testing::at(0));
    store.submit(&pending, None).await?;

    let running = pending.start(WorkerId::parse("worker")?, testing::at(1))?;
    let mut io = testing::CollectingIo::default();
    let report = runner.run(RunRequest::from(&running), &mut io).await?;
    let outcome = Outcome::of_run(report, Output::complete(io.stdout), Output::default(), None);
    let ended = running.finish(outcome, testing::at(2))?;
    store.0.lock().insert(ended.id(), ended.clone());

    let found = store.get(ended.id()).await?.ok_or("it was deleted")?;
    let output = found
        .outcome()
        .map(|outcome| outcome.output().bytes().clone());
    println!("{output:?}");
    assert_eq!(output.as_deref(), Some(b"THE INPUT".as_slice()));
    Ok(())
}

#[test]
fn the_example_ends_well() {
    main().unwrap();
}
