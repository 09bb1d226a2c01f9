mod access;
mod deleting;
mod idempotency;
mod support;
mod tickets;
