use std::sync::Mutex;

use coderun_conformance::execution_queue::interleavings::random_steps_keep_every_promise;
use coderun_conformance::{Backend, Setup};

use super::*;

#[tokio::test]
async fn random_steps_leave_nothing_behind() {
    let made: Arc<Mutex<Vec<MemoryBackend>>> = Arc::default();
    let kept = Arc::clone(&made);
    let setup = Setup::new(move |clock, policy| {
        let memory = memory_backend(LedgerConfig::new(policy), Arc::clone(&clock) as _);
        kept.lock().unwrap().push(memory.clone());
        async move { Backend::over(&memory, clock, policy) }
    });
    random_steps_keep_every_promise(setup).await;
    let made = made.lock().unwrap();
    assert!(!made.is_empty());
    for memory in made.iter() {
        assert_eq!(memory.access().counts(), LedgerCounts::default());
    }
}
