//! Admits watchers by their token or ticket.

use std::future::Future;

use coderun_domain::{Admission, BearerToken, ExecutionId, TicketError, VerifyError};

use crate::authentication::{Credentials, verify_token};
use crate::socket_registry::SocketLimitReached;
use crate::state::AppState;

/// Why a watcher is not admitted.
#[derive(Debug)]
pub(crate) enum AdmissionError {
    /// The token was not accepted, or could not be verified.
    Verify(VerifyError),
    /// The verification took too long.
    TimedOut,
    /// The ticket is invalid, already used or expired.
    InvalidTicket,
    /// The ticket could not be redeemed.
    Ticket(TicketError),
    /// Too many sockets are open or being verified.
    SocketLimit(SocketLimitReached),
}

/// The user that a token or a ticket for this execution admits. Without a valid id every ticket is invalid.
pub(crate) async fn admit(
    credentials: Credentials,
    id: Option<ExecutionId>,
    state: &AppState,
) -> Result<Admission, AdmissionError> {
    match credentials {
        Credentials::Token(token) => verify(&token, state).await,
        Credentials::Ticket(ticket) => {
            let id = id.ok_or(AdmissionError::InvalidTicket)?;
            let redeeming = state.ports.executions.redeem_ticket(id, &ticket);
            let redeemed = in_bounds(state, redeeming).await?;
            let admission = redeemed.map_err(AdmissionError::Ticket)?;
            admission.ok_or(AdmissionError::InvalidTicket)
        }
    }
}

/// Verifies a token.
pub(crate) async fn verify(
    token: &BearerToken,
    state: &AppState,
) -> Result<Admission, AdmissionError> {
    let verified = in_bounds(state, verify_token(token, state)).await?;
    let principal = verified.map_err(AdmissionError::Verify)?;
    Ok(Admission {
        user: principal.user,
        expires_at: principal.expires_at,
    })
}

/// Waits for an admission, within the time and the number that are allowed for unverified sockets.
async fn in_bounds<F: Future>(state: &AppState, admitting: F) -> Result<F::Output, AdmissionError> {
    let permit = state.sockets.admit_unverified();
    let _permit = permit.map_err(AdmissionError::SocketLimit)?;
    let admitted = tokio::time::timeout(state.config.sockets.verification, admitting).await;
    admitted.map_err(|_| AdmissionError::TimedOut)
}
