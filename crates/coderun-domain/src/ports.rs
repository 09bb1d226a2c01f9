//! What the core needs from the outside, one trait a file, each with its error.
//!
//! Rules for all of them: methods take `&self` and may be called from many tasks at a time; absence is an `Option`;
//! every call ends within the deadline that its adapter is configured with; an error says what it means, and
//! `is_transient` whether to ask again.

mod clock;
mod code_runner;
mod execution_queue;
mod execution_store;
mod health;
mod notifier;
mod token_verifier;
mod worker_registry;

pub use clock::{Clock, IdGenerator};
pub use code_runner::{CodeRunner, RunInput, RunIo, RunRequest, RunnerError, RunnerProfile};
pub use execution_queue::{ExecutionQueue, Lease, QueueError, Renewal, Swept};
pub use execution_store::{
    CancelReply, Cursor, ExecutionStore, Page, Quota, StoreError, Submitted, Summary,
};
pub use health::Health;
pub use notifier::{EventStream, Notifier, WatchError};
pub use token_verifier::{TokenVerifier, VerifyError};
pub use worker_registry::{RegistryError, WorkerOffer, WorkerRegistry};

#[cfg(feature = "testing")]
pub use code_runner::{MockCodeRunner, MockRunIo};
#[cfg(feature = "testing")]
pub use execution_queue::MockExecutionQueue;
#[cfg(feature = "testing")]
pub use execution_store::MockExecutionStore;
#[cfg(feature = "testing")]
pub use notifier::MockNotifier;
#[cfg(feature = "testing")]
pub use token_verifier::MockTokenVerifier;
#[cfg(feature = "testing")]
pub use worker_registry::MockWorkerRegistry;
