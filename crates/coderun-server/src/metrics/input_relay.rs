//! How long it takes to carry what users type.

use std::sync::Arc;

use async_trait::async_trait;
use coderun_domain::{
    ExecutionId, InputError, InputId, InputPiece, InputPosition, InputRelay, InputReply, Lease,
};

use super::timing::Timing;

/// A relay whose calls are recorded.
#[derive(Debug)]
pub(crate) struct MeasuredInputRelay {
    inner: Arc<dyn InputRelay>,
    send: Timing,
    receive: Timing,
}

impl MeasuredInputRelay {
    pub(crate) fn new(inner: Arc<dyn InputRelay>, backend: &'static str) -> Self {
        let timing = |operation| Timing::new(backend, operation);
        Self {
            inner,
            send: timing("send_input"),
            receive: timing("receive_input"),
        }
    }
}

#[async_trait]
impl InputRelay for MeasuredInputRelay {
    async fn send(
        &self,
        id: ExecutionId,
        input: InputId,
        piece: InputPiece,
    ) -> Result<InputReply, InputError> {
        self.send.of(self.inner.send(id, input, piece)).await
    }

    async fn receive(
        &self,
        lease: &Lease,
        after: InputPosition,
    ) -> Result<Vec<InputPiece>, InputError> {
        self.receive.of(self.inner.receive(lease, after)).await
    }

    async fn input_available(&self, lease: &Lease, after: InputPosition) {
        self.inner.input_available(lease, after).await;
    }
}
