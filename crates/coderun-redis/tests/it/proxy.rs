//! Proxies a server, and loses an answer on demand.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// The start of a published message, which answers no command.
const PUBLISHED: &[u8] = b"*3\r\n$7\r\nmessage\r\n";

/// Passes all data on, except an answer that a test wants lost.
pub(crate) struct Proxy {
    address: SocketAddr,
    port: u16,
    loses_next: Arc<AtomicBool>,
    /// The last request before the lost answer.
    lost: Arc<Mutex<Vec<u8>>>,
    _passing: JoinSet<()>,
}

impl Proxy {
    /// A proxy of the server at this port.
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let loses_next = Arc::new(AtomicBool::new(false));
        let lost = Arc::default();
        let mut passing = JoinSet::new();
        passing.spawn(accept(
            listener,
            port,
            Arc::clone(&loses_next),
            Arc::clone(&lost),
        ));
        Self {
            address,
            port,
            loses_next,
            lost,
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

    /// Sends the request again whose answer was lost, as if it had been slow, and waits for its answer.
    pub(crate) async fn deliver_late(&self) {
        let request = self.lost.lock().unwrap().clone();
        let mut server = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        server.write_all(&request).await.unwrap();
        let answered = server.read(&mut [0; 1024]).await.unwrap();
        assert!(answered > 0, "no answer to {request:?}");
    }
}

async fn accept(
    listener: TcpListener,
    port: u16,
    loses_next: Arc<AtomicBool>,
    lost: Arc<Mutex<Vec<u8>>>,
) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        let (loses_next, lost) = (Arc::clone(&loses_next), Arc::clone(&lost));
        connections.spawn(async move {
            tokio::select! {
                () = pass(from_client, to_server, |request| {
                    if loses_next.load(Ordering::SeqCst) {
                        *lost.lock().unwrap() = request.to_vec();
                    }
                    false
                }) => {}
                () = pass(from_server, to_client, |answer| {
                    !answer.starts_with(PUBLISHED) && loses_next.swap(false, Ordering::SeqCst)
                }) => {}
            }
        });
    }
}

/// Passes data on until either side closes or something is lost.
async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut loses: impl FnMut(&[u8]) -> bool,
) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(length) = from.read(&mut buffer).await {
        let data = &buffer[..length];
        if length == 0 || loses(data) || to.write_all(data).await.is_err() {
            return;
        }
    }
}
