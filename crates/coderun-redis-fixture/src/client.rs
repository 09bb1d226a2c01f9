//! Sends single commands to a server, with as much of the protocol as tests need.

use std::fmt::Write as _;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// The longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The answer of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// A word such as `OK`.
    Status(String),
    /// A refusal, which begins with its code.
    Error(String),
    /// A number.
    Integer(i64),
    /// Text; bytes that are not UTF-8 are replaced.
    Text(String),
    /// No value.
    Nil,
    /// Several answers in one.
    Array(Vec<Self>),
}

impl Reply {
    /// The text of a status, an error, a text or a number; empty for anything else.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Status(text) | Self::Error(text) | Self::Text(text) => text.clone(),
            Self::Integer(number) => number.to_string(),
            Self::Nil | Self::Array(_) => String::new(),
        }
    }

    /// The parts of an array; none for anything else.
    #[must_use]
    pub fn parts(&self) -> &[Self] {
        match self {
            Self::Array(parts) => parts,
            Self::Status(_) | Self::Error(_) | Self::Integer(_) | Self::Text(_) | Self::Nil => &[],
        }
    }
}

/// Sends a command on a new connection.
pub(crate) fn ask(port: u16, password: Option<&str>, command: &[&str]) -> io::Result<Reply> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    if let Some(password) = password {
        send(&mut reader, &["AUTH", password])?;
        read(&mut reader)?;
    }
    send(&mut reader, command)?;
    read(&mut reader)
}

fn send(reader: &mut BufReader<TcpStream>, command: &[&str]) -> io::Result<()> {
    let mut request = format!("*{}\r\n", command.len());
    for word in command {
        write!(request, "${}\r\n{word}\r\n", word.len()).expect("room in memory");
    }
    reader.get_mut().write_all(request.as_bytes())
}

fn read(reader: &mut BufReader<TcpStream>) -> io::Result<Reply> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let line = line.trim_end();
    let (kind, rest) = line.split_at_checked(1).ok_or_else(malformed)?;
    let number = || rest.parse().map_err(|_| malformed());
    Ok(match kind {
        "+" => Reply::Status(rest.to_owned()),
        "-" => Reply::Error(rest.to_owned()),
        ":" => Reply::Integer(number()?),
        "$" => read_text(reader, number()?)?,
        "*" => match number()? {
            length @ 0.. => Reply::Array(
                (0..length)
                    .map(|_| read(reader))
                    .collect::<Result<_, _>>()?,
            ),
            _ => Reply::Nil,
        },
        _ => return Err(malformed()),
    })
}

fn read_text(reader: &mut BufReader<TcpStream>, length: i64) -> io::Result<Reply> {
    let Ok(length) = usize::try_from(length) else {
        return Ok(Reply::Nil);
    };
    let mut text = vec![0; length + 2];
    reader.read_exact(&mut text)?;
    text.truncate(length);
    Ok(Reply::Text(String::from_utf8_lossy(&text).into_owned()))
}

fn malformed() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "expected an answer in the Redis protocol",
    )
}
