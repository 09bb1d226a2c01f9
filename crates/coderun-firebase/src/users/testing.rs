//! Provides a scripted server on loopback, and a service account for it.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::testing::{PROJECT, key};

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
    /// Status 200 and this body.
    Good(Value),
    /// Status 200 and these bytes.
    Body(Vec<u8>),
    /// Another status, with a body that would be good.
    Status(u16, Value),
    /// A redirect to this path of the same server.
    Redirect(&'static str),
    /// Only a head, which promises a body.
    HeadOnly,
    /// A body that never ends.
    Endless,
    /// Nothing, for ever.
    Silence,
    /// The connection is reset.
    Reset,
    /// The connection is closed.
    Close,
    /// Bytes that are no HTTP.
    Garbage,
}

/// A server that ends when it is dropped.
#[derive(Debug)]
pub(crate) struct LoopbackServer {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<ReceivedRequest>>>,
    _tasks: JoinSet<()>,
}

/// The answer of an emulator that knows the user it is asked about, and this of them.
pub(crate) fn known(request: &ReceivedRequest, more: &Value) -> Reply {
    let request: Value = serde_json::from_str(&request.body).unwrap();
    let mut user = json!({"localId": request["localId"][0]});
    for (name, value) in more.as_object().unwrap() {
        user[name] = value.clone();
    }
    Reply::Good(json!({"kind": "identitytoolkit#GetAccountInfoResponse", "users": [user]}))
}

type Script = dyn Fn(&ReceivedRequest) -> Reply + Send + Sync;

impl LoopbackServer {
    /// An emulator that knows every user, and this of each.
    pub(crate) async fn emulator(more: &Value) -> Self {
        let more = more.clone();
        Self::start(move |seen| known(seen, &more)).await
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
        self.seen.lock().unwrap().clone()
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

/// Answers one request; its client may have gone away.
async fn answer(
    mut stream: TcpStream,
    script: &Script,
    seen: &Mutex<Vec<ReceivedRequest>>,
) -> io::Result<()> {
    let request = read_request(&mut stream).await?;
    let reply = script(&request);
    seen.lock().unwrap().push(request);
    match reply {
        Reply::Good(body) => send(&mut stream, "200 OK", body.to_string().as_bytes()).await,
        Reply::Body(body) => send(&mut stream, "200 OK", &body).await,
        Reply::Status(status, body) => {
            send(
                &mut stream,
                &format!("{status} X"),
                body.to_string().as_bytes(),
            )
            .await
        }
        Reply::Redirect(path) => {
            let status = format!("307 X\r\nLocation: {path}");
            send(&mut stream, &status, b"").await
        }
        Reply::HeadOnly => {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
                .await?;
            std::future::pending().await
        }
        Reply::Endless => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
            loop {
                stream.write_all(&[b' '; 4096]).await?;
            }
        }
        Reply::Silence => std::future::pending().await,
        Reply::Reset => stream.set_zero_linger(),
        Reply::Close => Ok(()),
        Reply::Garbage => stream.write_all(b"220 mail.example.com ESMTP\r\n").await,
    }
}

async fn read_request(stream: &mut TcpStream) -> io::Result<ReceivedRequest> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let mut lines = head.lines();
            let target = lines
                .next()
                .unwrap()
                .trim_end_matches(" HTTP/1.1")
                .to_owned();
            let headers: Vec<(String, String)> = lines
                .filter_map(|line| line.split_once(": "))
                .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
                .collect();
            let mut lengths = headers.iter().filter(|(name, _)| name == "content-length");
            let length = lengths
                .next()
                .map_or(0, |(_, value)| value.parse().unwrap());
            if body.len() >= length {
                let body = body.to_owned();
                return Ok(ReceivedRequest {
                    target,
                    headers,
                    body,
                });
            }
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

async fn send(stream: &mut TcpStream, status: &str, body: &[u8]) -> io::Result<()> {
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    stream.write_all(&[head.as_bytes(), body].concat()).await?;
    stream.shutdown().await
}

/// The private key of [`key`], as it stands in the file of a service account.
pub(crate) fn private_key_pem() -> String {
    let der: Pkcs8V1Der<'_> = key().as_der().unwrap();
    let text = STANDARD.encode(der.as_ref());
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        lines.join("\n")
    )
}

/// The file of a service account whose tokens are issued here.
pub(crate) fn account_file(token_uri: &str) -> Value {
    json!({
        "type": "service_account",
        "project_id": PROJECT,
        "private_key_id": "account-key",
        "private_key": private_key_pem(),
        "client_email": "coderun@demo-project.iam.gserviceaccount.com",
        "client_id": "1",
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": token_uri,
    })
}
