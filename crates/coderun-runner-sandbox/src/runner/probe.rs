//! Provides limits and streams for the trial that shows whether a sandbox can be built.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use coderun_domain::{
    ByteSize, InputWanted, OutputStream, RunInput, RunIo, StageLimits, StorageLimits, ZeroLimit,
};

/// The limits of the program that shows that a sandbox can be built.
pub(super) struct Probe {
    pub(super) stage: StageLimits,
    pub(super) storage: StorageLimits,
}

impl Probe {
    pub(super) fn new() -> Result<Self, ZeroLimit> {
        let (second, memory) = (Duration::from_secs(5), ByteSize::from_mib(64));
        let (output, disk) = (ByteSize::from_kib(4), ByteSize::from_mib(1));
        Ok(Self {
            stage: StageLimits::new(second, second, memory, 8)?,
            storage: StorageLimits::new(output, disk, disk, 16)?,
        })
    }
}

/// Throws output away and gives no input.
pub(super) struct NoIo;

#[async_trait]
impl RunIo for NoIo {
    async fn output(&mut self, _stream: OutputStream, _bytes: Bytes) {}

    fn mark_truncated(&mut self, _stream: OutputStream) {}

    async fn input(&mut self, _wanted: InputWanted) -> RunInput {
        std::future::pending().await
    }

    async fn awaiting_input(&mut self) {}
}
