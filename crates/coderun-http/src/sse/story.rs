//! One stream of events, from its first frame to its last.

use actix_web::web::{self, Bytes};
use coderun_domain::ExecutionId;
use futures_util::{Stream, stream};

use super::frame;
use crate::bulk::{BulkPermit, NoRoom};
use crate::failure_log::Failure;
use crate::state::AppState;
use crate::watching::{Dialect, Feed, FeedSettings, News, Subscription, WatcherPlace};
use crate::wire::ServerMessage;

/// What is told to one client, as fast as it takes it: one event is read when the one before was sent.
pub(super) struct Story {
    _place: WatcherPlace,
    state: web::Data<AppState>,
    id: ExecutionId,
    feed: Feed,
    step: Step,
    /// The room of the last frame, until the next is asked for.
    room: BulkPermit,
}

/// How far the telling has come.
#[derive(Clone, Copy)]
enum Step {
    Begin { since_is_to_come: bool },
    Complain,
    Tell,
    End,
}

impl Story {
    pub(super) fn new(
        state: web::Data<AppState>,
        id: ExecutionId,
        subscription: Subscription,
        settings: &FeedSettings,
        place: WatcherPlace,
    ) -> Self {
        let since_is_to_come = subscription.since_is_to_come;
        Self {
            _place: place,
            feed: Feed::new(state.clone(), subscription, settings),
            state,
            id,
            step: Step::Begin { since_is_to_come },
            room: None,
        }
    }

    /// Its frames. The stream ends after the final event, with the admission, with the server, or when nothing more can be
    /// told; whoever then asks for the rest learns which it was.
    pub(super) fn told(self) -> impl Stream<Item = Result<Bytes, serde_json::Error>> {
        stream::unfold(self, |mut story| async move {
            let frame = story.next().await?;
            // Where there is no room in time the stream ends, and the client comes back for the rest.
            story.make_room(&frame).await.ok()?;
            Some((frame, story))
        })
    }

    async fn make_room(&mut self, frame: &Result<Bytes, serde_json::Error>) -> Result<(), NoRoom> {
        self.room = None;
        let length_bytes = frame.as_ref().map_or(0, Bytes::len);
        let patience = self.state.config.sockets.send;
        self.room = self.state.bulk.take(length_bytes, patience).await?;
        Ok(())
    }

    async fn next(&mut self) -> Option<Result<Bytes, serde_json::Error>> {
        match self.step {
            Step::Begin { since_is_to_come } => {
                self.step = if since_is_to_come {
                    Step::Complain
                } else {
                    Step::Tell
                };
                Some(Ok(frame::retry()))
            }
            Step::Complain => {
                self.step = Step::Tell;
                Some(frame::event(&ServerMessage::since_is_to_come()))
            }
            Step::Tell => self.tell().await,
            Step::End => None,
        }
    }

    async fn tell(&mut self) -> Option<Result<Bytes, serde_json::Error>> {
        let next = self.feed.next();
        let news = self.state.departure.end().run_until_cancelled(next).await;
        let Some(news) = news else {
            self.step = Step::End;
            let within = self.state.reconnect_within();
            let owed = self.feed.owes_departure();
            return owed.then(|| frame::event(&ServerMessage::going_away(within)));
        };
        match &news {
            News::Silence => Some(Ok(frame::comment())),
            News::Over | News::Expired => None,
            News::Lost(error) => {
                let failure = Failure {
                    what: "a stream of events",
                    error: Some(error),
                    request_id: None,
                };
                failure.log(error.kind());
                None
            }
            News::Event(_) | News::Queue(_) | News::GoingAway(_) | News::AuthExpiring(_) => news
                .message(self.id, &self.state, Dialect::Full)
                .map(|message| frame::event(&message)),
        }
    }
}
