//! The heart of coderun: executions, their values and their rules, and the ports to everything else.
//!
//! An [`Execution`] is one [`Submission`] and how far it has come. What it needs from outside stands in the ports:
//! [`ExecutionStore`] keeps executions, [`ExecutionQueue`] hands them to workers, [`Notifier`] tells watchers,
//! [`InputRelay`] carries what users type, [`TicketStore`] keeps one-time
//! tickets, [`CodeRunner`] runs programs and [`TokenVerifier`] knows users. [`Clock`] and [`IdGenerator`] make time and
//! chance a parameter.
//!
//! This crate knows no runtime, no serialization and no protocol, on purpose: a service that embeds it brings its own.
//! Everything here is checked when it is made, so whoever holds a value may rely on it.
//!
//! # Embedding it with a store of one's own
//!
//! This one has neither quotas nor a queue. A real one passes the suites of `coderun-conformance`, which name every
//! promise that is missing here.
//!
//! ```
//! use std::collections::HashMap;
//! use std::sync::Mutex;
//!
//! use async_trait::async_trait;
//! use coderun_domain::*;
//!
//! /// Keeps executions in a map, for as long as the process lives.
//! #[derive(Debug, Default)]
//! struct MapStore(Mutex<HashMap<ExecutionId, Execution>>);
//!
//! #[async_trait]
//! impl ExecutionStore for MapStore {
//!     async fn submit(&self, execution: &Execution) -> Result<Submitted, StoreError> {
//!         let mut map = self.0.lock().unwrap();
//!         if let Some(there) = map.get(&execution.id()) {
//!             return Ok(Submitted::AlreadyThere(Box::new(there.clone())));
//!         }
//!         map.insert(execution.id(), execution.clone());
//!         Ok(Submitted::Accepted)
//!     }
//!     async fn get(&self, id: ExecutionId) -> Result<Option<Execution>, StoreError> {
//!         Ok(self.0.lock().unwrap().get(&id).cloned())
//!     }
//!     async fn list(&self, user: &UserId, page: Page) -> Result<Vec<Summary>, StoreError> {
//!         let map = self.0.lock().unwrap();
//!         let mut list: Vec<Summary> = map
//!             .values()
//!             .filter(|execution| execution.submission().user() == user)
//!             .map(Summary::from)
//!             .filter(|summary| page.before.is_none_or(|before| summary.cursor() < before))
//!             .collect();
//!         list.sort_by_key(|summary| std::cmp::Reverse(summary.cursor()));
//!         list.truncate(page.limit);
//!         Ok(list)
//!     }
//!     async fn request_cancel(&self, id: ExecutionId) -> Result<CancelReply, StoreError> {
//!         let mut map = self.0.lock().unwrap();
//!         let Some(execution) = map.get(&id).cloned() else { return Ok(CancelReply::Absent) };
//!         let outcome = Outcome::without_run(EndedWithoutRun::Cancelled, "It was cancelled");
//!         let at = execution.progress().updated_at();
//!         let Ok(ended) = execution.clone().finish(outcome, at) else {
//!             return Ok(CancelReply::AlreadyFinal(Box::new(execution)));
//!         };
//!         map.insert(id, ended.clone());
//!         Ok(CancelReply::Ended(Box::new(ended)))
//!     }
//!     async fn delete(&self, id: ExecutionId) -> Result<bool, StoreError> {
//!         Ok(self.0.lock().unwrap().remove(&id).is_some())
//!     }
//!     async fn queue_position(&self, _id: ExecutionId) -> Result<Option<u64>, StoreError> {
//!         Ok(None)
//!     }
//!     async fn check(&self) -> Result<Health, StoreError> {
//!         Ok(Health::Good)
//!     }
//! }
//!
//! # use coderun_domain::testing;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let draft = SubmissionDraft {
//!     code: "print(6 * 7)".to_owned(),
//!     language: "py".to_owned(),
//!     ..SubmissionDraft::default()
//! };
//! let (catalog, policy) = (testing::catalog(), testing::submission_policy());
//! let submission = Submission::parse(UserId::parse("alice")?, draft, &catalog, &policy)?;
//! let execution = Execution::submit(testing::execution_id(1), submission, testing::at(0));
//!
//! let store = MapStore::default();
//! store.submit(&execution).await?;
//! let found = store.get(execution.id()).await?.expect("it was submitted");
//! assert_eq!(found.status(), Status::Pending);
//! assert_eq!(found.submission().language().as_str(), "python");
//! assert!(matches!(store.request_cancel(found.id()).await?, CancelReply::Ended(_)));
//! # Ok(())
//! # }
//! ```

#![warn(clippy::future_not_send)]

mod byte_size;
mod error_chain;
mod event;
mod execution;
mod failure;
mod forced_end;
mod identifiers;
mod identity;
mod language;
mod limits;
mod outcome;
mod output;
mod ports;
mod signal;
mod store_policy;
mod submission;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod trace_context;
mod verdict;

pub use byte_size::ByteSize;
pub use error_chain::ErrorChain;
pub use event::{Event, OutputChunk, RunEvent, StoredEvent};
pub use execution::{
    Execution, Progress, ProgressParts, RestoreError, State, Transition, TransitionError,
};
pub use failure::{BackendError, FailureKind};
pub use forced_end::ForcedEnd;
pub use identifiers::{Attempt, ExecutionId, IdentifierError, Sequence, UserId, WorkerId};
pub use identity::{BearerToken, Principal};
pub use language::{Language, LanguageCatalog, LanguageNameError, LanguageSpec};
pub use limits::{LimitPolicy, Limits, RequestedLimits, StageLimits, StorageLimits, ZeroLimit};
pub use outcome::{
    CompileReport, EndedWithoutRun, Ending, Enforcement, Outcome, OutcomeError, OutcomeParts,
    Report, Usage,
};
pub use output::{Output, OutputBuffer, OutputStream};
pub use ports::*;
pub use signal::Signal;
pub use store_policy::StorePolicy;
pub use submission::{
    Field, FieldError, File, FileName, FileNameError, LimitName, Problem, Submission,
    SubmissionDraft, SubmissionError, SubmissionParts, SubmissionPolicy,
};
pub use trace_context::{TraceContext, TraceContextError};
pub use verdict::{Status, Verdict};
