//! Finds the token or ticket in a request and verifies tokens.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap};
use actix_web::{FromRequest, HttpRequest};
use coderun_domain::{BearerToken, Principal, VerifyError};

use crate::headers::{Repeated, ascii, single};
use crate::metrics::record_verification;
use crate::problem::Problem;
use crate::query::Query;
use crate::state::AppState;

/// The verified caller. A handler with this argument serves authenticated requests only.
#[derive(Debug)]
pub(crate) struct Authenticated(pub(crate) Principal);

/// Why a request has no token that could be verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenError {
    /// No token was sent.
    Missing,
    /// Several tokens were sent, so the caller is not clear.
    Ambiguous,
    /// The header is not text.
    Unreadable,
}

/// The token or ticket of a watcher. There is no `Debug`, because both are secret.
pub(crate) enum Credentials {
    /// A token.
    Token(BearerToken),
    /// A one-time ticket.
    Ticket(String),
}

impl FromRequest for Authenticated {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let state = AppState::of(&request)?;
            let token = find_token(&request)?;
            Ok(Self(verify_token(&token, &state).await?))
        })
    }
}

/// Verifies a token and counts the result.
pub(crate) async fn verify_token(
    token: &BearerToken,
    state: &AppState,
) -> Result<Principal, VerifyError> {
    let verified = state.ports.verifier.verify(token).await;
    record_verification(&verified);
    verified
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Missing => Self::new(StatusCode::UNAUTHORIZED, "Not authenticated")
                .with_reason("missing")
                .with_challenge("Bearer"),
            TokenError::Unreadable => VerifyError::Malformed.into(),
            TokenError::Ambiguous => Self::new(
                StatusCode::BAD_REQUEST,
                "Send exactly one token or ticket: in one Authorization header or, to watch, once in the query",
            )
            .with_reason("ambiguous-token"),
        }
    }
}

/// The token in the only `Authorization` header of a request. A token in the query does not count, and is an error beside the
/// header.
pub(crate) fn find_token(request: &HttpRequest) -> Result<BearerToken, TokenError> {
    let query = Query::parse(request.query_string());
    let in_query = query.get("token").map_err(|_| TokenError::Ambiguous)?;
    match (token_in_header(request.headers())?, in_query) {
        (Some(_), Some(_)) => Err(TokenError::Ambiguous),
        (Some(token), None) if !token.is_empty() => Ok(BearerToken::new(token)),
        (Some(_) | None, None) | (None, Some(_)) => Err(TokenError::Missing),
    }
}

/// The token or ticket of a watcher: in the header, in the query, or in the subprotocols of a WebSocket, because browsers cannot
/// set a header there.
pub(crate) fn find_credentials(
    request: &HttpRequest,
    query: &Query,
) -> Result<Credentials, TokenError> {
    let in_query = |name| query.get(name).map_err(|_| TokenError::Ambiguous);
    let ticket = in_query("ticket")?;
    let tokens = [
        token_in_header(request.headers())?,
        in_query("token")?,
        token_in_protocol(request.headers())?,
    ];
    let mut tokens = tokens.into_iter().flatten();
    match (tokens.next(), tokens.next(), ticket) {
        (_, Some(_), _) | (Some(_), _, Some(_)) => Err(TokenError::Ambiguous),
        (Some(token), None, None) if !token.is_empty() => {
            Ok(Credentials::Token(BearerToken::new(token)))
        }
        (None, None, Some(ticket)) if !ticket.is_empty() => {
            Ok(Credentials::Ticket(ticket.to_owned()))
        }
        (Some(_) | None, None, Some(_) | None) => Err(TokenError::Missing),
    }
}

/// The token in the only `Authorization` header; `None` without one, or for another scheme.
fn token_in_header(headers: &HeaderMap) -> Result<Option<&str>, TokenError> {
    let value = single(headers, header::AUTHORIZATION);
    let Some(value) = value.map_err(|Repeated| TokenError::Ambiguous)? else {
        return Ok(None);
    };
    let text = ascii(value).ok_or(TokenError::Unreadable)?.trim();
    let Some((scheme, token)) = text.split_once(' ') else {
        return Ok(None);
    };
    let known = scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token");
    Ok(known.then(|| token.trim_start()))
}

/// The token among the offered subprotocols, as in `execution.v1, bearer.<token>`.
fn token_in_protocol(headers: &HeaderMap) -> Result<Option<&str>, TokenError> {
    let mut found = None;
    for value in headers.get_all(header::SEC_WEBSOCKET_PROTOCOL) {
        let text = ascii(value).ok_or(TokenError::Unreadable)?;
        let bearers = text
            .split(',')
            .filter_map(|protocol| protocol.trim().strip_prefix("bearer."));
        for token in bearers {
            if found.replace(token).is_some() {
                return Err(TokenError::Ambiguous);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
