mod failures;
mod flaky_queue;
mod running;
mod stopping;
mod support;
mod typing;
