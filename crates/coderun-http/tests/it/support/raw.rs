//! Sends HTTP byte by byte, for requests that no well-behaved client sends.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use super::{Server, in_time};

/// The headers of a WebSocket upgrade.
pub(crate) const UPGRADE: &str = "Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                                  Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n";

/// A connection that sends the bytes it is given.
pub(crate) struct RawConnection {
    stream: TcpStream,
}

/// The head of a submission of `alice` with these further headers.
pub(crate) fn submission_head(headers: &str) -> String {
    format!(
        "POST /api/v1/executions/execute HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer alice\r\n\
         Content-Type: application/json\r\n{headers}\r\n\r\n"
    )
}

impl Server {
    /// Sends these bytes.
    pub(crate) async fn send_raw(&self, bytes: impl AsRef<[u8]>) -> RawConnection {
        let mut connection = RawConnection::open(self.address).await;
        connection.send(bytes).await;
        connection
    }

    /// Sends a GET request of `alice` over a connection with a small receive buffer, and reads the answer up to this text only.
    pub(crate) async fn stall(&self, path: &str, read_until: &str) -> RawConnection {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        let stream = socket.connect(self.address).await.unwrap();
        let mut connection = RawConnection { stream };
        let is_socket = path.contains("/ws/");
        let headers = if is_socket { UPGRADE } else { "Host: x\r\n" };
        let head = format!("GET {path} HTTP/1.1\r\nAuthorization: Bearer alice\r\n{headers}\r\n");
        connection.send(head).await;
        connection.read_until(read_until).await;
        connection
    }
}

impl RawConnection {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Reads until the answer contains this text.
    pub(crate) async fn read_until(&mut self, text: &str) -> String {
        let mut answer = Vec::new();
        in_time(async {
            loop {
                let read = String::from_utf8_lossy(&answer);
                if read.contains(text) {
                    return read.into_owned();
                }
                let mut buffer = [0; 4_096];
                let count = self.stream.read(&mut buffer).await.unwrap();
                assert!(count > 0, "the connection ended after: {read}");
                answer.extend_from_slice(&buffer[..count]);
            }
        })
        .await
    }

    /// Ends the direction to the server.
    pub(crate) async fn end(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    /// Reads the head of a response and nothing after it.
    pub(crate) async fn read_head(&mut self) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.extend(self.read_bytes(1).await);
        }
    }

    /// Reads this many bytes.
    pub(crate) async fn read_bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        in_time(self.stream.read_exact(&mut bytes)).await.unwrap();
        bytes
    }

    /// Reads until the server closes the connection.
    pub(crate) async fn read_to_end(&mut self) -> String {
        let mut answer = Vec::new();
        // A reset after the answer is an end as well.
        let _ = in_time(self.stream.read_to_end(&mut answer)).await;
        String::from_utf8_lossy(&answer).into_owned()
    }
}
