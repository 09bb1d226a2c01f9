//! Implements [`InputRelay`] with a hash beside the record that holds the pieces of input by number.
//!
//! A hint says only that there is new input: the pieces are read from the hash.

use async_trait::async_trait;
use coderun_domain::{
    ErrorChain, ExecutionId, InputError, InputId, InputPiece, InputPosition, InputRelay,
    InputReply, Lease, StorePolicy,
};
use coderun_record::{decode_input, encode_input};
use deadpool_redis::redis::Value;

use crate::RedisBackend;
use crate::adapter_error::AdapterError;
use crate::command::command;
use crate::reply::{UnexpectedReply, array, bytes, text};
use crate::script::Arguments;
use crate::subscriber::Topic;

/// The number of pieces in one read; all stored input is at most 1 MiB.
const PAGE: u64 = 256;

#[async_trait]
impl InputRelay for RedisBackend {
    async fn send(
        &self,
        id: ExecutionId,
        input: InputId,
        piece: InputPiece,
    ) -> Result<InputReply, InputError> {
        self.timed("send_input", self.send_step(id, input, &piece))
            .await
    }

    async fn receive(
        &self,
        lease: &Lease,
        after: InputPosition,
    ) -> Result<Vec<InputPiece>, InputError> {
        self.timed("receive_input", self.receive_step(lease, after))
            .await
    }

    /// An execution that is not interactive never gets input, so this waits without asking the server. Otherwise it checks
    /// once for input that came before the subscription was active.
    async fn input_available(&self, lease: &Lease, after: InputPosition) {
        if !lease.execution().submission().is_interactive() {
            return std::future::pending().await;
        }
        let mut subscription = self.shared.subscriber.subscribe(lease.id(), Topic::Input);
        subscription.activated().await;
        match self.last_input(lease.id()).await {
            Ok(last) if last != after => return,
            Ok(_) => {}
            Err(error) => {
                tracing::debug!(error = %ErrorChain(&error), "cannot check for new input, waiting for a hint");
            }
        }
        let interval = self.shared.config.watch_interval;
        drop(tokio::time::timeout(interval, subscription.changed()).await);
    }
}

impl RedisBackend {
    async fn send_step(
        &self,
        id: ExecutionId,
        input: InputId,
        piece: &InputPiece,
    ) -> Result<InputReply, AdapterError> {
        let size = u64::try_from(piece.size_bytes()).unwrap_or(u64::MAX);
        let arguments = Arguments::default()
            .text(id.to_string())
            .text(input.sender.to_string())
            .number(input.number)
            .bytes(encode_input(piece))
            .number(u8::from(piece == &InputPiece::End))
            .number(size)
            .number(StorePolicy::INPUT_KEPT_MAX.as_bytes());
        let script = &self.shared.scripts.send;
        let reply = self.run_replicated_step(id, script, arguments).await?;
        match reply.word() {
            "kept" => Ok(InputReply::Kept),
            "full" => Ok(InputReply::Full),
            "ended" => Ok(InputReply::Ended),
            "not_interactive" => Ok(InputReply::NotInteractive),
            "final" => Ok(InputReply::Final),
            "absent" => Ok(InputReply::Absent),
            _ => Err(UnexpectedReply.into()),
        }
    }

    async fn receive_step(
        &self,
        lease: &Lease,
        after: InputPosition,
    ) -> Result<Vec<InputPiece>, InputError> {
        let script = &self.shared.scripts.receive;
        let reply = self.run_lease_step(lease, script, |fence| {
            fence.number(after.number()).number(PAGE)
        });
        let mut reply = reply.await?;
        match reply.word() {
            "forgotten" => Err(InputError::Forgotten),
            "input" => Ok(decode_pieces(lease.id(), reply.value()?)?),
            _ => Err(UnexpectedReply.into()),
        }
    }

    /// The position of the last piece that was sent.
    async fn last_input(&self, id: ExecutionId) -> Result<InputPosition, AdapterError> {
        let command = command(&["HGET", &self.shared.layout.input_key(id), "header"]);
        let found = self.call(&command).await?;
        if found == Value::Nil {
            return Ok(InputPosition::START);
        }
        let header = text(found)?;
        let last = header.split(' ').nth(1).and_then(|word| word.parse().ok());
        Ok(InputPosition::from_number(last.ok_or(UnexpectedReply)?))
    }
}

fn decode_pieces(id: ExecutionId, pieces: Value) -> Result<Vec<InputPiece>, AdapterError> {
    let decode =
        |stored| decode_input(bytes(stored)?).map_err(|error| AdapterError::of_record(id, error));
    array(pieces)?.into_iter().map(decode).collect()
}
