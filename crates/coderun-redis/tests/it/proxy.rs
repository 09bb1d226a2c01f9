//! A way to the server on which answers can be lost.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What a message begins with that was published: it answers nothing.
const PUBLISHED: &[u8] = b"*3\r\n$7\r\nmessage\r\n";

/// Passes everything on, until it is told to lose an answer.
pub(crate) struct Proxy {
    address: SocketAddr,
    loses: Arc<AtomicBool>,
    _passing: JoinSet<()>,
}

impl Proxy {
    /// A way to the server at this port.
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let loses = Arc::new(AtomicBool::new(false));
        let mut passing = JoinSet::new();
        passing.spawn(accept(listener, port, Arc::clone(&loses)));
        Self {
            address,
            loses,
            _passing: passing,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// The next answer is lost, and its connection with it; the server has done what it was asked.
    pub(crate) fn lose_next_answer(&self) {
        self.loses.store(true, Ordering::SeqCst);
    }

    /// Whether an answer is still to be lost.
    pub(crate) fn is_armed(&self) -> bool {
        self.loses.load(Ordering::SeqCst)
    }
}

async fn accept(listener: TcpListener, port: u16, loses: Arc<AtomicBool>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        let loses = Arc::clone(&loses);
        connections.spawn(async move {
            tokio::select! {
                () = pass(from_client, to_server, None) => {}
                () = pass(from_server, to_client, Some(&loses)) => {}
            }
        });
    }
}

/// Passes on until either side closes, or what was to be passed on is lost.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, loses: Option<&AtomicBool>) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(length) = from.read(&mut buffer).await {
        let is_answer = !buffer[..length].starts_with(PUBLISHED);
        let is_lost = is_answer && loses.is_some_and(|loses| loses.swap(false, Ordering::SeqCst));
        if length == 0 || is_lost || to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
