//! A watcher.

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

/// The code of a connection that ended without a close.
const ABNORMAL: u16 = 1006;

/// A WebSocket of a watcher.
pub(crate) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// Connects to the service at this address; nothing if nobody answers there.
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

/// What a watcher who resumes was told about one execution: everything that has a number.
#[derive(Debug, Clone, Default)]
pub(crate) struct Story(Vec<Value>);

impl Story {
    /// Adds one message, unless it belongs to the connection and not to the execution.
    pub(crate) fn push(&mut self, message: Value) {
        if message["seq"].is_u64() {
            self.0.push(message);
        }
    }

    /// All of it.
    pub(crate) fn messages(&self) -> &[Value] {
        &self.0
    }

    /// Adds what one socket said, until it was closed with the code that is the answer.
    pub(crate) async fn follow(&mut self, mut socket: Socket) -> u16 {
        loop {
            match socket.next().await {
                Ok(message) => self.push(message),
                Err(code) => return code,
            }
        }
    }

    /// The number of the last event; 0 before the first.
    pub(crate) fn last_number(&self) -> u64 {
        self.numbers().last().copied().unwrap_or_default()
    }

    /// The numbers of the events as they came.
    pub(crate) fn numbers(&self) -> Vec<u64> {
        let numbers = self.0.iter().map(|message| message["seq"].as_u64());
        numbers.map(Option::unwrap_or_default).collect()
    }

    /// Whether every event was told, once and in its order.
    pub(crate) fn is_gap_free(&self) -> bool {
        self.numbers().into_iter().eq(1..=self.0.len() as u64)
    }

    /// Whether everything of an attempt was told before anything of a later one.
    pub(crate) fn is_told_attempt_by_attempt(&self) -> bool {
        let data = self.0.iter().map(|message| &message["data"]);
        let attempts = data.filter_map(|data| {
            let update = || data["attempts"].as_u64();
            data["attempt"].as_u64().or_else(update)
        });
        attempts.is_sorted()
    }

    /// What each attempt wrote on stdout.
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

    /// What the last attempt wrote to this stream, byte for byte.
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
