//! Moves work on large bodies off the async threads.

use crate::error::ApiError;

/// Encoding or decoding a larger body takes longer than a task may block.
const INLINE_MAX_BYTES: usize = 64 * 1024;

/// Does the work here if the body is small, else on a thread for blocking work.
pub(crate) async fn offload<T: Send + 'static>(
    body_bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ApiError> {
    if body_bytes <= INLINE_MAX_BYTES {
        return Ok(work());
    }
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| ApiError::Unusable("the service is stopping"))
}
