//! Connects WebSocket clients.

use coderun_domain::ExecutionId;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderMap, HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::{Server, in_time, specification};

/// An open WebSocket.
pub(crate) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub(crate) headers: HeaderMap,
    received: Vec<Value>,
}

/// Checks what was received, at the end: meanwhile the client has pings to answer in time.
impl Drop for Socket {
    fn drop(&mut self) {
        for message in self.received.drain(..) {
            if !std::thread::panicking() {
                specification::check_message("watch", &message);
            }
        }
    }
}

impl Server {
    /// Watches as `alice` with the core contract, which has updates only.
    pub(crate) async fn watch(&self, id: ExecutionId) -> Socket {
        self.connect(&format!("{id}?token=alice"), &[]).await
    }

    /// Watches as `alice` with all messages, from the current state on.
    pub(crate) async fn watch_full(&self, id: ExecutionId) -> Socket {
        self.watch_as("alice", id).await
    }

    /// Watches a running execution with the core contract, after its current state.
    pub(crate) async fn watch_running(self) -> (Self, ExecutionId, Socket) {
        let id = self.backend.running();
        let mut socket = self.watch(id).await;
        assert_eq!(socket.next().await["type"], "execution_update");
        (self, id, socket)
    }

    /// Watches a running execution with all messages, after its current state.
    pub(crate) async fn watch_running_full(self) -> (Self, ExecutionId, Socket) {
        let id = self.backend.running();
        let mut socket = self.watch_full(id).await;
        assert_eq!(socket.next().await["type"], "execution_update");
        (self, id, socket)
    }

    /// Watches with all messages and this token.
    pub(crate) async fn watch_as(&self, token: &str, id: ExecutionId) -> Socket {
        let protocols = format!("execution.v1, bearer.{token}");
        let headers = [("sec-websocket-protocol", protocols.as_str())];
        self.connect(&id.to_string(), &headers).await
    }

    /// Watches as `alice` with all messages, after this number.
    pub(crate) async fn watch_since(&self, id: ExecutionId, since: u64) -> Socket {
        let query = format!("{id}?token=alice&since={since}");
        self.connect(&query, &[]).await
    }

    /// Opens a socket; the handshake must succeed.
    pub(crate) async fn connect(&self, id_and_query: &str, headers: &[(&str, &str)]) -> Socket {
        let url = format!("ws://{}/api/v1/executions/ws/{id_and_query}", self.address);
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            let value = HeaderValue::from_str(value).unwrap();
            request.headers_mut().append(name, value);
        }
        let (stream, response) = in_time(connect_async(request)).await.unwrap();
        Socket {
            stream,
            headers: response.headers().clone(),
            received: Vec::new(),
        }
    }
}

impl Socket {
    /// Sends the beginning of a message of this length.
    pub(crate) async fn begin_message(&mut self, length: u64, sent: usize) {
        let MaybeTlsStream::Plain(stream) = self.stream.get_mut() else {
            panic!("the tests use no TLS");
        };
        // One masked frame of text, its length in eight bytes, and a mask that changes nothing.
        let mut bytes = vec![0x81, 0x80 | 127];
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.resize(bytes.len() + sent, b'x');
        in_time(stream.write_all(&bytes)).await.unwrap();
    }

    /// The next message of any kind.
    pub(crate) async fn frame(&mut self) -> Option<Result<Message, Error>> {
        in_time(self.stream.next()).await
    }

    /// The next text message, or the close frame of the server.
    async fn text_or_close(&mut self) -> Result<Value, CloseFrame> {
        loop {
            match self.frame().await {
                Some(Ok(Message::Text(text))) => {
                    let message: Value = serde_json::from_str(&text).unwrap();
                    self.received.push(message.clone());
                    return Ok(message);
                }
                Some(Ok(Message::Close(Some(frame)))) => return Err(frame),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("neither a text message nor a close frame: {other:?}"),
            }
        }
    }

    /// The next text message, or the close code of the server.
    pub(crate) async fn text_or_code(&mut self) -> Result<Value, u16> {
        let received = self.text_or_close().await;
        received.map_err(|frame| frame.code.into())
    }

    /// The next text message.
    pub(crate) async fn next(&mut self) -> Value {
        let received = self.text_or_close().await;
        received.unwrap_or_else(|frame| panic!("not a text message: {frame:?}"))
    }

    /// The next text message of this type, after any others.
    pub(crate) async fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let message = self.next().await;
            if message["type"] == kind {
                return message;
            }
        }
    }

    /// The close code of the server, with no text message before it.
    pub(crate) async fn close_code(&mut self) -> u16 {
        let received = self.text_or_code().await;
        received.expect_err("not a close frame")
    }

    /// Checks the close frame of the server, with no text message before it.
    pub(crate) async fn expect_close(&mut self, code: u16, reason: &str) {
        let frame = self.text_or_close().await;
        let frame = frame.expect_err("not a close frame");
        assert_eq!(
            (u16::from(frame.code), frame.reason.as_str()),
            (code, reason)
        );
    }

    /// The close code of the server, after any text messages.
    pub(crate) async fn final_code(&mut self) -> u16 {
        loop {
            if let Err(code) = self.text_or_code().await {
                return code;
            }
        }
    }

    /// Sends a text message, without a timeout.
    pub(crate) async fn say_patiently(&mut self, text: &str) {
        self.stream.send(Message::text(text)).await.unwrap();
    }

    pub(crate) async fn send(&mut self, message: Message) {
        in_time(self.stream.send(message)).await.unwrap();
    }

    pub(crate) async fn say(&mut self, text: &str) {
        self.send(Message::text(text)).await;
    }

    /// Sends input for the program.
    pub(crate) async fn send_input(&mut self, text: &str) {
        let message = json!({"type": "stdin", "data": text});
        self.say(&message.to_string()).await;
    }

    /// Pings the server, whose next message must be the pong.
    pub(crate) async fn expect_pong(&mut self) {
        self.say(r#"{"type":"ping"}"#).await;
        assert_eq!(self.next().await, json!({"type": "pong"}));
    }
}
