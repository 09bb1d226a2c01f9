mod access;
mod deleting;
mod idempotency;
mod languages;
mod support;
mod tickets;
