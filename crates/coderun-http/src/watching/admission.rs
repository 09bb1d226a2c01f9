//! Admits watchers by their token or ticket.

use coderun_domain::{Admission, BearerToken, ExecutionId, TicketError, VerifyError};

use super::SocketLimitReached;
use crate::authentication::{Credentials, verify_token};
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
            redeem(id, &ticket, state).await
        }
    }
}

/// Verifies a token, within the time and the number that are allowed for unverified sockets.
pub(crate) async fn verify(
    token: &BearerToken,
    state: &AppState,
) -> Result<Admission, AdmissionError> {
    let permit = state.sockets.admit_unverified();
    let _permit = permit.ok_or(AdmissionError::SocketLimit(SocketLimitReached::Total))?;
    let verifying = verify_token(token, state);
    let verified = tokio::time::timeout(state.config.sockets.verification, verifying).await;
    let principal = verified
        .map_err(|_| AdmissionError::TimedOut)?
        .map_err(AdmissionError::Verify)?;
    Ok(Admission {
        user: principal.user,
        expires_at: principal.expires_at,
    })
}

/// Redeems a ticket, within the same bounds.
async fn redeem(
    id: ExecutionId,
    ticket: &str,
    state: &AppState,
) -> Result<Admission, AdmissionError> {
    let permit = state.sockets.admit_unverified();
    let _permit = permit.ok_or(AdmissionError::SocketLimit(SocketLimitReached::Total))?;
    let redeeming = state.ports.executions.redeem_ticket(id, ticket);
    let redeemed = tokio::time::timeout(state.config.sockets.verification, redeeming).await;
    redeemed
        .map_err(|_| AdmissionError::TimedOut)?
        .map_err(AdmissionError::Ticket)?
        .ok_or(AdmissionError::InvalidTicket)
}
