//! Defines the ports: one trait a file for each thing that the core needs from outside, with its error.
//!
//! Rules for all of them: methods take `&self` and may be called by many tasks at a time; absence is an `Option`; every call
//! returns within the deadline that its adapter is configured with; the `kind` of an error, or its `is_transient`, tells whether to retry.

mod clock;
mod code_runner;
mod execution_queue;
mod execution_store;
mod health;
mod hint_source;
mod input_relay;
mod notifier;
mod ticket_store;
mod token_verifier;
mod worker_registry;

pub use clock::{Clock, IdGenerator};
pub use code_runner::{
    CodeRunner, InputWanted, RunInput, RunIo, RunRequest, RunnerError, RunnerProfile,
};
pub use execution_queue::{
    ExecutionQueue, Lease, NotRunning, QueueDepth, QueueError, Renewal, Swept, TakeFor,
};
pub use execution_store::{
    CancelReply, Cursor, ExecutionStore, Page, Quota, QuotaUsage, StoreError, SubmitReply,
    Submitted, Summary, UserUsage,
};
pub use health::Health;
pub use hint_source::HintSource;
pub use input_relay::{
    InputError, InputId, InputPiece, InputPosition, InputRelay, InputReply, SenderId,
};
pub use notifier::{EventStream, Notifier, WatchError};
pub use ticket_store::{Admission, TicketDigest, TicketError, TicketStore};
pub use token_verifier::{TokenVerifier, VerifyError};
pub use worker_registry::{RegistryError, WorkerOffer, WorkerRegistry};

#[cfg(feature = "testing")]
pub use self::{
    code_runner::{MockCodeRunner, MockRunIo},
    execution_queue::MockExecutionQueue,
    execution_store::MockExecutionStore,
    input_relay::MockInputRelay,
    notifier::MockNotifier,
    ticket_store::MockTicketStore,
    token_verifier::MockTokenVerifier,
    worker_registry::MockWorkerRegistry,
};
