//! Defines executions, the rules by which they change, and the ports to everything outside.
//!
//! An [`Execution`] is one [`Submission`] and its progress. The ports are traits: [`ExecutionStore`] keeps executions,
//! [`ExecutionQueue`] hands them to workers, [`Notifier`] streams events to watchers, [`InputRelay`] delivers what users type,
//! [`TicketStore`] keeps one-time tickets, [`WorkerRegistry`] lists the workers, [`CodeRunner`] runs programs,
//! [`HintSource`] explains how they failed and [`TokenVerifier`] identifies users. [`Clock`] and [`IdGenerator`] make
//! time and randomness parameters.
//!
//! This crate has no runtime, serialization or protocol, so that any service can embed it. Values are checked when they are
//! made: code that has one need not check it again.
//!
//! ```
//! use coderun_domain::testing;
//! use coderun_domain::*;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let draft = SubmissionDraft {
//!     code: "print(6 * 7)".to_owned(),
//!     language: "py".to_owned(),
//!     ..SubmissionDraft::default()
//! };
//! let (catalog, policy) = (testing::catalog(), testing::submission_policy());
//! let submission = Submission::parse(UserId::parse("alice")?, draft, &catalog, &policy)?;
//! assert_eq!(submission.language().as_str(), "python");
//!
//! let pending = Execution::submit(testing::execution_id(1), submission, testing::at(0));
//! let running = pending.start(WorkerId::parse("worker")?, testing::at(1))?;
//! assert_eq!(running.status(), Status::Running);
//! # Ok(())
//! # }
//! ```
//!
//! `examples/embed.rs` embeds the crate with a store and a runner of its own. The suites of `coderun-conformance` test such
//! adapters: they have a clause for every promise of the ports.

#![warn(clippy::future_not_send)]

mod byte_size;
mod diagnosis;
mod error_chain;
mod event;
mod execution;
mod failure;
mod field_error;
mod file_name;
mod forced_end;
mod identifiers;
mod identity;
mod language;
mod limits;
mod named_enum;
mod outcome;
mod output;
mod ports;
mod report;
mod shared_bound;
mod signal;
mod store_policy;
mod submission;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod trace_context;
mod verdict;

pub use byte_size::ByteSize;
pub use diagnosis::Diagnosis;
pub use error_chain::ErrorChain;
pub use event::{Event, OutputChunk, RunEvent, StoredEvent};
pub use execution::{
    Execution, Progress, ProgressParts, RestoreError, State, Transition, TransitionError,
};
pub use failure::{BackendError, FailureKind};
pub use field_error::{Field, FieldError, FieldProblem, LimitName, SubmissionError};
pub use file_name::{FileName, FileNameError};
pub use forced_end::ForcedEnd;
pub use identifiers::{
    Attempt, ExecutionId, IdempotencyKey, IdentifierError, Sequence, UserId, WorkerId,
};
pub use identity::{BearerToken, Principal};
pub use language::{
    Language, LanguageCatalog, LanguageLimits, LanguageNameError, LanguageSpec, UnavailableCause,
    UnavailableLanguage,
};
pub use limits::{LimitPolicy, Limits, RequestedLimits, StageLimits, StorageLimits, ZeroLimit};
pub use outcome::{EndedWithoutRun, Outcome, OutcomeError, OutcomeParts};
pub use output::{Output, OutputBuffer, OutputStream};
pub use ports::*;
pub use report::{CompileReport, Enforcement, ExitStatus, Report, Usage};
pub use shared_bound::{SharedBound, SharedBoundReached};
pub use signal::Signal;
pub use store_policy::StorePolicy;
pub use submission::{
    Buffering, DraftFile, File, Submission, SubmissionDraft, SubmissionParts, SubmissionPolicy,
};
pub use trace_context::{TraceContext, TraceContextError};
pub use verdict::{Status, Verdict};
