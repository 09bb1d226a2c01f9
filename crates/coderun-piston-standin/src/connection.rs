//! Reads HTTP requests from a connection and sends what the service answers.

use std::io;
use std::sync::Arc;

use serde_json::Value;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use crate::service::Service;

/// A recorded request.
#[derive(Debug, Clone)]
pub struct Request {
    /// Such as `POST`.
    pub method: String,
    /// Such as `/api/v2/execute`.
    pub path: String,
    headers: Vec<(String, Vec<u8>)>,
    /// The whole body.
    pub body: Vec<u8>,
    /// Whether it asked for a program and the program was in order.
    pub(crate) is_program: bool,
}

impl Request {
    /// The value of the first header with this name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let (_, value) = headers.find(|(header, _)| header.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(value).ok()
    }

    /// The body as JSON; null where it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Reads the next request; `None` at the end of the connection. A body needs a `content-length`.
    async fn read(stream: &mut TcpStream) -> io::Result<Option<Self>> {
        let mut bytes = Vec::with_capacity(4096);
        let (mut request, head_bytes) = loop {
            if stream.read_buf(&mut bytes).await? == 0 {
                return Ok(None);
            }
            if let Some(head) = Self::read_head(&bytes)? {
                break head;
            }
        };
        let length = request.header("content-length").unwrap_or("0");
        let length: usize = length.parse().map_err(io::Error::other)?;
        request.body = bytes.split_off(head_bytes);
        while request.body.len() < length {
            if stream.read_buf(&mut request.body).await? == 0 {
                return Ok(None);
            }
        }
        Ok(Some(request))
    }

    /// Reads the head and its length, if all of it is there.
    fn read_head(bytes: &[u8]) -> io::Result<Option<(Self, usize)>> {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut head = httparse::Request::new(&mut headers);
        let httparse::Status::Complete(length) = head.parse(bytes).map_err(io::Error::other)?
        else {
            return Ok(None);
        };
        let headers = head.headers.iter();
        let request = Self {
            method: head.method.unwrap_or_default().to_owned(),
            path: head.path.unwrap_or_default().to_owned(),
            headers: headers
                .map(|header| (header.name.to_owned(), header.value.to_owned()))
                .collect(),
            body: Vec::new(),
            is_program: false,
        };
        Ok(Some((request, length)))
    }
}

/// Serves a connection to its end. A program goes on when its client leaves, as nothing reads meanwhile.
pub(crate) async fn serve(mut stream: TcpStream, service: Arc<Service>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    while let Some(request) = Request::read(&mut stream).await? {
        let reply = service.answer(request).await;
        match reply.send(stream).await? {
            Some(open) => stream = open,
            None => break,
        }
    }
    Ok(())
}
