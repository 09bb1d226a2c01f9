//! Who asks: finds the token in a request and has it verified.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::{FromRequest, HttpRequest};
use coderun_domain::{BearerToken, FailureKind, Principal, VerifyError};

use crate::problem::Problem;
use crate::query::Query;
use crate::state::AppState;

/// Who asks, verified; a handler with this argument answers nobody else.
#[derive(Debug)]
pub(crate) struct Authenticated(pub(crate) Principal);

/// Why a request shows no token that could be verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenError {
    /// There is none.
    Missing,
    /// There are several, so it is not clear who asks.
    Ambiguous,
    /// There is something, but it is no text.
    Unreadable,
}

/// What somebody who watches shows. `Debug` is left out because all of it is secret.
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
        let found = AppState::of(request).and_then(|state| {
            let token = find_token(request)?;
            Ok((state, token))
        });
        Box::pin(async move {
            let (state, token) = found?;
            let verified = state.ports.verifier.verify(&token).await;
            verified.map(Self).map_err(challenge)
        })
    }
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Missing => Self::new(StatusCode::UNAUTHORIZED, "Not authenticated")
                .with_reason("missing")
                .with_header(
                    header::WWW_AUTHENTICATE,
                    HeaderValue::from_static("Bearer"),
                ),
            TokenError::Unreadable => challenge(VerifyError::Malformed),
            TokenError::Ambiguous => Self::new(
                StatusCode::BAD_REQUEST,
                "The token must stand in one place: one Authorization header, or where it may, once in the query",
            )
            .with_reason("ambiguous-token"),
        }
    }
}

/// The answer to a token that was not accepted.
pub(crate) fn challenge(error: VerifyError) -> Problem {
    let kind = error.kind();
    let problem = Problem::from(error);
    if kind == FailureKind::Unauthenticated {
        let value = HeaderValue::from_static("Bearer error=\"invalid_token\"");
        return problem.with_header(header::WWW_AUTHENTICATE, value);
    }
    problem
}

/// The one token of a request, in its `Authorization` header. One in the query alone does not count, and beside the header it
/// is a mistake.
pub(crate) fn find_token(request: &HttpRequest) -> Result<BearerToken, TokenError> {
    let query = Query::parse(request.query_string());
    let in_query = query.get("token").map_err(|_| TokenError::Ambiguous)?;
    match (token_in_header(request.headers())?, in_query) {
        (Some(_), Some(_)) => Err(TokenError::Ambiguous),
        (Some(token), None) if !token.is_empty() => Ok(BearerToken::new(token)),
        (Some(_) | None, None) | (None, Some(_)) => Err(TokenError::Missing),
    }
}

/// What somebody who watches shows, which may also stand in the query or in the subprotocols of a WebSocket, where browsers
/// cannot set a header.
pub(crate) fn find_credentials(request: &HttpRequest) -> Result<Credentials, TokenError> {
    let query = Query::parse(request.query_string());
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

/// The credentials of the only `Authorization` header; `None` where there is none, or of another scheme.
fn token_in_header(headers: &HeaderMap) -> Result<Option<&str>, TokenError> {
    let Some(value) = only(headers, &header::AUTHORIZATION)? else {
        return Ok(None);
    };
    let text = value.to_str().map_err(|_| TokenError::Unreadable)?.trim();
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
        let text = value.to_str().map_err(|_| TokenError::Unreadable)?;
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

fn only<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'a HeaderValue>, TokenError> {
    let mut values = headers.get_all(name);
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(TokenError::Ambiguous),
    }
}

#[cfg(test)]
mod tests;
