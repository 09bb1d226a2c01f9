//! Implements [`InputRelay`] with a hash beside the record that holds the pieces of input by number.
//!
//! A hint says only that there is new input: the pieces are read from the hash.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use coderun_domain::{
    ErrorChain, ExecutionId, InputError, InputId, InputPiece, InputPosition, InputRelay,
    InputReply, Lease, StorePolicy,
};
use coderun_record::{decode_input, encode_input, from_micros};
use deadpool_redis::redis::Value;
use serde::Deserialize;
use serde_bytes::ByteBuf;

use crate::adapter_error::AdapterError;
use crate::client::Client;
use crate::command::command;
use crate::execution_queue::fence;
use crate::reply::{UnexpectedReply, text};
use crate::step::{DoneReply, Script, Step};
use crate::subscriber::Subscriber;

/// The number of pieces in one read; all stored input is at most 1 MiB.
const PAGE: u64 = 256;

/// The input relay of a backend.
#[derive(Debug)]
pub(crate) struct RedisInputRelay {
    pub(crate) client: Arc<Client>,
    pub(crate) subscriber: Arc<Subscriber>,
    /// The interval in which a worker asks even without a hint.
    pub(crate) interval: Duration,
}

/// The answer to a piece of input.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum SendAnswer {
    Kept,
    Full,
    Ended,
    NotInteractive,
    Final,
    Absent,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ReceiveAnswer {
    Input(Vec<ByteBuf>),
    Forgotten,
    Absent,
}

#[async_trait]
impl InputRelay for RedisInputRelay {
    async fn send(
        &self,
        id: ExecutionId,
        input: InputId,
        piece: InputPiece,
    ) -> Result<InputReply, InputError> {
        let sending = async {
            let header = (
                "send",
                id.to_string(),
                (),
                input.sender.to_string(),
                input.number,
                piece == InputPiece::End,
                piece.size_bytes(),
                StorePolicy::INPUT_KEPT_MAX.as_bytes(),
            );
            let step = Step::new(&header)?.with_blob(encode_input(&piece));
            let answer = self.client.run(id, Script::Rare, step.replicated()).await?;
            Ok::<_, AdapterError>(match answer {
                SendAnswer::Kept => InputReply::Kept,
                SendAnswer::Full => InputReply::Full,
                SendAnswer::Ended => InputReply::Ended,
                SendAnswer::NotInteractive => InputReply::NotInteractive,
                SendAnswer::Final => InputReply::Final,
                SendAnswer::Absent => InputReply::Absent,
            })
        };
        self.client.timed("send_input", sending).await
    }

    async fn receive(
        &self,
        lease: &Lease,
        after: InputPosition,
    ) -> Result<Vec<InputPiece>, InputError> {
        let receiving = async {
            let (id, (worker, started, attempt)) = (lease.id(), fence(lease));
            let (name, after) = (id.to_string(), after.number());
            let header = ("receive", name, (), worker, started, attempt, after, PAGE);
            let step = Step::new(&header)?;
            match self.client.run(id, Script::Rare, step).await? {
                ReceiveAnswer::Input(pieces) => Ok(decode_pieces(id, pieces)?),
                ReceiveAnswer::Forgotten => Err(InputError::Forgotten),
                ReceiveAnswer::Absent => Err(InputError::LeaseLost),
            }
        };
        self.client.timed("receive_input", receiving).await
    }

    /// An execution that is not interactive never gets input, so this waits without asking the server. Otherwise it checks
    /// once for input that came before it waited.
    async fn input_available(&self, lease: &Lease, after: InputPosition) {
        if !lease.execution().submission().is_interactive() {
            return std::future::pending().await;
        }
        let mut waiter = self.subscriber.wait_for_input(lease.id());
        match self.last_input(lease.id()).await {
            Ok(last) if last != after => return,
            Ok(_) => {}
            Err(error) => {
                tracing::debug!(error = %ErrorChain(&error), "cannot check for new input, waiting for a hint");
            }
        }
        drop(tokio::time::timeout(self.interval, waiter.changed()).await);
    }

    async fn note_watcher(&self, id: ExecutionId) -> Result<(), InputError> {
        let noting = async {
            let step = Step::new(&("note_watcher", id.to_string(), ()))?;
            match self.client.run(id, Script::Rare, step).await? {
                DoneReply::Done | DoneReply::Absent => Ok::<_, AdapterError>(()),
            }
        };
        self.client.timed("note_watcher", noting).await
    }

    async fn unwatched_for(&self, id: ExecutionId) -> Result<Option<Duration>, InputError> {
        let reading = async {
            let get = command(&["HGET", &self.client.layout.input_key(id), "watched"]);
            let found = self.client.call(&get).await?;
            if found == Value::Nil {
                return Ok(None);
            }
            let micros = text(found)?.parse().map_err(|_| UnexpectedReply)?;
            let watched_at = from_micros("watched", micros);
            let watched_at = watched_at.map_err(|error| AdapterError::of_record(id, error))?;
            let passed = Duration::try_from(self.client.now() - watched_at);
            Ok::<_, AdapterError>(Some(passed.unwrap_or_default()))
        };
        self.client.timed("unwatched_for", reading).await
    }
}

impl RedisInputRelay {
    /// The position of the last piece that was sent.
    async fn last_input(&self, id: ExecutionId) -> Result<InputPosition, AdapterError> {
        let get = command(&["HGET", &self.client.layout.input_key(id), "header"]);
        let found = self.client.call(&get).await?;
        if found == Value::Nil {
            return Ok(InputPosition::START);
        }
        let header = text(found)?;
        let last = header.split(' ').nth(1).and_then(|word| word.parse().ok());
        Ok(InputPosition::from_number(last.ok_or(UnexpectedReply)?))
    }
}

fn decode_pieces(id: ExecutionId, pieces: Vec<ByteBuf>) -> Result<Vec<InputPiece>, AdapterError> {
    let decode = |stored: ByteBuf| decode_input(stored.into_vec());
    let pieces: Result<_, _> = pieces.into_iter().map(decode).collect();
    pieces.map_err(|error| AdapterError::of_record(id, error))
}
