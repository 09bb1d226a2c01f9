//! Provides a scripted HTTP server on loopback.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct ReceivedRequest {
    /// Method and path.
    pub(crate) target: String,
    /// The header, in lower case but for its values.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl ReceivedRequest {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(it, _)| it == name);
        found.next().map(|(_, value)| value.as_str())
    }
}

/// The answer to a request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
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
    pub(crate) fn ok(body: impl AsRef<[u8]>) -> Self {
        Self::status("200 OK", "", body)
    }

    /// An answer `200` with this JSON.
    pub(crate) fn json(body: impl Into<Value>) -> Self {
        Self::ok(body.into().to_string())
    }

    /// An answer with this status, and a body that would be good.
    pub(crate) fn error(status: u16, body: impl Into<Value>) -> Self {
        Self::status(&format!("{status} X"), "", body.into().to_string())
    }

    /// An answer with this status, these header lines and this body.
    pub(crate) fn status(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n"
        );
        Self::Bytes([head.as_bytes(), body].concat())
    }
}

/// A server that ends when it is dropped.
#[derive(Debug)]
pub(crate) struct LoopbackServer {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<ReceivedRequest>>>,
    _tasks: JoinSet<()>,
}

/// The answer of Google or an emulator about the user of this id, of whom it knows this.
pub(crate) fn account_info(id: &str, more: &Value) -> Value {
    let mut user = json!({ "localId": id });
    for (name, value) in more.as_object().unwrap() {
        user[name] = value.clone();
    }
    json!({"kind": "identitytoolkit#GetAccountInfoResponse", "users": [user]})
}

/// The answer of an emulator that knows the user it is asked about, and this of them.
pub(crate) fn known(request: &ReceivedRequest, more: &Value) -> Reply {
    let request: Value = serde_json::from_str(&request.body).unwrap();
    let id = request["localId"][0].as_str().unwrap();
    Reply::json(account_info(id, more))
}

type Script = dyn Fn(&ReceivedRequest) -> Reply + Send + Sync;

impl LoopbackServer {
    /// An emulator that knows every user, and this of each.
    pub(crate) async fn emulator(more: &Value) -> Self {
        let more = more.clone();
        Self::start(move |request| known(request, &more)).await
    }

    pub(crate) async fn start(
        script: impl Fn(&ReceivedRequest) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, Arc::new(script), Arc::clone(&seen)));
        Self {
            address,
            seen,
            _tasks: tasks,
        }
    }

    pub(crate) fn seen(&self) -> Vec<ReceivedRequest> {
        self.seen.lock().clone()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn serve(listener: TcpListener, script: Arc<Script>, seen: Arc<Mutex<Vec<ReceivedRequest>>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (script, seen) = (Arc::clone(&script), Arc::clone(&seen));
        connections.spawn(async move { answer(stream, &*script, &seen).await.ok() });
    }
}

/// Answers one request. Errors are those of the client, which may go away at any time.
async fn answer(
    mut stream: TcpStream,
    script: &Script,
    seen: &Mutex<Vec<ReceivedRequest>>,
) -> io::Result<()> {
    let request = read_request(&mut stream).await?;
    let reply = script(&request);
    seen.lock().push(request);
    match reply {
        Reply::Bytes(bytes) => {
            stream.write_all(&bytes).await?;
            stream.shutdown().await
        }
        Reply::Stall(bytes) => {
            stream.write_all(&bytes).await?;
            std::future::pending().await
        }
        Reply::Endless(first, again, pause) => {
            stream.write_all(&first).await?;
            loop {
                stream.write_all(&again).await?;
                sleep(pause).await;
            }
        }
        Reply::Reset => stream.set_zero_linger(),
    }
}

async fn read_request(stream: &mut TcpStream) -> io::Result<ReceivedRequest> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let mut lines = head.lines();
            let target = lines.next().unwrap().trim_end_matches(" HTTP/1.1");
            let headers: Vec<(String, String)> = lines
                .filter_map(|line| line.split_once(": "))
                .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
                .collect();
            let request = ReceivedRequest {
                target: target.to_owned(),
                headers,
                body: body.to_owned(),
            };
            let length = request.header("content-length").unwrap_or("0");
            if body.len() >= length.parse().unwrap() {
                return Ok(request);
            }
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}
