//! Passes what users send to the program that runs.

use coderun_domain::{InputError, InputPiece, InputPosition};
use tokio::sync::mpsc;

use super::held_lease::HeldLease;
use super::run_permit::RunPermit;

/// Passes all input of the execution to the program, from the beginning and in order, until it ends or the program takes no
/// more; then waits for ever.
///
/// All but one piece stays with the relay until the program takes it. A program whose permit was given away gets it back
/// before its input. The answer is why the program cannot get its input:
/// [`InputError::LeaseLost`] or [`InputError::Forgotten`].
pub(super) async fn forward(
    lease: &HeldLease,
    stdin: mpsc::Sender<InputPiece>,
    permit: &RunPermit,
) -> InputError {
    let mut position = InputPosition::START;
    loop {
        let pieces = match lease.next_input(position).await {
            Ok(pieces) => pieces,
            Err(error) => return error,
        };
        for piece in pieces {
            let is_last = piece == InputPiece::End;
            let Ok(room) = stdin.reserve().await else {
                return std::future::pending().await;
            };
            // Checked until it holds without a pause, in which the run could give the permit away again.
            while !permit.is_held() {
                permit.request();
                permit.held().await;
            }
            room.send(piece);
            if is_last {
                return std::future::pending().await;
            }
            position = position.next();
        }
    }
}
