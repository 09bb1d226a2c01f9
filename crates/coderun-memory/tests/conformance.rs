//! The memory adapter keeps the contract of the storage ports.

use std::sync::Arc;

use coderun_conformance::Backend;
use coderun_domain::testing::ManualClock;
use coderun_domain::{Clock, StorePolicy};
use coderun_memory::{MemoryBackend, MemoryRegistry};

async fn backend(clock: Arc<ManualClock>, policy: StorePolicy) -> Backend {
    let shown: Arc<dyn Clock> = Arc::clone(&clock) as _;
    let memory = MemoryBackend::new(policy, Arc::clone(&shown));
    Backend {
        store: Arc::new(memory.clone()),
        queue: Arc::new(memory.clone()),
        notifier: Arc::new(memory.clone()),
        inputs: Arc::new(memory.clone()),
        tickets: Arc::new(memory),
        registry: Arc::new(MemoryRegistry::new(shown)),
        clock,
        policy,
        guard: Box::new(()),
    }
}

mod execution_store {
    coderun_conformance::execution_store_tests!(super::backend);
}

mod execution_queue {
    coderun_conformance::execution_queue_tests!(super::backend);
}

mod notifier {
    coderun_conformance::notifier_tests!(super::backend);
}

mod input_relay {
    coderun_conformance::input_relay_tests!(super::backend);
}

mod ticket_store {
    coderun_conformance::ticket_store_tests!(super::backend);
}

mod worker_registry {
    coderun_conformance::worker_registry_tests!(super::backend);
}
