//! Attacks by connections that send or read slowly.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

use crate::arena::Arena;
use crate::attack::{Attack, Promised};

/// The pause before a connection that was closed is opened again.
const PAUSE: Duration = Duration::from_millis(200);
/// How many addresses floods of connections come from.
const ADDRESSES: usize = 32;
/// One byte less than the service accepts, and most of it is sent.
const BODY_BYTES: usize = (2 << 20) - 1;
/// The accounts that send such bodies.
const ACCOUNTS: usize = 4;
/// The accounts that send one body in pieces beside them.
const NEWCOMERS: usize = 5;

pub(crate) const HALF_HEADS: Attack = Attack {
    name: "half-heads",
    promise: "As many connections as files allow, without a token, send half a head each and again when they are dropped; \
              others are served.",
    promised: Promised::Always,
    is_light: true,
    settings: &[],
    victims: 1,
    run: |arena| Box::pin(half_heads(arena)),
};

async fn half_heads(arena: &Arena) {
    let head = "GET /health/ HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Never: ";
    let attack = repeat_on(arena, arena.scaled(19_000), head.into());
    arena.watch_victims(1, Duration::from_secs(15)).await;
    drop(attack);
}

pub(crate) const SECOND_HALF_HEADS: Attack = Attack {
    name: "second-half-heads",
    promise: "Connections send one whole request and then half a head; others are served.",
    promised: Promised::Always,
    is_light: true,
    settings: &[],
    victims: 1,
    run: |arena| Box::pin(second_half_heads(arena)),
};

async fn second_half_heads(arena: &Arena) {
    let heads =
        "GET /health/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET /health/ HTTP/1.1\r\nX-Never: ";
    let attack = repeat_on(arena, arena.scaled(19_000), heads.into());
    arena.watch_victims(1, Duration::from_secs(15)).await;
    drop(attack);
}

pub(crate) const SLOW_BODIES: Attack = Attack {
    name: "slow-bodies",
    promise: "Four accounts send 300 bodies of almost 2 MiB without their last byte; others are served, also those whose bodies \
              come in pieces, and memory is bounded.",
    promised: Promised::Always,
    is_light: true,
    settings: &[],
    victims: 1,
    run: |arena| Box::pin(slow_bodies(arena)),
};

async fn slow_bodies(arena: &Arena) {
    // More than the budget of all bodies has room for, in the form without weight, too.
    let each = (arena.scaled(300) / ACCOUNTS).max(10);
    let attacks = (0..ACCOUNTS).map(|number| {
        let token = arena.service.token(&format!("slow{number}"));
        let mut request = submission_head(&token, BODY_BYTES);
        request.push_str("{\"code\": \"");
        request.extend(std::iter::repeat_n('x', BODY_BYTES - 20));
        repeat_on(arena, each, request.into())
    });
    let attacks: Vec<_> = attacks.collect();
    arena.watch_victims(1, Duration::from_secs(15)).await;
    for number in 0..NEWCOMERS {
        let token = arena.service.token(&format!("newcomer{number}"));
        let answer = submit_in_pieces(&arena.service.address, &token).await;
        let is_accepted = answer
            .as_ref()
            .is_ok_and(|it| it.starts_with("HTTP/1.1 200"));
        arena.check(is_accepted, || format!("a body in pieces got {answer:?}"));
    }
    drop(attacks);
}

fn submission_head(token: &str, body_bytes: usize) -> String {
    format!(
        "POST /api/v1/executions/execute HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {body_bytes}\r\n\r\n"
    )
}

/// Submits a program of 200 KiB, of which the first byte comes with the head and the rest later, and returns the begin of the
/// answer.
async fn submit_in_pieces(address: &str, token: &str) -> std::io::Result<String> {
    let code = format!("echo hello # {}", "x".repeat(200 << 10));
    let body = json!({"language": "bash", "code": code}).to_string();
    let (first, rest) = body.split_at(1);
    let mut connection = TcpStream::connect(address).await?;
    let head = submission_head(token, body.len()) + first;
    connection.write_all(head.as_bytes()).await?;
    tokio::time::sleep(PAUSE).await;
    connection.write_all(rest.as_bytes()).await?;
    let mut answer = vec![0; 1024];
    let count = connection.read(&mut answer).await?;
    answer.truncate(count);
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Keeps this many connections open that have sent the same bytes and read what comes, until it is dropped.
fn repeat_on(arena: &Arena, count: usize, bytes: Vec<u8>) -> JoinSet<()> {
    let bytes: Arc<[u8]> = bytes.into();
    let connection = |number| {
        let (address, bytes) = (arena.service.address.clone(), Arc::clone(&bytes));
        async move {
            loop {
                // The service may refuse, cut and close them as it likes.
                drop(send_and_wait(number, &address, &bytes).await);
                tokio::time::sleep(PAUSE).await;
            }
        }
    };
    (0..count).map(connection).collect()
}

async fn send_and_wait(number: usize, address: &str, bytes: &[u8]) -> std::io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    // The ports of one address do not suffice, and looking for a free one would take the kernel most of the time.
    let last = u8::try_from(2 + number % ADDRESSES).unwrap_or(u8::MAX);
    socket.bind((Ipv4Addr::new(127, 0, 0, last), 0).into())?;
    let mut connection = socket.connect(address.parse().expect("an address")).await?;
    connection.write_all(bytes).await?;
    let mut read = [0; 1024];
    while connection.read(&mut read).await? > 0 {}
    Ok(())
}

/// A connection that takes few bytes which nobody reads.
pub(crate) async fn connect_narrow(address: &str) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(4096)?;
    socket.connect(address.parse().expect("an address")).await
}
