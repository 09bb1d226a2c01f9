//! Keeps the access token of a service account, and replaces it shortly before its end.

use std::sync::Arc;
use std::time::Duration;

use coderun_domain::{BearerToken, Clock};
use coderun_json::read_object;
use serde::Deserialize;
use tokio::time::{Instant, timeout};
use tokio_util::sync::DropGuard;

use super::ServiceAccount;
use crate::http_client::{HttpClient, HttpError, PostRequest};
use crate::refreshing::{Failure, Fetched, Refreshing, Spawner, Timed};
use crate::start_error::StartError;

/// How long before its end a token is replaced.
const MARGIN: Duration = Duration::from_mins(5);

/// After a failure, no token is requested in this time.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A refused token that is younger than this is kept: a newer token would be refused as well.
const MIN_AGE_TO_REPLACE: Duration = Duration::from_mins(1);

/// The longest time that a token is used, even if it is valid for longer.
const LIFETIME_MAX: Duration = Duration::from_hours(1);

const TOKEN_MAX_BYTES: usize = 8 << 10;

const GRANT: &str = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";

/// Keeps the access token of a service account. Time is monotonic, but for the time that an assertion says.
#[derive(Debug)]
pub(crate) struct AccessTokens {
    endpoint: Arc<TokenEndpoint>,
    token: Arc<Refreshing<AccessToken, TokenError>>,
    _cancel_request: DropGuard,
}

/// A token that can be used now.
#[derive(Debug, Clone)]
pub(crate) struct AccessToken {
    pub(crate) bearer: BearerToken,
    asked_at: Instant,
    lifetime: Duration,
}

impl AccessTokens {
    /// Requests nothing yet. Requests run on the current runtime.
    pub(crate) fn start(
        account: ServiceAccount,
        client: HttpClient,
        clock: Arc<dyn Clock>,
        deadline: Duration,
    ) -> Result<Self, StartError> {
        let (spawner, cancel_request) = Spawner::on_current_runtime()?;
        Ok(Self {
            endpoint: Arc::new(TokenEndpoint {
                account,
                client,
                clock,
                deadline,
            }),
            token: Arc::new(Refreshing::new(spawner)),
            _cancel_request: cancel_request,
        })
    }

    /// A token to use now; all callers share one request, and wait for it only if there is no good token. Cancel-safe.
    pub(crate) async fn current(&self) -> Result<AccessToken, Arc<TokenError>> {
        let request = || Ok(Arc::clone(&self.endpoint).request());
        let token = self.token.get(Duration::ZERO, request).await;
        token.map_err(|error| error.unwrap_or_else(|| Arc::new(TokenError::Cancelled)))
    }

    /// Reports that this token was not accepted, so that the next caller gets another one.
    pub(crate) fn invalidate(&self, token: &AccessToken) {
        let is_old = token.asked_at.elapsed() >= MIN_AGE_TO_REPLACE;
        self.token
            .retain(|current| current.bearer != token.bearer || !is_old);
    }
}

/// Requests access tokens for one account.
#[derive(Debug)]
struct TokenEndpoint {
    account: ServiceAccount,
    client: HttpClient,
    clock: Arc<dyn Clock>,
    deadline: Duration,
}

impl TokenEndpoint {
    async fn request(self: Arc<Self>) -> Fetched<AccessToken, TokenError> {
        let token = timeout(self.deadline, self.exchange_assertion()).await;
        match token.unwrap_or(Err(TokenError::TimedOut(self.deadline))) {
            Ok(token) => {
                let margin = MARGIN.min(token.lifetime / 2);
                let usable_until = token.asked_at + token.lifetime;
                Ok(Timed {
                    value: token,
                    fresh_until: usable_until - margin,
                    usable_until,
                })
            }
            Err(error) => Err(Failure {
                error: Arc::new(error),
                retry_at: Instant::now() + RETRY_AFTER,
            }),
        }
    }

    async fn exchange_assertion(&self) -> Result<AccessToken, TokenError> {
        let assertion = self.account.assertion(self.clock.now());
        let assertion = assertion.map_err(TokenError::NotSigned)?;
        let asked_at = Instant::now();
        let request = PostRequest {
            url: self.account.token_uri.url().clone(),
            bearer: None,
            content_type: "application/x-www-form-urlencoded",
            body: format!("grant_type={GRANT}&assertion={assertion}"),
        };
        let answer = self.client.post(request).await?;
        read_token(&answer, asked_at).ok_or(TokenError::NotAToken)
    }
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    token_type: String,
    expires_in: u64,
}

fn read_token(body: &[u8], asked_at: Instant) -> Option<AccessToken> {
    let answer: Answer = read_object(body).ok()?;
    let token = answer.access_token;
    let is_good = answer.token_type.eq_ignore_ascii_case("Bearer")
        && (1..=TOKEN_MAX_BYTES).contains(&token.len())
        && token.bytes().all(|byte| byte.is_ascii_graphic())
        && answer.expires_in > 0;
    is_good.then(|| AccessToken {
        bearer: BearerToken::new(token),
        asked_at,
        lifetime: Duration::from_secs(answer.expires_in).min(LIFETIME_MAX),
    })
}

/// Says why there is no access token; never what the answer said.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    /// The assertion could not be signed.
    #[error("cannot sign the assertion")]
    NotSigned(#[source] jsonwebtoken::errors::Error),
    /// The token endpoint took too long.
    #[error("the token endpoint did not answer within {0:?}")]
    TimedOut(Duration),
    /// The request or the answer did not get through, or was refused.
    #[error("the token endpoint cannot be asked")]
    Http(#[from] HttpError),
    /// The answer has no usable access token.
    #[error("the answer of the token endpoint has no usable access token")]
    NotAToken,
    /// The request was cancelled, because its owner was dropped.
    #[error("the request for a token was cancelled")]
    Cancelled,
}

#[cfg(test)]
mod tests;
