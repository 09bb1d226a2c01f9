//! The [`InputRelay`] side of the backend: a hash beside the record, with the pieces by their numbers.
//!
//! What is published is a hint, as for events: the pieces themselves are read from the hash, by number.

use async_trait::async_trait;
use coderun_domain::{
    ErrorChain, ExecutionId, InputError, InputId, InputPiece, InputPosition, InputRelay,
    InputReply, Lease, StorePolicy,
};
use coderun_record::{decode_input, encode_input};
use deadpool_redis::redis::{Cmd, Value};

use crate::RedisBackend;
use crate::adapter_error::AdapterError;
use crate::reply::{UnexpectedReply, array, bytes, text};
use crate::script::Arguments;

/// What is read at a time; all that is kept is 1 MiB at most.
const PAGE: u64 = 256;

#[async_trait]
impl InputRelay for RedisBackend {
    async fn send(
        &self,
        id: ExecutionId,
        input: InputId,
        piece: InputPiece,
    ) -> Result<InputReply, InputError> {
        self.timed("send_input", async {
            Ok(self.send_step(id, input, &piece).await?)
        })
        .await
    }

    async fn receive(
        &self,
        lease: &Lease,
        after: InputPosition,
    ) -> Result<Vec<InputPiece>, InputError> {
        self.timed("receive_input", async {
            let script = &self.scripts().receive;
            let reply = self.lease_step(lease, script, |holder| {
                holder.number(after.number()).number(PAGE)
            });
            let mut reply = reply.await?.ok_or(InputError::LeaseLost)?;
            match reply.word() {
                "forgotten" => Err(InputError::Forgotten),
                "input" => {
                    let pieces = reply.value().map_err(AdapterError::from)?;
                    Ok(decode_pieces(lease.id(), pieces)?)
                }
                _ => Err(AdapterError::from(UnexpectedReply).into()),
            }
        })
        .await
    }

    /// Nothing comes for an execution that is not interactive, and nobody is asked. Else one subscription, and one look at
    /// what came before it stood.
    async fn input_available(&self, lease: &Lease, after: InputPosition) {
        if !lease.execution().submission().is_interactive() {
            return std::future::pending().await;
        }
        let mut watch = self.hub().watch_input(lease.id());
        watch.standing().await;
        match self.last_input(lease.id()).await {
            Ok(last) if last != after => return,
            Ok(_) => {}
            Err(failure) => {
                tracing::debug!(error = %ErrorChain(&failure), "cannot see whether there is input");
            }
        }
        let interval = self.config().watch_interval;
        drop(tokio::time::timeout(interval, watch.changed()).await);
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
        let script = &self.scripts().send;
        let reply = self.step_for_good(id, script, arguments).await?;
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

    /// The position behind all that was sent so far.
    async fn last_input(&self, id: ExecutionId) -> Result<InputPosition, AdapterError> {
        let mut command = Cmd::new();
        command.arg("HGET").arg(self.layout().input_key(id));
        command.arg("header");
        let found = self.ask(&command).await?;
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
