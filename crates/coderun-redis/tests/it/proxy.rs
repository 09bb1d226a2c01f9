//! Proxies a server, and loses an answer on demand.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// The start of a published message, which answers no command.
const PUBLISHED: &[u8] = b"*3\r\n$7\r\nmessage\r\n";

/// Passes all data on, except an answer that a test wants lost.
pub(crate) struct Proxy {
    address: SocketAddr,
    loses_next: Arc<AtomicBool>,
    _passing: JoinSet<()>,
}

impl Proxy {
    /// A proxy of the server at this port.
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let loses_next = Arc::new(AtomicBool::new(false));
        let mut passing = JoinSet::new();
        passing.spawn(accept(listener, port, Arc::clone(&loses_next)));
        Self {
            address,
            loses_next,
            _passing: passing,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Runs a call and loses its first answer, and the connection with it. The server has run the command by then.
    pub(crate) async fn lose_answer_to<T>(&self, call: impl Future<Output = T>) -> T {
        self.loses_next.store(true, Ordering::SeqCst);
        let result = call.await;
        let is_armed = self.loses_next.load(Ordering::SeqCst);
        assert!(!is_armed, "the call has got its answer");
        result
    }
}

async fn accept(listener: TcpListener, port: u16, loses_next: Arc<AtomicBool>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        let loses_next = Arc::clone(&loses_next);
        connections.spawn(async move {
            tokio::select! {
                () = pass(from_client, to_server, None) => {}
                () = pass(from_server, to_client, Some(&loses_next)) => {}
            }
        });
    }
}

/// Passes data on until either side closes or an answer is lost.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, loses_next: Option<&AtomicBool>) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(length) = from.read(&mut buffer).await {
        let is_answer = !buffer[..length].starts_with(PUBLISHED);
        let is_lost = is_answer && loses_next.is_some_and(|it| it.swap(false, Ordering::SeqCst));
        if length == 0 || is_lost || to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
