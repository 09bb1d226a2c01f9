//! Attacks by clients that send without end.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::task::JoinSet;

use crate::answers::UPGRADE;
use crate::arena::Arena;
use crate::attack::{Attack, Promised, Run};
use crate::connections::connect_narrow;

/// What is sent at once, and how often: some 40 MB a second in all.
const BLOCK_BYTES: usize = 16 << 10;
const PAUSE: Duration = Duration::from_millis(20);
const CONNECTIONS: usize = 48;
/// The first bytes of frames.
const CONTINUATION: u8 = 0x00;
const UNFINISHED_TEXT: u8 = 0x01;
const TEXT: u8 = 0x81;
const PING: u8 = 0x89;

pub(crate) const ENDLESS_CHUNKS: Attack = attack(
    "endless-chunks",
    "One user sends chunks with endless extensions; others are served, and memory is bounded.",
    |arena| Box::pin(endless_chunks(arena)),
);

pub(crate) const ENDLESS_MESSAGES: Attack = attack(
    "endless-messages",
    "One user sends messages of endlessly many fragments; others are served, and memory is bounded.",
    |arena| {
        let begin = frame(UNFINISHED_TEXT, b"x");
        Box::pin(pour_frames(
            arena,
            begin,
            frame(CONTINUATION, &[b'x'; BLOCK_BYTES]),
        ))
    },
);

pub(crate) const PING_FLOOD: Attack = attack(
    "ping-flood",
    "One user sends pings and reads no answer; others are served, and memory is bounded.",
    |arena| {
        let pings = frame(PING, &[b'x'; 125]).repeat(64);
        Box::pin(pour_frames(arena, Vec::new(), pings))
    },
);

pub(crate) const STDIN_FLOOD: Attack = attack(
    "stdin-flood",
    "One user types without end into programs that do not read; others are served, and memory is bounded.",
    |arena| {
        let message = json!({"type": "stdin", "data": "x".repeat(BLOCK_BYTES)}).to_string();
        Box::pin(pour_frames(
            arena,
            Vec::new(),
            frame(TEXT, message.as_bytes()),
        ))
    },
);

const fn attack(name: &'static str, promise: &'static str, run: Run) -> Attack {
    Attack {
        name,
        promise,
        promised: Promised::Always,
        is_light: false,
        settings: &[],
        victims: 1,
        run,
    }
}

async fn endless_chunks(arena: &Arena) {
    let token = arena.attacker();
    let head = format!(
        "POST /api/v1/executions/execute HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1;"
    );
    pour(arena, head.into_bytes(), vec![b'x'; BLOCK_BYTES]).await;
}

/// Sends the same frames again and again, over sockets of a program that does not read.
async fn pour_frames(arena: &Arena, begin: Vec<u8>, frames: Vec<u8>) {
    let attacker = arena.attacker();
    let code = "echo ready; sleep 30";
    let program = json!({"language": "bash", "code": code, "interactive": true});
    let id = arena.begin(&attacker, &program, "execution_output").await;
    let head = format!(
        "GET /api/v1/executions/ws/{id} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {attacker}\r\n\
         {UPGRADE}\r\n"
    );
    pour(arena, [head.into_bytes(), begin].concat(), frames).await;
}

/// A frame of a client, with a mask of zeros.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match u8::try_from(payload.len()) {
        Ok(length) if length < 126 => frame.push(0x80 | length),
        _ => {
            let length = u16::try_from(payload.len()).expect("a short payload");
            frame.push(0x80 | 0x7e);
            frame.extend(length.to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

/// Sends `head`, then `block` without end, on many connections, while victims greet.
async fn pour(arena: &Arena, head: Vec<u8>, block: Vec<u8>) {
    let (head, block): (Arc<[u8]>, Arc<[u8]>) = (head.into(), block.into());
    let connection = |_| {
        let (head, block) = (Arc::clone(&head), Arc::clone(&block));
        let address = arena.service.address.clone();
        async move {
            loop {
                // The service may cut them as it likes.
                drop(pour_into(&address, &head, &block).await);
                tokio::time::sleep(PAUSE * 10).await;
            }
        }
    };
    let connections: JoinSet<()> = (0..arena.scaled(CONNECTIONS)).map(connection).collect();
    arena.watch_victims(1, Duration::from_secs(8)).await;
    drop(connections);
}

async fn pour_into(address: &str, head: &[u8], block: &[u8]) -> std::io::Result<()> {
    let mut connection = connect_narrow(address).await?;
    connection.write_all(head).await?;
    loop {
        connection.write_all(block).await?;
        tokio::time::sleep(PAUSE).await;
    }
}
