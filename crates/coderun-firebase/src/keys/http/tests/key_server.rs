//! Provides a server on loopback that publishes keys, or misbehaves.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use super::*;

/// What is done with a request.
#[derive(Debug, Clone)]
pub(super) enum Reply {
    /// These bytes, then the connection is closed.
    Bytes(Vec<u8>),
    /// These bytes, then nothing, but the connection stays.
    Stall(Vec<u8>),
    /// The first bytes, then the second ones without an end, with a pause after each time.
    Endless(Vec<u8>, Vec<u8>, Duration),
    /// The connection is reset.
    Reset,
}

impl Reply {
    /// An answer `200` with this body.
    pub(super) fn ok(body: impl AsRef<[u8]>) -> Self {
        Self::status("200 OK", "", body)
    }

    /// An answer with this status, these header lines and this body.
    pub(super) fn status(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n");
        Self::Bytes([head.as_bytes(), body].concat())
    }

    /// These keys, as a JSON Web Key Set.
    pub(super) fn keys(keys: &[serde_json::Value]) -> Self {
        Self::ok(json!({ "keys": keys }).to_string())
    }
}

/// The server; it ends with this value.
#[derive(Debug)]
pub(super) struct KeyServer {
    address: SocketAddr,
    state: Arc<State>,
    serving: DropGuard,
}

#[derive(Debug)]
struct State {
    reply: Mutex<Reply>,
    requests: AtomicUsize,
}

impl KeyServer {
    pub(super) async fn start(reply: Reply) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            reply: Mutex::new(reply),
            requests: AtomicUsize::new(0),
        });
        let stop = CancellationToken::new();
        let serving = serve(listener, Arc::clone(&state), stop.clone());
        spawn(stop.clone().run_until_cancelled_owned(serving));
        Self {
            address,
            state,
            serving: stop.drop_guard(),
        }
    }

    pub(super) fn config(&self) -> HttpKeysConfig {
        HttpKeysConfig {
            wait_max: TEST_TIMEOUT,
            ..HttpKeysConfig::new(self.url().parse().unwrap())
        }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/keys", self.address)
    }

    pub(super) fn reply(&self, reply: Reply) {
        *self.state.reply.lock() = reply;
    }

    /// How many requests came.
    pub(super) fn requests(&self) -> usize {
        self.state.requests.load(Ordering::Relaxed)
    }

    /// From now on, connections are refused.
    pub(super) async fn stop(self) {
        let address = self.address;
        drop(self.serving);
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    }
}

async fn serve(listener: TcpListener, state: Arc<State>, stop: CancellationToken) {
    while let Ok((connection, _)) = listener.accept().await {
        let answering = answer(connection, Arc::clone(&state));
        spawn(stop.clone().run_until_cancelled_owned(answering));
    }
}

/// Errors are those of the client, which may go away at any time.
async fn answer(mut connection: TcpStream, state: Arc<State>) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(connection.read_u8().await?);
    }
    state.requests.fetch_add(1, Ordering::Relaxed);
    let reply = state.reply.lock().clone();
    send(&mut connection, reply).await?;
    connection.shutdown().await
}

async fn send(connection: &mut TcpStream, reply: Reply) -> io::Result<()> {
    match reply {
        Reply::Bytes(bytes) => connection.write_all(&bytes).await,
        Reply::Stall(bytes) => {
            connection.write_all(&bytes).await?;
            // Until the client gives up.
            connection.read_u8().await.map(drop)
        }
        Reply::Endless(first, again, pause) => {
            connection.write_all(&first).await?;
            loop {
                connection.write_all(&again).await?;
                sleep(pause).await;
            }
        }
        Reply::Reset => connection.set_zero_linger(),
    }
}
