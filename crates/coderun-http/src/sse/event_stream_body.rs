//! Writes the body of one stream of events, frame by frame.

use actix_web::web::{self, Bytes};
use coderun_domain::ExecutionId;
use futures_util::{Stream, stream};

use super::frame;
use crate::answer_budget::{BudgetExhausted, BudgetPermit};
use crate::failure_log::log_failure;
use crate::state::AppState;
use crate::watching::{Dialect, Feed, FeedSettings, Subscription, WatchMessage, WatcherPermit};
use crate::wire::ServerMessage;

/// The body of one stream. An event is read only after the one before it was sent.
pub(super) struct EventStreamBody {
    _permit: WatcherPermit,
    state: web::Data<AppState>,
    id: ExecutionId,
    feed: Feed,
    step: Step,
    /// The budget permit of the last frame, held until the next frame is polled.
    frame_permit: BudgetPermit,
}

/// The next frames to write.
#[derive(Clone, Copy)]
enum Step {
    Retry { since_is_ahead: bool },
    SinceError,
    Messages,
    End,
}

impl EventStreamBody {
    pub(super) fn new(
        state: web::Data<AppState>,
        id: ExecutionId,
        subscription: Subscription,
        settings: &FeedSettings,
        permit: WatcherPermit,
    ) -> Self {
        let since_is_ahead = subscription.since_is_ahead;
        Self {
            _permit: permit,
            feed: Feed::new(state.clone(), subscription, settings),
            state,
            id,
            step: Step::Retry { since_is_ahead },
            frame_permit: None,
        }
    }

    /// The frames. The stream ends after the final event, when the admission expires, when the server ends, and after a
    /// failure. A client that reconnects then learns the reason.
    pub(super) fn into_stream(self) -> impl Stream<Item = Result<Bytes, serde_json::Error>> {
        stream::unfold(self, |mut body| async move {
            let frame = body.next().await?;
            // Without a budget permit in time the stream ends, and the client reconnects for the rest.
            body.acquire_permit(&frame).await.ok()?;
            Some((frame, body))
        })
    }

    async fn acquire_permit(
        &mut self,
        frame: &Result<Bytes, serde_json::Error>,
    ) -> Result<(), BudgetExhausted> {
        self.frame_permit = None;
        let length_bytes = frame.as_ref().map_or(0, Bytes::len);
        let timeout = self.state.config.sockets.send;
        let budget = &self.state.answer_budget;
        self.frame_permit = budget.acquire(length_bytes, timeout).await?;
        Ok(())
    }

    async fn next(&mut self) -> Option<Result<Bytes, serde_json::Error>> {
        match self.step {
            Step::Retry { since_is_ahead } => {
                self.step = if since_is_ahead {
                    Step::SinceError
                } else {
                    Step::Messages
                };
                Some(Ok(frame::retry()))
            }
            Step::SinceError => {
                self.step = Step::Messages;
                Some(frame::event(&ServerMessage::since_is_ahead()))
            }
            Step::Messages => self.next_message().await,
            Step::End => None,
        }
    }

    async fn next_message(&mut self) -> Option<Result<Bytes, serde_json::Error>> {
        let next = self.feed.next();
        let Some(message) = self.state.drain.end.run_until_cancelled(next).await else {
            self.step = Step::End;
            let within = self.state.reconnect_within();
            let owed = self.feed.owes_going_away();
            return owed.then(|| frame::event(&ServerMessage::going_away(within)));
        };
        match &message {
            WatchMessage::KeepAlive => Some(Ok(frame::comment())),
            WatchMessage::Finished | WatchMessage::Expired => None,
            WatchMessage::Failed(error) => {
                log_failure(error.kind(), "an event stream", Some(error), None);
                None
            }
            WatchMessage::Event(_)
            | WatchMessage::QueuePosition(_)
            | WatchMessage::GoingAway(_)
            | WatchMessage::AuthExpiring(_) => message
                .to_wire(self.id, &self.state, Dialect::Full)
                .map(|message| frame::event(&message)),
        }
    }
}
