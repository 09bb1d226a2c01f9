//! Records the metrics of the service for Prometheus.
//!
//! Ports are measured from outside, by decorators that `compose` puts around the adapters; workers, sweepers, the HTTP edge
//! and the token verifiers record their own metrics, through the same facade. Without a recorder behind it (`ADMIN_ADDR=off`) nothing is
//! kept. All names stand in the `catalog`. Labels are words of the code, languages or names of runners: never a user, an id
//! or anything else that grows with use.

mod catalog;
mod execution_queue;
mod execution_store;
mod input_relay;
mod notifier;
mod probes;
mod process;
mod recorder;
mod ticket_store;
mod timing;
mod worker_registry;

pub(crate) use execution_queue::MeasuredExecutionQueue;
pub(crate) use execution_store::MeasuredExecutionStore;
pub(crate) use input_relay::MeasuredInputRelay;
pub(crate) use notifier::MeasuredNotifier;
pub(crate) use probes::Probes;
pub(crate) use recorder::Metrics;
pub(crate) use ticket_store::MeasuredTicketStore;
pub(crate) use worker_registry::MeasuredWorkerRegistry;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
