//! HTTP byte by byte, for what no well-behaved client sends.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use super::in_time;

/// A connection that sends whatever it is given.
pub(crate) struct RawConnection {
    stream: TcpStream,
}

impl RawConnection {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        Self { stream }
    }

    /// One that takes next to nothing ahead of whoever reads it.
    pub(crate) async fn open_narrow(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        let stream = socket.connect(address).await.unwrap();
        Self { stream }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Reads until the answer holds this text.
    pub(crate) async fn read_until(&mut self, text: &str) -> String {
        let mut answer = Vec::new();
        in_time(async {
            loop {
                let shown = String::from_utf8_lossy(&answer);
                if shown.contains(text) {
                    return shown.into_owned();
                }
                let mut buffer = [0; 4_096];
                let count = self.stream.read(&mut buffer).await.unwrap();
                assert!(count > 0, "the connection ended after: {shown}");
                answer.extend_from_slice(&buffer[..count]);
            }
        })
        .await
    }

    /// Reads until the server closes the connection.
    pub(crate) async fn read_to_end(&mut self) -> String {
        let mut answer = Vec::new();
        // A reset after the answer is an end as well.
        let _ = in_time(self.stream.read_to_end(&mut answer)).await;
        String::from_utf8_lossy(&answer).into_owned()
    }
}
