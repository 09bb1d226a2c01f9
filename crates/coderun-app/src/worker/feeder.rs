//! Brings what users type to the program that runs.

use std::convert::Infallible;
use std::time::Duration;

use coderun_domain::{ErrorChain, InputError, InputPiece, InputPosition, Lease};
use tokio::sync::mpsc;

use super::{WorkerPorts, WorkerSettings};

/// The longest that a worker waits for a word that something was sent before it looks by itself.
const POLL: Duration = Duration::from_secs(1);

/// Passes everything that is sent to the execution on to the program, from the beginning and in order, until its input ends
/// or nobody takes it any more; after that it waits for ever.
///
/// What the program has not taken stays with the relay, but for one piece.
///
/// # Errors
/// [`InputError::LeaseLost`] and [`InputError::Forgotten`]: the program cannot be given what it should get.
pub(super) async fn feed(
    ports: &WorkerPorts,
    settings: &WorkerSettings,
    lease: &Lease,
    stdin: mpsc::Sender<InputPiece>,
) -> Result<Infallible, InputError> {
    let mut position = InputPosition::START;
    let mut failures = 0;
    loop {
        match ports.inputs.receive(lease, position).await {
            Ok(pieces) if pieces.is_empty() => {
                failures = 0;
                let sent = ports.inputs.input_available(lease, position);
                // Running into the timeout is how a worker finds what nobody told it of.
                drop(tokio::time::timeout(POLL, sent).await);
            }
            Ok(pieces) => {
                failures = 0;
                for piece in pieces {
                    let is_last = piece == InputPiece::End;
                    if stdin.send(piece).await.is_err() || is_last {
                        return std::future::pending().await;
                    }
                    position = position.next();
                }
            }
            Err(error) if error.is_transient() => {
                tell_failure(&error);
                tokio::time::sleep(settings.backoff(failures)).await;
                failures += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

fn tell_failure(error: &InputError) {
    tracing::warn!(error = %ErrorChain(error), "cannot read input");
}
