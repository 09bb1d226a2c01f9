//! Reads server-sent events.

use coderun_domain::ExecutionId;
use serde_json::Value;

use super::request::Request;
use super::{Server, in_time, specification};

/// An open stream of events.
pub(crate) struct EventSource {
    response: reqwest::Response,
    unread: String,
}

/// One frame: an event or a comment.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Frame {
    pub(crate) event: Option<String>,
    pub(crate) id: Option<String>,
    pub(crate) data: Value,
    pub(crate) retry: Option<String>,
}

impl Server {
    /// Requests the events of an execution.
    pub(crate) fn events(&self, id: ExecutionId, query: &str) -> Request {
        self.get(&format!("/api/v1/executions/events/{id}{query}"))
    }

    /// Streams the events of a running execution, after its current state.
    pub(crate) async fn stream_running(self) -> (Self, ExecutionId, EventSource) {
        let id = self.backend.running();
        let mut events = EventSource::open(self.events(id, "")).await;
        events.next().await;
        (self, id, events)
    }
}

impl EventSource {
    /// Opens a stream, which must succeed and begin with the reconnection time.
    pub(crate) async fn open(request: Request) -> Self {
        let response = request.send().await;
        assert_eq!(response.status().as_u16(), 200);
        let mut source = Self {
            response,
            unread: String::new(),
        };
        let first = source.frame().await.unwrap();
        assert_eq!(first.retry.as_deref(), Some("1000"));
        source
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.response.headers().get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    /// The next frame, or `None` at the end.
    pub(crate) async fn frame(&mut self) -> Option<Frame> {
        loop {
            if let Some(end) = self.unread.find("\n\n") {
                let frame: String = self.unread.drain(..end + 2).collect();
                let frame = Frame::parse(frame.trim_end());
                frame.check();
                return Some(frame);
            }
            let chunk = in_time(self.response.chunk()).await.unwrap();
            let Some(chunk) = chunk else {
                assert_eq!(self.unread, "", "the stream ends within a frame");
                return None;
            };
            self.unread.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The next event.
    pub(crate) async fn next(&mut self) -> Frame {
        loop {
            let frame = self.frame().await.expect("an event");
            if frame.event.is_some() {
                return frame;
            }
        }
    }

    /// Waits for the end, with only comments before it.
    pub(crate) async fn ends(&mut self) {
        while let Some(frame) = self.frame().await {
            assert_eq!(frame, Frame::default());
        }
    }
}

impl Frame {
    fn parse(text: &str) -> Self {
        let mut frame = Self::default();
        for line in text.lines() {
            match line.split_once(": ") {
                Some(("event", name)) => frame.event = Some(name.to_owned()),
                Some(("id", id)) => frame.id = Some(id.to_owned()),
                Some(("retry", after)) => frame.retry = Some(after.to_owned()),
                Some(("data", data)) => frame.data = serde_json::from_str(data).unwrap(),
                _ => assert_eq!(line, ":", "an unknown line"),
            }
        }
        frame
    }

    /// Checks an event against the specification: its name is the type, and its id the number.
    fn check(&self) {
        if let Some(name) = &self.event {
            specification::check_message("stream", &self.data);
            assert_eq!(self.data["type"], *name);
            let number = self.data["seq"].as_u64().map(|number| number.to_string());
            assert_eq!(self.id, number);
        }
    }

    /// The type of the event and its number.
    pub(crate) fn kind(&self) -> (&str, &str) {
        let name = self.event.as_deref().unwrap_or_default();
        (name, self.id.as_deref().unwrap_or_default())
    }
}
