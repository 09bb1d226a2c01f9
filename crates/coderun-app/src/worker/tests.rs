mod failures;
mod flaky_queue;
mod input;
mod metrics;
mod offers;
mod running;
mod stopping;
mod support;
