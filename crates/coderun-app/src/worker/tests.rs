mod failures;
mod flaky_queue;
mod input;
mod metrics;
mod running;
mod stopping;
mod support;
