//! What a stand-in was asked, for tests to look at.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::watch;

/// Counts since the start.
#[derive(Debug)]
pub(crate) struct Counters {
    requests: Mutex<HashMap<String, u64>>,
    last_execute_body: Mutex<Option<Bytes>>,
    begun: watch::Sender<u64>,
    ended: watch::Sender<u64>,
}

impl Counters {
    pub(crate) fn new() -> Self {
        Self {
            requests: Mutex::default(),
            last_execute_body: Mutex::default(),
            begun: watch::Sender::new(0),
            ended: watch::Sender::new(0),
        }
    }

    pub(crate) fn count_request(&self, path: &str) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        *requests.entry(path.to_owned()).or_default() += 1;
    }

    pub(crate) fn requests(&self, path: &str) -> u64 {
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.get(path).copied().unwrap_or_default()
    }

    pub(crate) fn keep_execute_body(&self, body: Bytes) {
        let mut last = self
            .last_execute_body
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *last = Some(body);
    }

    pub(crate) fn last_execute_body(&self) -> Option<Bytes> {
        let last = self.last_execute_body.lock();
        last.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Counts an execution that begins now.
    pub(crate) fn count_begun(&self) {
        self.begun.send_modify(|begun| *begun += 1);
    }

    /// Counts an execution that was not given up.
    pub(crate) fn count_ended(&self) {
        self.ended.send_modify(|ended| *ended += 1);
    }

    pub(crate) fn begun(&self) -> watch::Receiver<u64> {
        self.begun.subscribe()
    }

    pub(crate) fn ended(&self) -> watch::Receiver<u64> {
        self.ended.subscribe()
    }
}
