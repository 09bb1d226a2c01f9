//! Writes the body of one stream of events, frame by frame.

use actix_web::web::{self, Bytes};
use futures_util::{Stream, StreamExt, stream};

use super::frame;
use crate::answer_budget::{BudgetExhausted, BudgetPermit};
use crate::failure_log::log_failure;
use crate::socket_registry::WatcherPermit;
use crate::state::AppState;
use crate::watching::{Feed, WatchMessage};
use crate::wire::ServerMessage;

type Frame = Result<Bytes, serde_json::Error>;

/// The body of one stream. An event is read only after the one before it was sent.
struct EventStreamBody {
    _permit: WatcherPermit,
    state: web::Data<AppState>,
    feed: Feed,
    has_ended: bool,
    /// The budget permit of the last frame, held until the next one is ready.
    frame_permit: BudgetPermit,
}

/// The frames. The stream ends after the final event, when the admission expires, when the server ends, and after a failure. A
/// client that reconnects then learns the reason.
pub(super) fn frames(
    state: web::Data<AppState>,
    feed: Feed,
    since_is_ahead: bool,
    permit: WatcherPermit,
) -> impl Stream<Item = Frame> {
    let mut first = vec![Ok(frame::retry())];
    if since_is_ahead {
        first.push(frame::event(&ServerMessage::since_is_ahead()));
    }
    let body = EventStreamBody {
        _permit: permit,
        state,
        feed,
        has_ended: false,
        frame_permit: None,
    };
    let messages = stream::unfold(body, |mut body| async move {
        let frame = body.next().await?;
        // Without a budget permit in time the stream ends, and the client reconnects for the rest.
        body.acquire_permit(&frame).await.ok()?;
        Some((frame, body))
    });
    stream::iter(first).chain(messages)
}

impl EventStreamBody {
    async fn acquire_permit(&mut self, frame: &Frame) -> Result<(), BudgetExhausted> {
        self.frame_permit = None;
        let length_bytes = frame.as_ref().map_or(0, Bytes::len);
        let timeout = self.state.config.sockets.send;
        let budget = &self.state.answer_budget;
        self.frame_permit = budget.acquire(length_bytes, timeout).await?;
        Ok(())
    }

    async fn next(&mut self) -> Option<Frame> {
        if self.has_ended {
            return None;
        }
        let next = self.feed.next();
        let Some(message) = self.state.drain.end.run_until_cancelled(next).await else {
            self.has_ended = true;
            let within = self.state.reconnect_within();
            let owed = self.feed.owes_going_away();
            return owed.then(|| frame::event(&ServerMessage::going_away(within)));
        };
        match message {
            WatchMessage::KeepAlive => Some(Ok(frame::comment())),
            WatchMessage::Finished | WatchMessage::Expired => None,
            WatchMessage::Failed(error) => {
                log_failure(error.kind(), "an event stream", Some(&error), None);
                None
            }
            WatchMessage::Event(event) => self.feed.to_wire(&event).as_ref().map(frame::event),
            WatchMessage::Notice(message) => Some(frame::event(&message)),
        }
    }
}
