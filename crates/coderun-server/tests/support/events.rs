//! Watches executions over server-sent events.

use std::collections::VecDeque;

use reqwest::{Response, StatusCode};
use serde_json::Value;

use super::{DEADLINE, Service};

/// One server-sent event.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ServerEvent {
    /// Its number, if it has one.
    pub(crate) id: Option<u64>,
    pub(crate) kind: String,
    pub(crate) data: Value,
}

/// A stream of server-sent events.
pub(crate) struct EventSource {
    response: Response,
    unread: String,
    ready: VecDeque<ServerEvent>,
}

impl Service {
    /// Reads the events of an execution after this one.
    pub(crate) async fn events_since(&self, token: &str, id: &str, since: u64) -> EventSource {
        let response = self.try_events_since(token, id, since).await;
        assert_eq!(response.status(), StatusCode::OK);
        EventSource {
            response,
            unread: String::new(),
            ready: VecDeque::new(),
        }
    }

    pub(crate) async fn try_events_since(&self, token: &str, id: &str, since: u64) -> Response {
        let path = format!("/api/v1/executions/events/{id}");
        let request = self.get(&path, token).header("last-event-id", since);
        request.send().await.expect("an answer")
    }
}

impl EventSource {
    /// The next event; `None` at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<ServerEvent> {
        while self.ready.is_empty() {
            let chunk = tokio::time::timeout(DEADLINE, self.response.chunk());
            let chunk = chunk.await.expect("a chunk in time").expect("a chunk")?;
            self.unread.push_str(&String::from_utf8_lossy(&chunk));
            while let Some(end) = self.unread.find("\n\n") {
                let block: String = self.unread.drain(..end + 2).collect();
                self.ready.extend(event(&block));
            }
        }
        self.ready.pop_front()
    }

    /// All events to the end of the stream.
    pub(crate) async fn all(mut self) -> Vec<ServerEvent> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
        }
        events
    }
}

/// Parses a block; a comment is not an event.
fn event(block: &str) -> Option<ServerEvent> {
    let field = |name: &str| {
        let mut lines = block.lines();
        let found = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        found.map(|value| value.trim_start().to_owned())
    };
    let data = field("data")?;
    Some(ServerEvent {
        id: field("id").map(|id| id.parse().expect("a number")),
        kind: field("event").unwrap_or_default(),
        data: serde_json::from_str(&data).expect("JSON"),
    })
}
