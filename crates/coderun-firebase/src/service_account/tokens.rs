//! Access tokens of a service account: asked for once, used until shortly before their end.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use coderun_domain::{BearerToken, Clock};
use coderun_json::read_object;
use serde::Deserialize;
use tokio::time::{Instant, timeout};

use super::ServiceAccount;
use crate::exchange::{Exchange, ExchangeError, Question};
use crate::flight::{Flight, Flights, NoRuntime};

/// So long before its end a token is replaced.
const MARGIN: Duration = Duration::from_mins(5);

/// After a failure, no token is asked for in this time.
const REST: Duration = Duration::from_secs(1);

/// A token that is refused although it is younger than this is kept: another one would fare no better.
const TRIAL: Duration = Duration::from_mins(1);

/// The longest that a token is used, whatever its end.
const LIFETIME_MAX: Duration = Duration::from_hours(1);

const TOKEN_MAX_BYTES: usize = 8 << 10;

const GRANT: &str = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";

/// Keeps the access token of a service account. Time is monotonic, but for the time that an assertion says.
pub(crate) struct AccessTokens {
    shared: Arc<Shared>,
    flights: Flights,
}

/// A token that can be used now.
#[derive(Debug, Clone)]
pub(crate) struct AccessToken {
    pub(crate) bearer: BearerToken,
    asked_at: Instant,
    lifetime: Duration,
}

type Landed = Result<AccessToken, Arc<TokenFault>>;

impl AccessTokens {
    /// Asks for nothing yet. Work is done on the present runtime.
    pub(crate) fn start(
        account: ServiceAccount,
        exchange: Exchange,
        clock: Arc<dyn Clock>,
        deadline: Duration,
    ) -> Result<Self, NoRuntime> {
        let shared = Shared {
            account,
            exchange,
            clock,
            deadline,
            state: Mutex::default(),
        };
        Ok(Self {
            shared: Arc::new(shared),
            flights: Flights::on_this_runtime()?,
        })
    }

    /// A token to use now; all callers share one question, and wait for it only if there is no good token. Cancel-safe.
    pub(crate) async fn current(&self) -> Landed {
        let flight = match self.next_step() {
            Step::Answer(landed) => return landed,
            Step::Wait(flight) => flight,
        };
        flight
            .await
            .unwrap_or_else(|| Err(Arc::new(TokenFault::Ended)))
    }

    fn next_step(&self) -> Step {
        let mut state = self.shared.lock();
        let now = Instant::now();
        if let Some(token) = state.token.as_ref().filter(|it| !it.is_due(now)) {
            return Step::Answer(Ok(token.clone()));
        }
        let in_time = state.token_in_time(now);
        if state.flight.is_none()
            && let Some(fault) = state.resting(now)
        {
            return Step::Answer(in_time.ok_or(fault));
        }
        // The task cannot end before its flight is noted, for the state is locked.
        let begin = || self.flights.begin(Arc::clone(&self.shared).fetch());
        let flight = state.flight.get_or_insert_with(begin).clone();
        match in_time {
            Some(token) => Step::Answer(Ok(token)),
            None => Step::Wait(flight),
        }
    }

    /// Says that this token was not accepted, so that the next caller gets another one.
    pub(crate) fn refused(&self, token: &AccessToken) {
        let mut state = self.shared.lock();
        let is_same = |current: &AccessToken| current.bearer == token.bearer;
        if state.token.as_ref().is_some_and(is_same) && token.asked_at.elapsed() >= TRIAL {
            state.token = None;
        }
    }
}

impl fmt::Debug for AccessTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessTokens")
            .field("account", &self.shared.account)
            .finish_non_exhaustive()
    }
}

impl AccessToken {
    /// Whether it should be replaced.
    fn is_due(&self, now: Instant) -> bool {
        let margin = MARGIN.min(self.lifetime / 2);
        now - self.asked_at >= self.lifetime.saturating_sub(margin)
    }

    fn is_over(&self, now: Instant) -> bool {
        now - self.asked_at >= self.lifetime
    }
}

enum Step {
    Answer(Landed),
    Wait(Flight<Landed>),
}

struct Shared {
    account: ServiceAccount,
    exchange: Exchange,
    clock: Arc<dyn Clock>,
    deadline: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<AccessToken>,
    failure: Option<(Instant, Arc<TokenFault>)>,
    flight: Option<Flight<Landed>>,
}

impl State {
    fn resting(&self, now: Instant) -> Option<Arc<TokenFault>> {
        let (at, fault) = self.failure.as_ref()?;
        (now - *at < REST).then(|| Arc::clone(fault))
    }

    /// The token, though it should be replaced.
    fn token_in_time(&self, now: Instant) -> Option<AccessToken> {
        self.token.clone().filter(|it| !it.is_over(now))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One flight: asks, remembers, and answers what callers are told.
    async fn fetch(self: Arc<Self>) -> Landed {
        let boarding = Boarding(&self);
        let asked = timeout(self.deadline, self.ask()).await;
        let asked = asked.unwrap_or(Err(TokenFault::TimedOut(self.deadline)));
        let landed = self.remember(asked);
        drop(boarding);
        landed
    }

    async fn ask(&self) -> Result<AccessToken, TokenFault> {
        let assertion = self.account.assertion(self.clock.now());
        let assertion = assertion.map_err(TokenFault::NotSigned)?;
        let asked_at = Instant::now();
        let question = Question {
            url: self.account.token_uri.url().clone(),
            bearer: None,
            content_type: "application/x-www-form-urlencoded",
            body: format!("grant_type={GRANT}&assertion={assertion}"),
        };
        let answer = self.exchange.post(question).await?;
        read_token(&answer, asked_at).ok_or(TokenFault::Form)
    }

    fn remember(&self, asked: Result<AccessToken, TokenFault>) -> Landed {
        let mut state = self.lock();
        match asked {
            Ok(token) => {
                state.failure = None;
                state.token = Some(token.clone());
                Ok(token)
            }
            Err(fault) => {
                let (fault, now) = (Arc::new(fault), Instant::now());
                state.failure = Some((now, Arc::clone(&fault)));
                state.token_in_time(now).ok_or(fault)
            }
        }
    }
}

/// Forgets the flight, also if it ends in the middle.
struct Boarding<'flight>(&'flight Shared);

impl Drop for Boarding<'_> {
    fn drop(&mut self) {
        self.0.lock().flight = None;
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
    let is_good = answer.token_type.eq_ignore_ascii_case("Bearer")
        && (1..=TOKEN_MAX_BYTES).contains(&answer.access_token.len())
        && answer
            .access_token
            .bytes()
            .all(|byte| byte.is_ascii_graphic())
        && answer.expires_in > 0;
    is_good.then(|| AccessToken {
        bearer: BearerToken::new(answer.access_token),
        asked_at,
        lifetime: Duration::from_secs(answer.expires_in).min(LIFETIME_MAX),
    })
}

/// Says why there is no access token; never what the answer said.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenFault {
    /// The assertion could not be signed.
    #[error("cannot sign the assertion")]
    NotSigned(#[source] jsonwebtoken::errors::Error),
    /// The token endpoint took too long.
    #[error("the token endpoint did not answer within {0:?}")]
    TimedOut(Duration),
    /// The question or the answer did not get through, or was refused.
    #[error("the token endpoint cannot be asked")]
    Exchange(#[from] ExchangeError),
    /// The answer is no access token.
    #[error("the answer of the token endpoint has another form")]
    Form,
    /// The question was given up, because its owner is going away.
    #[error("the question for a token was given up")]
    Ended,
}

#[cfg(test)]
mod tests;
