mod access;
mod deleting;
mod support;
mod tickets;
