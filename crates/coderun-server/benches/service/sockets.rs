//! Measures many sockets that watch one execution: the memory of each, and the time to deliver an event to all.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::stream::FuturesUnordered;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::load::{Server, cpu_time, resident_kib, submit_body};

/// Open sockets.
const SOCKETS: usize = 10_000;
/// Concurrent handshakes.
const OPENED_AT_A_TIME: usize = 64;
/// Events to deliver to all sockets.
const ROUNDS: usize = 5;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Opens the sockets and delivers events to all of them.
pub(crate) async fn measure_sockets(server: &Arc<Server>) {
    let echo = json!({"code": "echo", "language": "python", "interactive": true});
    let id = submit_body(server, &echo).await;
    let mut sender = open(server, &id).await;
    until_running(&mut sender).await;
    let before = resident_kib(server);
    let mut watchers = open_all(server, &id).await;
    let each = (resident_kib(server) - before) * 1024 / SOCKETS;
    println!("{SOCKETS} idle sockets: {each} bytes of resident memory each");
    let mut took = Vec::new();
    let cpu_before = cpu_time(server);
    for round in 0..ROUNDS {
        took.push(broadcast(&mut sender, &mut watchers, round).await);
    }
    took.sort_unstable();
    let cpu = cpu_time(server).saturating_sub(cpu_before).as_secs_f64() * 1e6;
    let each = cpu / (ROUNDS * SOCKETS) as f64;
    println!(
        "one event to all of them: {:?} until the last one has it (median of {ROUNDS}), {each:.1} CPU µs each",
        took[ROUNDS / 2]
    );
}

async fn open(server: &Server, id: &str) -> Socket {
    let (address, token) = (&server.service.address, &server.token);
    let url = format!("ws://{address}/api/v1/executions/ws/{id}?token={token}&since=0");
    // The default buffers take 128 KiB for each socket and would dominate the measurement.
    let config = WebSocketConfig::default()
        .read_buffer_size(1024)
        .write_buffer_size(0);
    let connecting = tokio_tungstenite::connect_async_with_config(url, Some(config), true);
    let (socket, _) = connecting.await.expect("a handshake");
    socket
}

/// Opens all sockets, each of which has read all events so far.
async fn open_all(server: &Arc<Server>, id: &str) -> Vec<Socket> {
    let mut opening = FuturesUnordered::new();
    let mut watchers = Vec::with_capacity(SOCKETS);
    for _ in 0..SOCKETS {
        if opening.len() == OPENED_AT_A_TIME {
            watchers.extend(opening.next().await);
        }
        opening.push(async {
            let mut socket = open(server, id).await;
            until_running(&mut socket).await;
            socket
        });
    }
    watchers.extend(opening.collect::<Vec<_>>().await);
    watchers
}

async fn until_running(socket: &mut Socket) {
    while next(socket).await["data"]["status"] != "running" {}
}

/// Makes the program write a line, and waits until every socket has read it.
async fn broadcast(sender: &mut Socket, watchers: &mut [Socket], round: usize) -> Duration {
    let line = format!("line {round}\n");
    let message = json!({"type": "stdin", "data": line}).to_string();
    let began = Instant::now();
    sender
        .send(Message::text(message))
        .await
        .expect("an open socket");
    let reading: FuturesUnordered<_> = watchers
        .iter_mut()
        .chain([sender])
        .map(|socket| async { while next(socket).await["data"]["text"] != line.as_str() {} })
        .collect();
    reading.collect::<Vec<_>>().await;
    began.elapsed()
}

async fn next(socket: &mut Socket) -> Value {
    loop {
        let message = socket.next().await.expect("a message");
        if let Message::Text(text) = message.expect("an open socket") {
            return serde_json::from_str(&text).expect("JSON");
        }
    }
}
