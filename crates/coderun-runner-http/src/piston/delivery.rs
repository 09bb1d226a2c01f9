//! Brings an order to Piston and waits for the answer, as long as it is worth it and safe.
//!
//! What may have been received is never sent again: only a connection that could not be made and a Piston that is busy are
//! met with patience. Whatever else fails is for whoever asked to try again.

use std::time::Duration;

use bytes::Bytes;
use coderun_domain::{InputWanted, RunInput, RunIo};
use tokio::time::{Instant, sleep_until};

use super::PistonRunner;
use super::exchange::Exchange;
use super::failure::Failure;
use super::orders::Order;
use super::refusal::{self, Refusal};
use crate::client::{Answer, Fault, Posted};

/// The first pause before another try; each further one is twice as long.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// What came of an order.
#[derive(Debug)]
pub(super) enum Delivered {
    /// Piston answered, with a result or a refusal that does not pass.
    Answer(Answer),
    /// It was cancelled before it was sent.
    NeverSent,
    /// It was cancelled while it ran, and has ended; the answer, if there was a good one.
    Cancelled(Option<Answer>),
}

/// Hears that a program is to be stopped.
pub(super) struct CancelWatch<'a, 'io> {
    pub(super) io: &'a mut (dyn RunIo + 'io),
}

impl CancelWatch<'_, '_> {
    /// Waits for the cancellation; for ever, if it came already. Other input stays with whoever sends it. Cancel-safe.
    async fn cancelled(&mut self) {
        loop {
            match self.io.input(InputWanted::Cancel).await {
                RunInput::Cancel => return,
                RunInput::Data(_) | RunInput::Closed => {}
            }
        }
    }
}

/// Why it is worth to try again.
struct Again {
    failure: Failure,
    wait: Option<Duration>,
}

impl PistonRunner {
    /// Brings an order to Piston, and waits for that until the deadline. Where this is dropped, nothing more is sent.
    pub(super) async fn deliver(
        &self,
        order: &Order,
        body: &Bytes,
        deadline: Instant,
        cancel: &mut CancelWatch<'_, '_>,
    ) -> Result<Delivered, Failure> {
        let mut pause = PAUSE_FIRST;
        loop {
            let place = tokio::select! {
                biased;
                () = cancel.cancelled() => return Ok(Delivered::NeverSent),
                place = self.traffic.place(deadline) => place?,
            };
            let posted = Posted {
                body: body.clone(),
                trace: order.submission.trace().copied(),
            };
            let exchange = self.exchanges.begin(posted, order.patience, place);
            let again = match self.hear(exchange, cancel).await? {
                Heard::Over(delivered) => return Ok(delivered),
                Heard::Again(again) => again,
            };
            let until = self.next_try(again, pause, deadline)?;
            tokio::select! {
                biased;
                () = cancel.cancelled() => return Ok(Delivered::NeverSent),
                () = sleep_until(until) => {}
            }
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// When to try again, if that is before the deadline. While Piston is busy, nobody else asks it either.
    fn next_try(
        &self,
        again: Again,
        pause: Duration,
        deadline: Instant,
    ) -> Result<Instant, Failure> {
        let wait = again.wait.unwrap_or(pause);
        if matches!(again.failure, Failure::Busy { .. }) {
            self.traffic.note_busy(wait);
        }
        let until = Instant::now() + wait;
        tracing::debug!(reason = %again.failure, "the runner did not take the program");
        if until > deadline {
            return Err(again.failure);
        }
        Ok(until)
    }

    async fn hear(
        &self,
        mut exchange: Exchange,
        cancel: &mut CancelWatch<'_, '_>,
    ) -> Result<Heard, Failure> {
        tokio::select! {
            biased;
            answer = exchange.answer() => judge_answer(answer),
            () = cancel.cancelled() => Ok(Heard::Over(cancelled(exchange).await)),
        }
    }
}

fn judge_answer(answer: Result<Answer, Fault>) -> Result<Heard, Failure> {
    let answer = match answer {
        Err(fault @ Fault::NotConnected(_)) => {
            return Ok(Heard::Again(Again {
                failure: fault.into(),
                wait: None,
            }));
        }
        answer => answer?,
    };
    if answer.status != reqwest::StatusCode::OK
        && refusal::read(answer.status, &answer.body) == Refusal::Busy
    {
        let retry_after = answer.retry_after;
        return Ok(Heard::Again(Again {
            failure: Failure::Busy { retry_after },
            wait: retry_after,
        }));
    }
    Ok(Heard::Over(Delivered::Answer(answer)))
}

/// What an exchange came to.
enum Heard {
    Over(Delivered),
    Again(Again),
}

/// What was not sent is prevented; for what was, there is nothing to do but wait.
async fn cancelled(mut exchange: Exchange) -> Delivered {
    if exchange.give_up() {
        return Delivered::NeverSent;
    }
    let answer = exchange.answer().await;
    exchange.over().await;
    Delivered::Cancelled(answer.ok())
}
