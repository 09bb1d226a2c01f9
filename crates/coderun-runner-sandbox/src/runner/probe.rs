//! Provides the streams of the probe that shows whether a sandbox can be built.

use async_trait::async_trait;
use bytes::Bytes;
use coderun_domain::{OutputStream, RunIo};

/// Throws output away and gives no input.
pub(super) struct NoIo;

#[async_trait]
impl RunIo for NoIo {
    async fn output(&mut self, _stream: OutputStream, _bytes: Bytes) {}

    fn mark_truncated(&mut self, _stream: OutputStream) {}
}
