//! Measures many sockets that watch one execution: the memory of each, and what it costs to tell all of them its end.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use coderun_piston_standin::Behavior;
use coderun_redis_fixture::RedisOptions;
use futures_util::StreamExt as _;
use futures_util::stream::{self, FuturesUnordered};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::comparison::{Contender, ROUNDS, Row, compare};
use crate::load::submit;
use crate::meter::{cpu_micros, resident_bytes};
use crate::server::{Server, Setup, runtime};

/// How many sockets watch.
const COUNTS: [usize; 2] = [1_000, 10_000];
/// Concurrent handshakes.
const OPENED_AT_A_TIME: usize = 64;

const COLUMNS: [&str; 4] = ["KB each", "server µs", "Redis µs", "ms to all"];

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

pub(crate) fn measure_sockets(contenders: &[Contender]) -> io::Result<()> {
    for (storage, redis) in [("memory", None), ("Redis", Some(RedisOptions::default()))] {
        let title = format!(
            "sockets that watch one execution, state in {storage}: memory of each while nothing happens, then telling the end"
        );
        compare(&title, &COLUMNS, ROUNDS, contenders, |program| {
            let measure = |count| measure_count(program, redis.as_ref(), count);
            COUNTS.into_iter().map(measure).collect()
        })?;
    }
    Ok(())
}

fn measure_count(program: &Path, redis: Option<&RedisOptions>, count: usize) -> io::Result<Row> {
    let setup = Setup {
        redis,
        run_max: Duration::from_mins(1),
        ..Setup::default()
    };
    let server = Arc::new(Server::start(program, &setup)?);
    server.piston.script_all(Behavior::Hold);
    runtime()?.block_on(async {
        let id = submit(&server).await;
        until_running(open(&server, &id).await).await;
        let process = server.service.id();
        let before = resident_bytes(process);
        let opening =
            stream::iter(0..count).map(|_| async { until_running(open(&server, &id).await).await });
        let mut sockets: Vec<Socket> = opening.buffer_unordered(OPENED_AT_A_TIME).collect().await;
        let bytes = resident_bytes(process) - before;
        let (cpu_before, redis_before) = (cpu_micros(process), server.redis_use());
        let began = Instant::now();
        server.piston.release();
        let reading: FuturesUnordered<_> = sockets.iter_mut().map(until_final).collect();
        reading.collect::<()>().await;
        let elapsed = began.elapsed();
        let each = |total: f64| total / count as f64;
        Ok(Row {
            name: format!("{count} sockets"),
            numbers: vec![
                each(bytes) / 1000.0,
                each(cpu_micros(process) - cpu_before),
                each(server.redis_use().cpu_micros - redis_before.cpu_micros),
                elapsed.as_secs_f64() * 1e3,
            ],
        })
    })
}

async fn open(server: &Server, id: &str) -> Socket {
    let (address, token) = (&server.service.address, &server.token);
    let url = format!("ws://{address}/api/v1/executions/ws/{id}?token={token}&since=0");
    // The default buffers take 128 KiB for each socket of this process.
    let config = WebSocketConfig::default()
        .read_buffer_size(1024)
        .write_buffer_size(0);
    let connecting = tokio_tungstenite::connect_async_with_config(url, Some(config), true);
    let (socket, _) = connecting.await.expect("a handshake");
    socket
}

async fn until_running(mut socket: Socket) -> Socket {
    while next(&mut socket).await["data"]["status"] != "running" {}
    socket
}

async fn until_final(socket: &mut Socket) {
    while !next(socket).await["data"]["verdict"].is_string() {}
}

async fn next(socket: &mut Socket) -> Value {
    loop {
        let message = socket.next().await.expect("a message");
        match message.expect("an open socket") {
            Message::Text(text) => return serde_json::from_str(&text).expect("JSON"),
            Message::Close(frame) => panic!("the server closed a socket: {frame:?}"),
            Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
    }
}
