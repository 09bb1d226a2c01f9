//! One program on its way to Piston and back. Piston cannot be told to stop: what it has received it runs.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::traffic::Place;
use crate::client::{Answer, Client, Fault, Posted, Sending};

/// Begins exchanges, and owns their tasks. When it is dropped, they end.
#[derive(Debug)]
pub(super) struct Exchanges {
    client: Arc<Client>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// One exchange. Dropping it prevents what was not sent yet; what was sent goes on, and keeps its place, until Piston has
/// answered or the program must have ended.
#[derive(Debug)]
pub(super) struct Exchange {
    answer: oneshot::Receiver<Result<Answer, Fault>>,
    sending: Sending,
    task: JoinHandle<()>,
}

impl Exchanges {
    pub(super) fn new(client: Arc<Client>) -> Self {
        Self {
            client,
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        }
    }

    /// Hands in a request, which ends within its patience whatever happens.
    pub(super) fn begin(&self, posted: Posted, patience: Duration, place: Place) -> Exchange {
        let (tell, answer) = oneshot::channel();
        let sending = Sending::default();
        let order = Order {
            client: Arc::clone(&self.client),
            posted,
            sending: sending.clone(),
            latest: Instant::now() + patience,
        };
        let exchanging = order.carry_out(tell, place);
        let task = self.tasks.spawn(until(self.stop.clone(), exchanging));
        Exchange {
            answer,
            sending,
            task,
        }
    }
}

impl Drop for Exchanges {
    fn drop(&mut self) {
        self.stop.cancel();
        self.tasks.close();
    }
}

async fn until(stop: CancellationToken, work: impl Future<Output = ()> + Send) {
    stop.run_until_cancelled(work).await;
}

struct Order {
    client: Arc<Client>,
    posted: Posted,
    sending: Sending,
    /// After this whatever was received has ended, by its own limits.
    latest: Instant,
}

impl Order {
    async fn carry_out(self, tell: oneshot::Sender<Result<Answer, Fault>>, place: Place) {
        let posting = self.client.post_json("execute", self.posted, &self.sending);
        let answer = timeout_at(self.latest, posting).await;
        let answer = answer.unwrap_or(Err(Fault::NoAnswer));
        let may_go_on = may_go_on(&answer);
        // Nobody may be there any more to hear it.
        drop(tell.send(answer));
        if may_go_on {
            place.keep_until(self.latest).await;
        }
    }
}

/// Whether a program may run though there is an answer, or none: only Piston itself knows that it has ended.
fn may_go_on(answer: &Result<Answer, Fault>) -> bool {
    match answer {
        // 500 is Piston's own word for a run that is over, and 503 for one that was not taken; others are of what stands
        // between.
        Ok(answer) => matches!(answer.status.as_u16(), 501 | 502 | 504..=599),
        Err(Fault::Lost(_) | Fault::NoAnswer) => true,
        Err(Fault::NotConnected(_) | Fault::Truncated | Fault::TooLarge { .. }) => false,
    }
}

impl Exchange {
    /// Waits for the answer. Cancel-safe. To be asked once only.
    pub(super) async fn answer(&mut self) -> Result<Answer, Fault> {
        // Without an answer the runner itself has ended.
        let answer = (&mut self.answer).await;
        answer.unwrap_or(Err(Fault::NoAnswer))
    }

    /// Prevents what was not sent yet; `false` where it is too late for that.
    pub(super) fn give_up(&self) -> bool {
        let is_unsent = self.sending.give_up();
        if is_unsent {
            self.task.abort();
        }
        is_unsent
    }

    /// Waits until the program has certainly ended. Cancel-safe.
    pub(super) async fn over(&mut self) {
        // It ends in no other way than by being done, or with the runner.
        drop((&mut self.task).await);
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.give_up();
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use reqwest::StatusCode;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::a_result(200, false)]
    #[case::a_refusal(400, false)]
    #[case::a_failure_of_piston(500, false)]
    #[case::not_taken(503, false)]
    #[case::bad_gateway(502, true)]
    #[case::gateway_timeout(504, true)]
    #[case::of_somebody_in_between(524, true)]
    fn only_piston_itself_knows_that_a_program_has_ended(
        #[case] status: u16,
        #[case] expected: bool,
    ) {
        let answer = Answer {
            status: StatusCode::from_u16(status).unwrap(),
            retry_after: None,
            body: Bytes::new(),
        };
        assert_eq!(may_go_on(&Ok(answer)), expected);
    }

    #[test]
    fn without_an_answer_nobody_knows_whether_a_program_has_ended() {
        assert!(may_go_on(&Err(Fault::NoAnswer)));
    }
}
