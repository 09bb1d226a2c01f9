//! Who may watch.

use coderun_domain::{Admission, BearerToken, ExecutionId, TicketError, VerifyError};

use super::Crowded;
use crate::authentication::Credentials;
use crate::state::AppState;

/// Why somebody is not admitted.
#[derive(Debug)]
pub(crate) enum AdmissionError {
    /// The token was not accepted, or could not be verified.
    Verify(VerifyError),
    /// The verification took too long.
    TooLong,
    /// The ticket is not good, or not any more.
    BadTicket,
    /// The ticket could not be redeemed.
    Ticket(TicketError),
    /// There are too many others.
    Crowded(Crowded),
}

/// Says whom a token or a ticket for this execution admits. Nobody is admitted by a ticket for what is no id.
pub(crate) async fn admit(
    credentials: Credentials,
    id: Option<ExecutionId>,
    state: &AppState,
) -> Result<Admission, AdmissionError> {
    match credentials {
        Credentials::Token(token) => verify(&token, state).await,
        Credentials::Ticket(ticket) => {
            let id = id.ok_or(AdmissionError::BadTicket)?;
            redeem(id, &ticket, state).await
        }
    }
}

/// Verifies a token, within the bounds for those whom nobody knows yet.
pub(crate) async fn verify(
    token: &BearerToken,
    state: &AppState,
) -> Result<Admission, AdmissionError> {
    let place = state.sockets.admit_unverified();
    let _place = place.ok_or(AdmissionError::Crowded(Crowded::All))?;
    let verifying = state.ports.verifier.verify(token);
    let verified = tokio::time::timeout(state.config.sockets.verification, verifying).await;
    let principal = verified
        .map_err(|_| AdmissionError::TooLong)?
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
    let place = state.sockets.admit_unverified();
    let _place = place.ok_or(AdmissionError::Crowded(Crowded::All))?;
    let redeeming = state.ports.executions.admit(id, ticket);
    let redeemed = tokio::time::timeout(state.config.sockets.verification, redeeming).await;
    redeemed
        .map_err(|_| AdmissionError::TooLong)?
        .map_err(AdmissionError::Ticket)?
        .ok_or(AdmissionError::BadTicket)
}
