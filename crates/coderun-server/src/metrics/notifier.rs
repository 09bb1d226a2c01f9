//! How long it takes to begin to watch.

use std::sync::Arc;

use async_trait::async_trait;
use coderun_domain::{EventStream, ExecutionId, Notifier, Sequence, WatchError};

use super::timing::Timing;

/// A notifier whose subscriptions are recorded; what comes in their streams is not.
#[derive(Debug)]
pub(crate) struct MeasuredNotifier {
    inner: Arc<dyn Notifier>,
    subscribe: Timing,
}

impl MeasuredNotifier {
    pub(crate) fn new(inner: Arc<dyn Notifier>, backend: &'static str) -> Self {
        Self {
            inner,
            subscribe: Timing::new(backend, "subscribe"),
        }
    }
}

#[async_trait]
impl Notifier for MeasuredNotifier {
    async fn subscribe(&self, id: ExecutionId, since: Sequence) -> Result<EventStream, WatchError> {
        self.subscribe.of(self.inner.subscribe(id, since)).await
    }
}
