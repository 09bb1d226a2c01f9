//! Attacks by connections that send or read slowly.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

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
    promise: "One user sends 300 bodies of almost 2 MiB without their last byte; others are served, and memory is bounded.",
    promised: Promised::Always,
    is_light: true,
    settings: &[],
    victims: 1,
    run: |arena| Box::pin(slow_bodies(arena)),
};

async fn slow_bodies(arena: &Arena) {
    let token = arena.attacker();
    let mut request = format!(
        "POST /api/v1/executions/execute HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {BODY_BYTES}\r\n\r\n{{\"code\": \""
    );
    request.extend(std::iter::repeat_n('x', BODY_BYTES - 20));
    let attack = repeat_on(arena, arena.scaled(300), request.into());
    arena.watch_victims(1, Duration::from_secs(15)).await;
    drop(attack);
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
