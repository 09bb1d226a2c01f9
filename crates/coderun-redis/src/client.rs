//! Runs the steps and commands of all parts of a backend, and times the calls of their ports.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use coderun_domain::{Clock, ExecutionId};
use coderun_record::micros;
use coderun_storage_metrics::{StorageError, StorageTimer};
use deadpool_redis::redis::{Cmd, Value};
use serde::de::DeserializeOwned;
use serde_bytes::ByteBuf;
use time::OffsetDateTime;

use crate::adapter_error::AdapterError;
use crate::layout::{Layout, Partition};
use crate::layout_check::check_layout;
use crate::reply::{UnexpectedReply, optional_bytes};
use crate::step::{Script, Step, StepReply};
use crate::transport::Transport;

/// The connections to one Redis, and what every step needs.
pub(crate) struct Client {
    pub(crate) layout: Layout,
    pub(crate) transport: Arc<Transport>,
    clock: Arc<dyn Clock>,
    timer: StorageTimer,
    /// Whether this process is known to have the same layout as the others. Until then nothing is read or written.
    has_checked_layout: AtomicBool,
    /// Counts up from the start of the process in microseconds, so that no process of the same worker ever gives a number
    /// twice.
    next_token: AtomicU64,
}

impl Client {
    pub(crate) fn new(layout: Layout, transport: Arc<Transport>, clock: Arc<dyn Clock>) -> Self {
        let started = micros(clock.now()).max(1).unsigned_abs();
        Self {
            layout,
            transport,
            clock,
            timer: StorageTimer::new("redis"),
            has_checked_layout: AtomicBool::new(false),
            next_token: AtomicU64::new(started),
        }
    }

    /// Times the call of a port, and converts its error. `operation` is its name in metrics.
    pub(crate) fn timed<T, E, F>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<T, F>> + Send,
    ) -> impl Future<Output = Result<T, E>> + Send
    where
        E: StorageError + From<F>,
    {
        // Boxed, because each future around it would keep room for it, and copy it.
        let call = Box::pin(call);
        self.timer.time(operation, async { Ok(call.await?) })
    }

    /// Counts repairs of indexes.
    pub(crate) fn count_repairs(&self, repaired: u64) {
        self.timer.count_repairs(repaired);
    }

    pub(crate) fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    /// A number by which a step recognises its repetition: this process has not given it before.
    pub(crate) fn next_token(&self) -> u64 {
        self.next_token.fetch_add(1, Ordering::Relaxed)
    }

    /// The name of a staged value, which no other process makes.
    pub(crate) fn nonce(&self) -> String {
        format!("{:x}-{:x}", self.next_token(), fastrand::u128(..))
    }

    /// Adds a blob to a step: beside it, or staged under a nonce because it is large.
    pub(crate) fn with_blob(
        &self,
        step: Step,
        partition: Partition,
        nonce: Option<String>,
        blob: Vec<u8>,
    ) -> Step {
        match nonce {
            None => step.with_blob(blob),
            Some(nonce) => step.with_staged(self.layout.staged_key(partition, &nonce), blob),
        }
    }

    /// Runs a step on an execution, and decodes its reply. Transient errors are retried, since every step can be repeated.
    pub(crate) async fn run<T: DeserializeOwned>(
        &self,
        id: ExecutionId,
        script: Script,
        step: Step,
    ) -> Result<T, AdapterError> {
        let partition = self.layout.of_execution(id);
        let reply = self.reply_to(partition, script, step).await?;
        reply.decode_for(id)
    }

    /// Runs a step in a partition in the same way.
    pub(crate) async fn run_in<T: DeserializeOwned>(
        &self,
        partition: Partition,
        script: Script,
        step: Step,
    ) -> Result<T, AdapterError> {
        Ok(self.reply_to(partition, script, step).await?.decode()?)
    }

    /// Runs a step, and returns its reply.
    pub(crate) async fn reply_to(
        &self,
        partition: Partition,
        script: Script,
        step: Step,
    ) -> Result<StepReply, AdapterError> {
        self.ensure_layout().await?;
        // The future with all attempts is large.
        Ok(Box::pin(self.transport.run(partition, script, &step)).await?)
    }

    /// Sends a command. Transient errors are retried.
    pub(crate) async fn call(&self, command: &Cmd) -> Result<Value, AdapterError> {
        self.ensure_layout().await?;
        Ok(self.transport.call(command).await?)
    }

    /// Sends a command that reads one value; a value that is not there is empty.
    pub(crate) async fn read_value(&self, command: &Cmd) -> Result<ByteBuf, AdapterError> {
        Ok(optional_bytes(self.call(command).await?)?)
    }

    /// Sends commands that read keys of one partition, in this order. On one node they travel together.
    pub(crate) async fn read<const N: usize>(
        &self,
        commands: [Cmd; N],
    ) -> Result<[Value; N], AdapterError> {
        self.ensure_layout().await?;
        let answers = Box::pin(self.transport.read(&commands)).await?;
        Ok(answers.try_into().map_err(|_| UnexpectedReply)?)
    }

    /// Checks the layout, unless a check has passed: the server may have come up after this process.
    pub(crate) async fn ensure_layout(&self) -> Result<(), AdapterError> {
        if !self.has_checked_layout.load(Ordering::Relaxed) {
            Box::pin(check_layout(self)).await?;
            self.has_checked_layout.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// Shows no address.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("partitions", &self.layout.count())
            .finish_non_exhaustive()
    }
}
