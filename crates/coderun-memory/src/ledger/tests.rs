use std::sync::{Arc, Mutex};

use coderun_conformance::execution_queue::interleavings::random_steps_keep_every_promise;
use coderun_conformance::{Backend, Setup};

use super::*;
use crate::{MemoryBackend, MemoryRegistry};

#[tokio::test]
async fn random_steps_leave_nothing_behind() {
    let made: Arc<Mutex<Vec<MemoryBackend>>> = Arc::default();
    let kept = Arc::clone(&made);
    let setup = Setup::new(move |clock, policy| {
        let memory = MemoryBackend::new(policy, Arc::clone(&clock) as _);
        kept.lock().unwrap().push(memory.clone());
        let backend = Backend {
            store: Arc::new(memory.clone()),
            queue: Arc::new(memory.clone()),
            notifier: Arc::new(memory.clone()),
            inputs: Arc::new(memory.clone()),
            tickets: Arc::new(memory),
            registry: Arc::new(MemoryRegistry::new(Arc::clone(&clock) as _)),
            clock,
            policy,
            guard: Box::new(()),
        };
        async { backend }
    });
    random_steps_keep_every_promise(setup).await;
    let made = made.lock().unwrap();
    assert!(!made.is_empty());
    for memory in made.iter() {
        let counts = memory.step(|ledger, _| ledger.counts());
        assert_eq!(counts, Counts::default());
    }
}
