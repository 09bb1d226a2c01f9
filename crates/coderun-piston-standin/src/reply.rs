//! Builds HTTP answers and delivers them whole, slowly, in part or not at all.

use std::io;
use std::time::Duration;

use serde::Serialize;
use serde_json::json;
use socket2::SockRef;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::stage::ExecuteResult;

/// An HTTP answer, or what is sent in place of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Status line and headers, except for the length of the body; `None` where only the body is sent.
    head: Option<String>,
    body: Vec<u8>,
    delivery: Delivery,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Delivery {
    Whole,
    ByteByByte { pause: Duration },
    ThenClose { missing_bytes: usize },
    Reset,
    Never,
}

impl Reply {
    /// An answer without a body.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self {
            head: Some(format!("HTTP/1.1 {status} X\r\n")),
            body: Vec::new(),
            delivery: Delivery::Whole,
        }
    }

    /// An answer of JSON.
    #[must_use]
    pub fn json(status: u16, body: &impl Serialize) -> Self {
        Self::status(status)
            .header("content-type", "application/json; charset=utf-8")
            .body(serde_json::to_vec(body).unwrap_or_default())
    }

    /// An error as Piston words it.
    #[must_use]
    pub fn message(status: u16, message: &str) -> Self {
        Self::json(status, &json!({ "message": message }))
    }

    /// The result of a program in Python that wrote this and exited with 0.
    #[must_use]
    pub fn success(stdout: &str) -> Self {
        Self::json(200, &ExecuteResult::success("python", "3.12.0", stdout))
    }

    /// JSON lists in each other, this many levels deep.
    #[must_use]
    pub fn nested_json(levels: usize) -> Self {
        Self::status(200).body("[".repeat(levels) + &"]".repeat(levels))
    }

    /// These bytes, which need not be HTTP, and then the end of the connection.
    #[must_use]
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            head: None,
            body: bytes.into(),
            delivery: Delivery::ThenClose { missing_bytes: 0 },
        }
    }

    /// A reset of the connection.
    #[must_use]
    pub fn reset() -> Self {
        Self {
            delivery: Delivery::Reset,
            ..Self::raw("")
        }
    }

    /// No answer at all, on a connection that stays open.
    #[must_use]
    pub fn never() -> Self {
        Self {
            delivery: Delivery::Never,
            ..Self::raw("")
        }
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.head = self.head.map(|head| format!("{head}{name}: {value}\r\n"));
        self
    }

    /// With this body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// With a pause after each byte of the body.
    #[must_use]
    pub fn byte_by_byte(mut self, pause: Duration) -> Self {
        self.delivery = Delivery::ByteByByte { pause };
        self
    }

    /// Without the second half of the body, and then the end of the connection.
    #[must_use]
    pub fn truncated(mut self) -> Self {
        let missing_bytes = self.body.len().div_ceil(2);
        self.delivery = Delivery::ThenClose { missing_bytes };
        self
    }

    /// Sends it, and returns the connection if another request may follow.
    pub(crate) async fn send(&self, mut stream: TcpStream) -> io::Result<Option<TcpStream>> {
        let (length, head) = (self.body.len(), self.head.as_deref());
        let head = head.map(|head| format!("{head}content-length: {length}\r\n\r\n"));
        let head = head.unwrap_or_default().into_bytes();
        match self.delivery {
            Delivery::Whole => stream.write_all(&[&head, &self.body[..]].concat()).await?,
            Delivery::ByteByByte { pause } => {
                stream.write_all(&head).await?;
                for byte in &self.body {
                    stream.write_u8(*byte).await?;
                    tokio::time::sleep(pause).await;
                }
            }
            Delivery::ThenClose { missing_bytes } => {
                let body = self.body.get(..length - missing_bytes).unwrap_or_default();
                stream.write_all(&[&head, body].concat()).await?;
                return Ok(None);
            }
            Delivery::Reset => {
                SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
                return Ok(None);
            }
            Delivery::Never => std::future::pending().await,
        }
        Ok(Some(stream))
    }
}
