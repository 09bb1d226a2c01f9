//! A server on port 0 with fakes behind its ports, and clients for it.

pub(crate) mod backend;
pub(crate) mod event_source;
pub(crate) mod raw;
pub(crate) mod relay;
pub(crate) mod socket;
pub(crate) mod tickets;
pub(crate) mod verifier;

use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use coderun_app::{Executions, ExecutionsPorts, Fleet, Readiness, ReadinessPorts};
use coderun_domain::testing::{
    ManualClock, SequentialIds, limit_policy, store_policy, submission_policy, worker_offer,
};
use coderun_domain::{ExecutionStore, Health, MockExecutionQueue, MockWorkerRegistry, Notifier};
use coderun_http::{Drain, HttpConfig, HttpPorts, serve};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use backend::Backend;
use relay::Relay;
use tickets::Tickets;
use verifier::NameVerifier;

/// Nothing here takes nearly as long, unless it is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A running server.
pub(crate) struct Server {
    pub(crate) backend: Arc<Backend>,
    pub(crate) verifier: Arc<NameVerifier>,
    pub(crate) relay: Arc<Relay>,
    pub(crate) tickets: Arc<Tickets>,
    pub(crate) address: SocketAddr,
    /// Tells whoever is connected to go elsewhere.
    pub(crate) going_away: CancellationToken,
    /// Ends the server.
    pub(crate) draining: CancellationToken,
    /// Only says that it will end.
    pub(crate) leaving: CancellationToken,
    pub(crate) client: reqwest::Client,
    tasks: TaskTracker,
}

impl Server {
    /// One with the default settings.
    pub(crate) fn start() -> Self {
        Self::with(|_| {})
    }

    /// One with other settings.
    pub(crate) fn with(change: impl FnOnce(&mut HttpConfig)) -> Self {
        let backend = Arc::new(Backend::default());
        let store = Arc::clone(&backend) as Arc<dyn ExecutionStore>;
        Self::over(backend, store, one_worker(), change)
    }

    /// One that knows these workers.
    pub(crate) fn with_fleet(fleet: Fleet) -> Self {
        let backend = Arc::new(Backend::default());
        let store = Arc::clone(&backend) as Arc<dyn ExecutionStore>;
        Self::over(backend, store, fleet, |_| {})
    }

    /// One that keeps executions elsewhere.
    pub(crate) fn with_store(backend: Arc<Backend>, store: Arc<dyn ExecutionStore>) -> Self {
        Self::over(backend, store, one_worker(), |_| {})
    }

    fn over(
        backend: Arc<Backend>,
        store: Arc<dyn ExecutionStore>,
        fleet: Fleet,
        change: impl FnOnce(&mut HttpConfig),
    ) -> Self {
        let mut config = HttpConfig {
            version: "1.2.3".to_owned(),
            workers: 2,
            ..HttpConfig::default()
        };
        change(&mut config);
        let clock = Arc::new(ManualClock::default());
        let (drain, leaving) = (Drain::default(), CancellationToken::new());
        let (relay, tickets) = (Arc::new(Relay::default()), Arc::new(Tickets::default()));
        let verifier = Arc::new(NameVerifier::default());
        let readiness = readiness(&store, &leaving);
        let executions = ExecutionsPorts {
            store,
            notifier: Arc::clone(&backend) as Arc<dyn Notifier>,
            inputs: Arc::clone(&relay) as _,
            tickets: Arc::clone(&tickets) as _,
            clock: Arc::clone(&clock) as _,
            ids: Arc::new(SequentialIds::default()),
            fleet: Arc::new(fleet),
        };
        let ports = HttpPorts {
            executions: Arc::new(Executions::new(
                executions,
                submission_policy(),
                store_policy(),
            )),
            verifier: Arc::clone(&verifier) as _,
            readiness: Arc::new(readiness),
            clock,
        };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let tasks = TaskTracker::new();
        let running = serve(listener, config, ports, drain.clone()).unwrap();
        tasks.spawn(running);
        Self {
            backend,
            verifier,
            relay,
            tickets,
            address,
            going_away: drain.going_away,
            draining: drain.end,
            leaving,
            client: client(),
            tasks,
        }
    }

    /// The address of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A GET request of `alice`.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        let request = self.client.get(self.url(path)).bearer_auth("alice");
        Answer::to(request).await
    }

    /// A GET request of nobody.
    pub(crate) async fn get_anonymously(&self, path: &str) -> Answer {
        Answer::to(self.client.get(self.url(path))).await
    }

    /// A request of `alice` without a body.
    pub(crate) async fn ask(&self, method: reqwest::Method, path: &str) -> Answer {
        let request = self.client.request(method, self.url(path));
        Answer::to(request.bearer_auth("alice")).await
    }

    /// A submission of `alice`.
    pub(crate) async fn submit(&self, body: &Value) -> Answer {
        self.submit_text("application/json", body.to_string()).await
    }

    /// A submission of `alice` that may be no JSON.
    pub(crate) async fn submit_text(
        &self,
        content_type: &str,
        body: impl Into<reqwest::Body>,
    ) -> Answer {
        let request = self
            .client
            .post(self.url("/api/v1/executions/execute"))
            .bearer_auth("alice")
            .header("content-type", content_type)
            .body(body);
        Answer::to(request).await
    }

    /// Ends it and waits until it has.
    pub(crate) async fn stop(self) {
        self.draining.cancel();
        self.tasks.close();
        in_time(self.tasks.wait()).await;
    }
}

/// Readiness of this store and a queue that works.
pub(crate) fn readiness(store: &Arc<dyn ExecutionStore>, leaving: &CancellationToken) -> Readiness {
    let mut queue = MockExecutionQueue::new();
    queue.expect_check().returning(|| Ok(Health::Good));
    let ports = ReadinessPorts {
        store: Arc::clone(store),
        queue: Arc::new(queue),
        runners: None,
        verifier: None,
    };
    Readiness::new(ports, leaving.clone())
}

/// No worker, as far as anybody knows.
pub(crate) fn no_worker() -> Fleet {
    Fleet::new(Arc::new(MockWorkerRegistry::new()), limit_policy())
}

fn one_worker() -> Fleet {
    no_worker().with_worker(worker_offer("w1"))
}

/// A client of any server.
pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .timeout(PATIENCE)
        .build()
        .unwrap()
}

/// What a server answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) async fn to(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        Self {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response.text().await.unwrap(),
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The problem that it describes, after what holds for every problem was checked.
    pub(crate) fn problem(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["status"], status);
        assert_eq!(problem["type"], "about:blank");
        for member in ["title", "detail", "instance"] {
            assert!(problem[member].is_string(), "{member} of {problem}");
        }
        assert_ne!(self.header("x-request-id"), "");
        problem
    }
}

/// Waits for what must come soon.
pub(crate) async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .expect("it takes too long")
}

/// Asks again until the answer is yes.
pub(crate) async fn until(mut answer: impl FnMut() -> bool) {
    until_async(async || answer()).await;
}

/// Asks again until the answer, which takes a while, is yes.
pub(crate) async fn until_async(mut answer: impl AsyncFnMut() -> bool) {
    in_time(async {
        while !answer().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}
