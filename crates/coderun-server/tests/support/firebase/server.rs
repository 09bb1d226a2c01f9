//! What Google serves for a project: its keys, access tokens for its service accounts, and what it knows of users.

use std::collections::HashMap;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};

/// A client that says nothing for so long is sent away.
const PATIENCE: Duration = Duration::from_secs(5);
/// The one access token that lets service accounts in.
const ACCESS_TOKEN: &str = "the-access-token";

/// A server on a free port, until it is dropped.
pub(super) struct FirebaseServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    listening: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    released: Condvar,
}

#[derive(Default)]
struct State {
    keys: Value,
    fetches: usize,
    are_keys_held: bool,
    users: HashMap<String, Value>,
    is_over: bool,
}

impl FirebaseServer {
    pub(super) fn start(keys: Value) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared::default());
        shared.state().keys = keys;
        let its = Arc::clone(&shared);
        let listening = std::thread::spawn(move || listen(&listener, &its));
        Self {
            address,
            shared,
            listening: Some(listening),
        }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn fetches(&self) -> usize {
        self.shared.state().fetches
    }

    pub(super) fn hold_keys(&self, held: bool) {
        self.shared.state().are_keys_held = held;
        self.shared.released.notify_all();
    }

    pub(super) fn set_user(&self, uid: &str, account: &Value) {
        let mut account = account.clone();
        account["localId"] = uid.into();
        self.shared.state().users.insert(uid.to_owned(), account);
    }
}

impl Drop for FirebaseServer {
    fn drop(&mut self) {
        self.shared.state().is_over = true;
        self.shared.released.notify_all();
        // Wakes the thread, which may have ended already.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.listening.take() {
            drop(thread.join());
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, request: &Request) -> Option<Value> {
        match request.path.as_str() {
            "/keys" => Some(self.keys()),
            "/token" => Some(json!({
                "access_token": ACCESS_TOKEN,
                "token_type": "Bearer",
                "expires_in": 3600,
            })),
            "/v1/projects/the-project/accounts:lookup" if request.is_authorized => {
                let uid = request.body["localId"][0].as_str()?;
                let user = self.state().users.get(uid).cloned();
                Some(user.map_or_else(|| json!({}), |user| json!({"users": [user]})))
            }
            _ => None,
        }
    }

    fn keys(&self) -> Value {
        let mut state = self.state();
        state.fetches += 1;
        let state = self
            .released
            .wait_while(state, |state| state.are_keys_held && !state.is_over);
        state.unwrap_or_else(PoisonError::into_inner).keys.clone()
    }
}

fn listen(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.state().is_over {
            return;
        }
        let shared = Arc::clone(shared);
        // A client that went away does not want its answer any more.
        std::thread::spawn(move || stream.and_then(|stream| serve(stream, &shared)).ok());
    }
}

struct Request {
    path: String,
    is_authorized: bool,
    body: Value,
}

fn serve(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(stream);
    let request = read(&mut reader)?;
    let (status, body) = match shared.answer(&request) {
        Some(body) => ("200 OK", body.to_string()),
        None => ("404 Not Found", "{}".to_owned()),
    };
    let length = body.len();
    write!(
        reader.get_mut(),
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncache-control: public, max-age=20000\r\n\
         content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

fn read(reader: &mut BufReader<TcpStream>) -> io::Result<Request> {
    let mut head = String::new();
    while reader.read_line(&mut head)? > 0 && !head.ends_with("\r\n\r\n") {}
    let head = head.to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.and_then(|it| it.parse().ok()).unwrap_or(0)];
    reader.read_exact(&mut body)?;
    let path = head.split(' ').nth(1).unwrap_or_default();
    Ok(Request {
        path: path.to_owned(),
        is_authorized: head.contains(&format!("authorization: bearer {ACCESS_TOKEN}")),
        body: serde_json::from_slice(&body).unwrap_or_default(),
    })
}
