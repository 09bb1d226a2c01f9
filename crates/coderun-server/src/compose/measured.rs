//! Puts what measures around what works.

use std::sync::Arc;

use super::storage::Storage;
use crate::metrics::{
    MeasuredExecutionQueue, MeasuredExecutionStore, MeasuredInputRelay, MeasuredNotifier,
    MeasuredTicketStore, MeasuredWorkerRegistry,
};

/// The same storage, each call of which is measured.
pub(super) fn storage(backend: &'static str, storage: Storage) -> Storage {
    Storage {
        store: Arc::new(MeasuredExecutionStore::new(storage.store, backend)),
        queue: Arc::new(MeasuredExecutionQueue::new(storage.queue, backend)),
        notifier: Arc::new(MeasuredNotifier::new(storage.notifier, backend)),
        inputs: Arc::new(MeasuredInputRelay::new(storage.inputs, backend)),
        tickets: Arc::new(MeasuredTicketStore::new(storage.tickets, backend)),
        registry: Arc::new(MeasuredWorkerRegistry::new(storage.registry, backend)),
        ..storage
    }
}
