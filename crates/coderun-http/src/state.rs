//! What every request works with.

use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpRequest, web};
use coderun_app::{Executions, Readiness};
use coderun_domain::{Clock, TokenVerifier};
use tokio_util::task::TaskTracker;

use crate::bulk::Bulk;
use crate::drain::Departure;
use crate::problem::Problem;
use crate::socket_registry::SocketRegistry;
use crate::{Drain, HttpConfig};

/// What the HTTP edge works with.
#[derive(Debug, Clone)]
pub struct HttpPorts {
    /// What users do with executions.
    pub executions: Arc<Executions>,
    /// Knows users.
    pub verifier: Arc<dyn TokenVerifier>,
    /// Knows whether all of it works.
    pub readiness: Arc<Readiness>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}

/// What it takes to say how the server is; one for all threads.
#[derive(Debug)]
pub(crate) struct HealthState {
    pub(crate) config: HttpConfig,
    pub(crate) readiness: Arc<Readiness>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// What every other request works with; one for all threads.
#[derive(Debug)]
pub(crate) struct AppState {
    pub(crate) ports: HttpPorts,
    pub(crate) config: HttpConfig,
    pub(crate) sockets: SocketRegistry,
    pub(crate) bulk: Bulk,
    /// Owns the task of every socket.
    pub(crate) socket_tasks: TaskTracker,
    pub(crate) departure: Departure,
}

impl AppState {
    pub(crate) fn new(ports: HttpPorts, config: HttpConfig, drain: Drain) -> Self {
        Self {
            sockets: SocketRegistry::new(&config.sockets),
            bulk: Bulk::new(config.bulk_max),
            ports,
            config,
            socket_tasks: TaskTracker::new(),
            departure: Departure::new(drain),
        }
    }

    /// Within which time clients should reconnect elsewhere, now that the server is going away.
    pub(crate) fn reconnect_within(&self) -> Duration {
        self.departure.left_of(self.config.timeouts.going_away)
    }

    /// The state behind a request.
    pub(crate) fn of(request: &HttpRequest) -> Result<web::Data<Self>, Problem> {
        request
            .app_data::<web::Data<Self>>()
            .cloned()
            .ok_or_else(Problem::bug)
    }
}
