//! Records the metrics of the service for Prometheus.
//!
//! Every crate records what happens in it, through the facade `metrics`: storage backends, workers and sweepers, the HTTP
//! edge, token verifiers. Without a recorder (`ADMIN_ADDR=off`) nothing is kept. The `catalog` lists all names, each a
//! constant of the crate that records it. Labels are fixed words, languages or names of runners: never a user, an id or
//! anything else that grows with use.

mod catalog;
mod probes;
mod process;
mod recorder;

pub(crate) use probes::Probes;
pub(crate) use recorder::Metrics;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
