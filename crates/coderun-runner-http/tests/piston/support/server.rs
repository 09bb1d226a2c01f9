//! A Piston of loopback that answers by a script, byte for byte, and keeps what it was sent.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What one request gets.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// These bytes; then the connection is kept, or closed where the text says so.
    Bytes(Vec<u8>),
    /// The first bytes, then one after the other.
    Trickle(Vec<u8>, Duration),
    /// The connection is reset.
    Reset,
    /// Nothing, for ever.
    Hang,
    /// A good answer, as soon as the test says so.
    Held,
    /// These bytes, and then the end of the connection.
    ThenClose(Vec<u8>),
}

impl Reply {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::with(status, "", body.to_string().as_bytes())
    }

    pub(crate) fn status(status: u16) -> Self {
        Self::with(status, "", b"")
    }

    /// With these header lines, each with its end.
    pub(crate) fn with(status: u16, headers: &str, body: &[u8]) -> Self {
        let length = body.len();
        let head = format!("HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\n\r\n");
        Self::Bytes([head.as_bytes(), body].concat())
    }
}

/// A request that came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) path: String,
    /// In lower case, with the values as they came.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let (_, value) = headers.find(|(header, _)| header == name)?;
        Some(value)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn is_program(&self) -> bool {
        self.path.ends_with("/execute")
    }
}

#[derive(Debug, Default)]
struct Script {
    next: VecDeque<Reply>,
    then: Option<Reply>,
}

#[derive(Debug)]
struct State {
    execute: Mutex<Script>,
    runtimes: Mutex<Script>,
    seen: watch::Sender<Vec<Seen>>,
    released: watch::Sender<bool>,
}

/// Listens until it is dropped.
#[derive(Debug)]
pub(crate) struct Piston {
    address: SocketAddr,
    state: Arc<State>,
    listening: JoinHandle<()>,
}

impl Drop for Piston {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Piston {
    pub(crate) async fn start() -> Self {
        Self::at("127.0.0.1:0".parse().unwrap()).await
    }

    /// One that listens where another one did.
    pub(crate) async fn at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let state = Arc::new(State {
            execute: Mutex::default(),
            runtimes: Mutex::default(),
            seen: watch::Sender::default(),
            released: watch::Sender::new(false),
        });
        Self {
            address: listener.local_addr().unwrap(),
            listening: tokio::spawn(listen(listener, Arc::clone(&state))),
            state,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/api/v2", self.address)
    }

    /// The next programs get these replies.
    pub(crate) fn next(&self, replies: impl IntoIterator<Item = Reply>) {
        self.state.execute.lock().unwrap().next.extend(replies);
    }

    /// All programs get this reply.
    pub(crate) fn always(&self, reply: Reply) {
        self.state.execute.lock().unwrap().then = Some(reply);
    }

    /// Whoever asks for the runtimes gets this reply.
    pub(crate) fn runtimes(&self, reply: Reply) {
        self.state.runtimes.lock().unwrap().then = Some(reply);
    }

    /// The programs that came.
    pub(crate) fn programs(&self) -> Vec<Seen> {
        let seen = self.state.seen.borrow().clone();
        seen.into_iter().filter(Seen::is_program).collect()
    }

    /// Everything that came.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state.seen.borrow().clone()
    }

    pub(crate) fn count_of(&self, path: &str) -> usize {
        let seen = self.state.seen.borrow();
        seen.iter().filter(|seen| seen.path == path).count()
    }

    pub(crate) async fn wait_for_programs(&self, count: usize) {
        let mut seen = self.state.seen.subscribe();
        let there = seen.wait_for(|seen| seen.iter().filter(|it| it.is_program()).count() >= count);
        drop(super::soon(there).await.unwrap());
    }

    /// Answers whatever is held, now and later.
    pub(crate) fn release(&self) {
        self.state.released.send_replace(true);
    }
}

async fn listen(listener: TcpListener, state: Arc<State>) {
    // Its connections end with it.
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(serve(stream, Arc::clone(&state)));
    }
}

async fn serve(mut stream: TcpStream, state: Arc<State>) -> Option<()> {
    loop {
        let seen = read(&mut stream).await?;
        let reply = state.reply(&seen);
        state.seen.send_modify(|all| all.push(seen));
        match reply {
            Reply::Bytes(bytes) => stream.write_all(&bytes).await.ok()?,
            Reply::ThenClose(bytes) => return stream.write_all(&bytes).await.ok(),
            Reply::Trickle(bytes, pause) => trickle(&mut stream, &bytes, pause).await?,
            Reply::Reset => {
                // What was not sent yet is thrown away, and the peer is told.
                let socket = socket2::SockRef::from(&stream);
                return socket.set_linger(Some(Duration::ZERO)).ok();
            }
            Reply::Hang => std::future::pending().await,
            Reply::Held => {
                let mut released = state.released.subscribe();
                drop(released.wait_for(|released| *released).await.ok()?);
                let Reply::Bytes(bytes) = super::answer(&json!({})) else {
                    return None;
                };
                stream.write_all(&bytes).await.ok()?;
            }
        }
    }
}

async fn trickle(stream: &mut TcpStream, bytes: &[u8], pause: Duration) -> Option<()> {
    for byte in bytes {
        stream.write_all(&[*byte]).await.ok()?;
        tokio::time::sleep(pause).await;
    }
    Some(())
}

impl State {
    fn reply(&self, seen: &Seen) -> Reply {
        if seen.path.ends_with("/runtimes") {
            let reply = self.runtimes.lock().unwrap().take();
            return reply.unwrap_or_else(|| Reply::json(200, &runtimes()));
        }
        let reply = self.execute.lock().unwrap().take();
        reply.unwrap_or_else(|| super::answer(&json!({})))
    }
}

impl Script {
    fn take(&mut self) -> Option<Reply> {
        self.next.pop_front().or_else(|| self.then.clone())
    }
}

/// What every Piston of the tests has.
pub(crate) fn runtimes() -> Value {
    json!([
        {"language": "python", "version": "3.9.4", "aliases": ["py"]},
        {"language": "python", "version": "3.12.0", "aliases": ["py"]},
        {"language": "c", "version": "10.2.0", "aliases": ["gcc"], "runtime": "gcc"},
    ])
}

async fn read(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let header = |line: &str| {
        let (name, value) = line.split_once(": ")?;
        Some((name.to_lowercase(), value.to_owned()))
    };
    let mut seen = Seen {
        path,
        headers: lines.filter_map(header).collect(),
        body: bytes[end..].to_vec(),
    };
    let length: usize = seen
        .header("content-length")
        .map_or(0, |length| length.parse().unwrap());
    while seen.body.len() < length {
        if stream.read_buf(&mut seen.body).await.ok()? == 0 {
            return None;
        }
    }
    Some(seen)
}
