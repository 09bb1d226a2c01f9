mod failures;
mod flaky_queue;
mod metrics;
mod running;
mod stopping;
mod support;
mod typing;
