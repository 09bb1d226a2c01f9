//! A WebSocket client.

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderMap, HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::{Server, in_time};
use coderun_domain::ExecutionId;

/// An open WebSocket.
pub(crate) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub(crate) headers: HeaderMap,
}

impl Server {
    /// Watches as `alice`, as an old client does.
    pub(crate) async fn watch(&self, id: ExecutionId) -> Socket {
        self.connect(&format!("{id}?token=alice"), &[]).await
    }

    /// Watches as `alice`, with everything that there is to learn.
    pub(crate) async fn watch_all(&self, id: ExecutionId) -> Socket {
        self.connect(&format!("{id}?token=alice&since=0"), &[])
            .await
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
        }
    }
}

impl Socket {
    /// The next message, whatever it is.
    pub(crate) async fn frame(&mut self) -> Option<Result<Message, Error>> {
        in_time(self.stream.next()).await
    }

    /// The next text message; pings before it are answered.
    pub(crate) async fn next(&mut self) -> Value {
        loop {
            match self.frame().await {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).unwrap(),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("not a text message: {other:?}"),
            }
        }
    }

    /// The code with which the server closes, and nothing but pings before it.
    pub(crate) async fn close_code(&mut self) -> u16 {
        self.close_frame().await.code.into()
    }

    pub(crate) async fn close_frame(&mut self) -> CloseFrame {
        loop {
            match self.frame().await {
                Some(Ok(Message::Close(Some(frame)))) => return frame,
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("not closed: {other:?}"),
            }
        }
    }

    /// The next text message, or the code with which the server closes.
    pub(crate) async fn text_or_code(&mut self) -> Result<Value, u16> {
        loop {
            match self.frame().await {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(Some(frame)))) => return Err(frame.code.into()),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("neither a text message nor a close frame: {other:?}"),
            }
        }
    }

    /// The code with which the server closes, whatever it says before.
    pub(crate) async fn final_code(&mut self) -> u16 {
        loop {
            if let Err(code) = self.text_or_code().await {
                return code;
            }
        }
    }

    /// Sends a text message, however long the server lets it wait.
    pub(crate) async fn say_patiently(&mut self, text: &str) {
        self.stream.send(Message::text(text)).await.unwrap();
    }

    pub(crate) async fn send(&mut self, message: Message) {
        in_time(self.stream.send(message)).await.unwrap();
    }

    pub(crate) async fn say(&mut self, text: &str) {
        self.send(Message::text(text)).await;
    }
}
