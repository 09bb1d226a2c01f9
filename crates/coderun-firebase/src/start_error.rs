//! Lists the reasons for which background work cannot start.

use coderun_domain::BackendError;

/// Says why a part that makes HTTP requests in the background cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no HTTP client, for lack of trusted certificates for example.
    #[error("the HTTP client cannot be made")]
    Client(#[source] BackendError),
    /// It was started outside of a tokio runtime.
    #[error("not called inside a tokio runtime")]
    NoRuntime,
}
