//! States the contract of the ports as named tests, which every adapter runs against its real technology.
//!
//! Each promise of [`ExecutionStore`], [`ExecutionQueue`], [`Notifier`], [`InputRelay`], [`TicketStore`],
//! [`WorkerRegistry`], [`CodeRunner`] and [`TokenVerifier`] is a clause: a function in one of
//! the modules here, listed once in the macro of its suite. An adapter says how a [`Backend`] is made; it gets
//! one test per clause and cannot leave one out.
//!
//! ```
//! # use std::sync::Arc;
//! # use coderun_conformance::Backend;
//! # use coderun_domain::{StorePolicy, testing::ManualClock};
//! async fn backend(clock: Arc<ManualClock>, policy: StorePolicy) -> Backend {
//!     // Connects to the technology, in a space of its own for each call.
//! #   unimplemented!()
//! }
//!
//! coderun_conformance::storage_tests!(backend);
//! ```
//!
//! Where a backend is too costly to be made for each clause, `execution_store_tests!(@list clause_list (execution_store …))`
//! gives the clauses as a list, which one test checks: see [`Clause`].
//!
//! A runner has a suite of its own, and describes its abilities in [`RunnerUnderTest`]:
//!
//! ```
//! # use coderun_conformance::RunnerUnderTest;
//! async fn runner(concurrency: usize) -> RunnerUnderTest {
//!     // Starts a runner that runs this many programs at a time.
//! #   unimplemented!()
//! }
//!
//! mod code_runner {
//!     coderun_conformance::code_runner_tests!(super::runner);
//! }
//! ```
//!
//! A verifier of tokens comes with their issuer, in a [`VerifierUnderTest`], which makes tokens of every kind:
//!
//! ```
//! # use std::sync::Arc;
//! # use coderun_conformance::VerifierUnderTest;
//! # use coderun_domain::testing::ManualClock;
//! async fn verifier(clock: Arc<ManualClock>) -> VerifierUnderTest {
//!     // Makes a verifier, and an issuer of the tokens that it accepts.
//! #   unimplemented!()
//! }
//!
//! mod token_verifier {
//!     coderun_conformance::token_verifier_tests!(super::verifier);
//! }
//! ```
//!
//! The suites of the storage ports move time through the clock that they hand to the constructor, and never sleep: an adapter takes every
//! time that it stores or compares from there. They choose the policy, too, so that a bound is met after a few calls.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    missing_debug_implementations,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::cognitive_complexity,
    clippy::unchecked_time_subtraction,
    reason = "everything here is the body of a test: it panics where the contract is broken, each assertion counts as a \
              branch, and situations are never printed"
)]

mod backend;
pub mod code_runner;
pub mod execution_queue;
pub mod execution_store;
mod fixtures;
pub mod input_relay;
pub mod notifier;
mod suite;
pub mod ticket_store;
pub mod token_verifier;
pub mod worker_registry;

pub use backend::{Backend, Clause, FromSetup, Granting, Interactive, Pending, Running, Setup};
pub use code_runner::{
    Abilities, Killing, LostAnswers, OutputFidelity, RunnerSetup, RunnerUnderTest, SignalFidelity,
};
pub use fixtures::{chunk, data, id, sender, sized, slowness};
pub use token_verifier::{TokenIssuer, VerifierSetup, VerifierUnderTest};

#[doc(hidden)]
pub use suite::check;
#[cfg(test)]
pub(crate) use suite::clause_names;
#[doc(hidden)]
pub use tokio;

#[cfg(doc)]
use coderun_domain::{
    CodeRunner, ExecutionQueue, ExecutionStore, InputRelay, Notifier, TicketStore, TokenVerifier,
    WorkerRegistry,
};
