//! Watches executions over sockets.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::DEADLINE;

/// The code of a connection that ended without a close frame.
const ABNORMAL: u16 = 1006;

/// A WebSocket that watches an execution.
pub(crate) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// Connects to the service at this address; `None` if the handshake fails.
    pub(crate) async fn try_open(address: &str, id: &str, query: &str) -> Option<Self> {
        let url = format!("ws://{address}/api/v1/executions/ws/{id}?{query}");
        let handshake = tokio_tungstenite::connect_async(url);
        let handshake = tokio::time::timeout(DEADLINE, handshake).await;
        let (socket, _) = handshake.expect("an answer in time").ok()?;
        Some(Self(socket))
    }

    /// The next message, or the close code.
    pub(crate) async fn next(&mut self) -> Result<Value, u16> {
        loop {
            let message = tokio::time::timeout(DEADLINE, self.0.next())
                .await
                .expect("a message in time");
            match message {
                Some(Ok(Message::Text(text))) => {
                    return Ok(serde_json::from_str(&text).expect("JSON"));
                }
                Some(Ok(Message::Close(frame))) => {
                    return Err(frame.map_or(1005, |frame| CloseCode::into(frame.code)));
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(other @ (Message::Binary(_) | Message::Frame(_)))) => panic!("{other:?}"),
                Some(Err(_)) | None => return Err(ABNORMAL),
            }
        }
    }

    /// Sends a message.
    pub(crate) async fn send(&mut self, message: &Value) {
        let message = Message::text(message.to_string());
        self.0.send(message).await.expect("an open socket");
    }

    /// Waits for a message of this type.
    pub(crate) async fn until(&mut self, kind: &str) -> Value {
        loop {
            let message = self.next().await.expect("an open socket");
            if message["type"] == kind {
                return message;
            }
        }
    }

    /// Waits until the program runs.
    pub(crate) async fn until_running(&mut self) {
        while self.next().await.expect("an open socket")["data"]["status"] != "running" {}
    }

    /// All messages and the close code.
    pub(crate) async fn until_closed(mut self) -> (Vec<Value>, u16) {
        let mut messages = Vec::new();
        loop {
            match self.next().await {
                Ok(message) => messages.push(message),
                Err(code) => return (messages, code),
            }
        }
    }
}

/// The numbered messages about one execution, over any number of connections.
#[derive(Debug, Clone, Default)]
pub(crate) struct EventLog(Vec<Value>);

impl EventLog {
    /// Adds a message, unless it concerns only the connection.
    pub(crate) fn push(&mut self, message: Value) {
        if message["seq"].is_u64() {
            self.0.push(message);
        }
    }

    /// All messages.
    pub(crate) fn messages(&self) -> &[Value] {
        &self.0
    }

    /// Adds all messages of a socket, and returns its close code.
    pub(crate) async fn read_until_closed(&mut self, mut socket: Socket) -> u16 {
        loop {
            match socket.next().await {
                Ok(message) => self.push(message),
                Err(code) => return code,
            }
        }
    }

    /// The number of the last event; 0 before the first.
    pub(crate) fn last_sequence(&self) -> u64 {
        self.numbers().last().copied().unwrap_or_default()
    }

    /// The numbers of the events in the order of arrival.
    pub(crate) fn numbers(&self) -> Vec<u64> {
        let numbers = self.0.iter().map(|message| message["seq"].as_u64());
        numbers.map(Option::unwrap_or_default).collect()
    }

    /// Whether every event arrived once and in order.
    pub(crate) fn is_gap_free(&self) -> bool {
        self.numbers().into_iter().eq(1..=self.0.len() as u64)
    }

    /// Whether all events of an attempt came before those of later attempts.
    pub(crate) fn has_attempts_in_order(&self) -> bool {
        let data = self.0.iter().map(|message| &message["data"]);
        let attempts = data.filter_map(|data| {
            let update = || data["attempts"].as_u64();
            data["attempt"].as_u64().or_else(update)
        });
        attempts.is_sorted()
    }

    /// The stdout of each attempt.
    pub(crate) fn output_by_attempt(&self) -> BTreeMap<u64, String> {
        let mut outputs = BTreeMap::<u64, String>::new();
        let chunks = self.0.iter().map(|message| &message["data"]);
        for chunk in chunks.filter(|data| data["stream"] == "stdout") {
            let attempt = chunk["attempt"].as_u64().expect("an attempt");
            let text = chunk["text"].as_str().expect("text");
            outputs.entry(attempt).or_default().push_str(text);
        }
        outputs
    }

    /// The bytes that the last attempt wrote to this stream.
    pub(crate) fn bytes(&self, stream: &str) -> Vec<u8> {
        let data = self.0.iter().map(|message| &message["data"]);
        let chunks = data.filter(|data| data["stream"] == stream);
        let last_attempt = self.last_update()["attempts"].as_u64();
        let chunks = chunks.filter(|data| data["attempt"].as_u64() == last_attempt);
        let decode = |text: &str| STANDARD.decode(text).expect("base64");
        let bytes = chunks.map(|data| match data["text"].as_str() {
            Some(text) => text.as_bytes().to_vec(),
            None => decode(data["bytes_base64"].as_str().expect("bytes")),
        });
        bytes.flatten().collect()
    }

    /// The last update of the state.
    pub(crate) fn last_update(&self) -> &Value {
        let mut updates = self.0.iter().rev();
        let last = updates.find(|message| message["type"] == "execution_update");
        &last.expect("an update")["data"]
    }
}
