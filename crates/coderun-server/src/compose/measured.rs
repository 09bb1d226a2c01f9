//! Puts what measures around what works.

use std::sync::Arc;

use super::Storage;
use crate::metrics::{
    MeasuredExecutionQueue, MeasuredExecutionStore, MeasuredInputRelay, MeasuredNotifier,
    MeasuredTicketStore, MeasuredWorkerRegistry,
};
use crate::settings::Settings;

/// The same storage, each call of which is measured.
pub(super) fn storage(settings: &Settings, storage: Storage) -> Storage {
    let backend = match (&storage.file, settings.shares_state()) {
        (Some(_), _) => "redb",
        (None, true) => "redis",
        (None, false) => "memory",
    };
    Storage {
        store: Arc::new(MeasuredExecutionStore::new(storage.store, backend)),
        queue: Arc::new(MeasuredExecutionQueue::new(storage.queue, backend)),
        notifier: Arc::new(MeasuredNotifier::new(storage.notifier, backend)),
        inputs: Arc::new(MeasuredInputRelay::new(storage.inputs, backend)),
        tickets: Arc::new(MeasuredTicketStore::new(storage.tickets, backend)),
        registry: Arc::new(MeasuredWorkerRegistry::new(storage.registry, backend)),
        ids: storage.ids,
        file: storage.file,
    }
}
