//! Holds the state that all request handlers share.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix_web::{HttpRequest, web};
use coderun_app::{Executions, Readiness};
use coderun_domain::{Clock, TokenVerifier};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::large_answers::LargeAnswers;
use crate::memory_budget::MemoryBudget;
use crate::page::Page;
use crate::problem::Problem;
use crate::rate_limit::SubmitQuotas;
use crate::socket_registry::SocketRegistry;
use crate::spent_rates::SpentRates;
use crate::watching::Feeds;
use crate::{Drain, HttpConfig, SignIn};

/// The use cases and ports behind the HTTP edge.
#[derive(Debug, Clone)]
pub struct HttpPorts {
    /// The use cases of executions.
    pub executions: Arc<Executions>,
    /// Verifies tokens.
    pub verifier: Arc<dyn TokenVerifier>,
    /// Checks the dependencies of the process.
    pub readiness: Arc<Readiness>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// How people sign in on the page; `None` if they need a token from elsewhere.
    pub sign_in: Option<SignIn>,
}

/// The state of the health routes, shared by all threads.
#[derive(Debug)]
pub(crate) struct HealthState {
    pub(crate) config: HttpConfig,
    pub(crate) readiness: Arc<Readiness>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// The state of all other routes, shared by all threads.
#[derive(Debug)]
pub(crate) struct AppState {
    pub(crate) ports: HttpPorts,
    pub(crate) config: HttpConfig,
    pub(crate) page: Page,
    pub(crate) sockets: SocketRegistry,
    pub(crate) large_answers: LargeAnswers,
    pub(crate) body_budget: MemoryBudget,
    /// Apart from that of the bodies, which may take long to arrive: what is parsed is given back at once.
    pub(crate) parsing_budget: MemoryBudget,
    pub(crate) spent_rates: SpentRates,
    pub(crate) submit_quotas: SubmitQuotas,
    pub(crate) feeds: Feeds,
    /// Owns the task of every socket and of every feed.
    pub(crate) socket_tasks: TaskTracker,
    pub(crate) drain: Drain,
    /// When [`Self::reconnect_within`] was first called.
    going_away_since: OnceLock<Instant>,
}

impl AppState {
    pub(crate) fn new(ports: HttpPorts, config: HttpConfig, drain: Drain) -> Self {
        let answer_budget = MemoryBudget::new(config.large_answers_max, config.sockets.send);
        Self {
            sockets: SocketRegistry::new(&config.sockets),
            large_answers: LargeAnswers::new(answer_budget),
            body_budget: MemoryBudget::new(config.bodies_max, config.sockets.send),
            parsing_budget: MemoryBudget::new(config.bodies_max, config.sockets.send),
            spent_rates: SpentRates::default(),
            submit_quotas: SubmitQuotas::new(ports.executions.store_policy()),
            page: Page::new(&config.page, ports.sign_in.as_ref()),
            ports,
            config,
            feeds: Feeds::default(),
            socket_tasks: TaskTracker::new(),
            drain,
            going_away_since: OnceLock::new(),
        }
    }

    /// The time within which clients should reconnect elsewhere. It runs from the first call, which comes when the server
    /// begins to go away.
    pub(crate) fn reconnect_within(&self) -> Duration {
        let since = self.going_away_since.get_or_init(Instant::now);
        let total = self.config.timeouts.going_away;
        total.saturating_sub(since.elapsed())
    }

    /// The state behind a request.
    pub(crate) fn of(request: &HttpRequest) -> Result<web::Data<Self>, Problem> {
        request
            .app_data::<web::Data<Self>>()
            .cloned()
            .ok_or_else(Problem::bug)
    }
}
