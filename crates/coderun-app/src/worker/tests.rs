mod failures;
mod running;
mod stopping;
mod support;
mod typing;
