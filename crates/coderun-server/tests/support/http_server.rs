//! Answers HTTP requests of a service on a free port, for tests that play a third party.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// A client that sends or reads nothing for this long is disconnected.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A request, with its head in lower case.
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// A server until it is dropped; each connection carries one request.
pub(crate) struct HttpServer {
    address: SocketAddr,
    is_stopped: Arc<AtomicBool>,
    listening: Option<JoinHandle<()>>,
}

impl HttpServer {
    /// Starts a server that answers with the JSON that `answer` returns, or with 404.
    pub(crate) fn start<A>(answer: A) -> Self
    where
        A: Fn(&Request) -> Option<String> + Send + Sync + 'static,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let is_stopped = Arc::new(AtomicBool::new(false));
        let (stopped, answer) = (Arc::clone(&is_stopped), Arc::new(answer));
        let listening = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let answer = Arc::clone(&answer);
                // A client that disconnects needs no answer.
                std::thread::spawn(move || stream.and_then(|stream| serve(stream, &*answer)).ok());
            }
        });
        Self {
            address,
            is_stopped,
            listening: Some(listening),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.is_stopped.store(true, Ordering::SeqCst);
        // Wakes the thread, which may have ended already.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.listening.take() {
            drop(thread.join());
        }
    }
}

fn serve(stream: TcpStream, answer: &dyn Fn(&Request) -> Option<String>) -> io::Result<()> {
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    let mut reader = BufReader::new(stream);
    let request = read(&mut reader)?;
    let (status, body) = match answer(&request) {
        Some(body) => ("200 OK", body),
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
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    Ok(Request { path, head, body })
}
