//! Roles in tasks of the test, over one memory, each on a free port.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use coderun_app::Shutdown;
use coderun_domain::testing::{catalog, report, user};
use coderun_domain::{
    CodeRunner, Enforcement, LanguageSpec, Limits, MockTokenVerifier, Principal, Report, RunIo,
    RunRequest, RunnerError, RunnerProfile, TokenVerifier, Verdict,
};
use futures_util::StreamExt as _;
use reqwest::{Client, Response};
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::super::{all, api, worker};
use crate::compose::{self, ApiPorts, BasePorts, WorkerPorts};
use crate::settings::{self, Role, Settings};

/// Nothing here takes nearly as long, unless it is broken.
const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until something holds that must come to hold.
pub(super) async fn until(mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting)
        .await
        .expect("it comes to hold");
}

/// What several processes share.
pub(super) struct Deployment {
    settings: Settings,
    base: BasePorts,
}

impl Deployment {
    pub(super) async fn new() -> Self {
        Self::of(&[]).await
    }

    /// Ends what waits longer for a worker than so many seconds.
    pub(super) async fn queue_deadline(&mut self, seconds: &str) {
        *self = Self::of(&["--queue-deadline", seconds]).await;
    }

    async fn of(flags: &[&str]) -> Self {
        let arguments = ["coderun"].iter().chain(flags).map(Into::into);
        let nothing = std::collections::HashMap::<&str, &str>::new();
        let settings = settings::read(arguments, &nothing).unwrap().settings;
        let base = compose::base_ports(&settings).await.unwrap();
        Self { settings, base }
    }

    pub(super) async fn until_a_worker_is_there(&self) {
        let registry = &self.base.storage.registry;
        until(async || !registry.offers().await.unwrap().is_empty()).await;
    }

    pub(super) fn api(&self) -> Process {
        let (ports, settings) = (self.api_ports(), self.settings_of(Role::Api));
        Process::start(async move |listener, shutdown| {
            api::run(listener, &ports, &settings, &shutdown).await
        })
    }

    pub(super) fn worker(&self) -> Process {
        let (ports, settings) = (self.worker_ports(), self.settings_of(Role::Worker));
        Process::start(async move |listener, shutdown| {
            worker::run(listener, &ports, &settings, &shutdown).await
        })
    }

    pub(super) fn all(&self) -> Process {
        let (worker, settings) = (self.worker_ports(), self.settings_of(Role::All));
        let api = self.api_ports();
        Process::start(async move |listener, shutdown| {
            all::run(listener, &api, &worker, &settings, &shutdown).await
        })
    }

    fn settings_of(&self, role: Role) -> Settings {
        Settings {
            role,
            ..self.settings.clone()
        }
    }

    fn api_ports(&self) -> ApiPorts {
        ApiPorts {
            base: self.base.clone(),
            verifier: Arc::new(everybody_is_alice()),
        }
    }

    fn worker_ports(&self) -> WorkerPorts {
        WorkerPorts {
            base: self.base.clone(),
            runner: Arc::new(InstantRunner),
        }
    }
}

fn everybody_is_alice() -> impl TokenVerifier {
    let mut verifier = MockTokenVerifier::new();
    verifier.expect_check().returning(|| Ok(()));
    verifier.expect_verify().returning(|_| {
        Ok(Principal {
            user: user("alice"),
            expires_at: OffsetDateTime::UNIX_EPOCH + Duration::from_hours(24 * 365 * 100),
            email: None,
            name: None,
            email_verified: None,
        })
    });
    verifier
}

/// A runner that needs no time.
#[derive(Debug)]
struct InstantRunner;

#[async_trait]
impl CodeRunner for InstantRunner {
    fn profile(&self) -> RunnerProfile {
        RunnerProfile {
            name: "instant".to_owned(),
            enforcement: Enforcement::default(),
            interactive: false,
        }
    }

    fn languages(&self) -> Vec<LanguageSpec> {
        catalog().specs().to_vec()
    }

    fn maximum_limits(&self) -> Option<Limits> {
        None
    }

    async fn check(&self) -> Result<(), RunnerError> {
        Ok(())
    }

    async fn run<'io>(
        &self,
        _request: RunRequest,
        _io: &mut (dyn RunIo + 'io),
    ) -> Result<Report, RunnerError> {
        Ok(report(Verdict::Accepted))
    }
}

/// The socket of a watcher.
type Watcher = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A role that runs.
pub(super) struct Process {
    address: SocketAddr,
    shutdown: Shutdown,
    client: Client,
    role: JoinHandle<anyhow::Result<()>>,
}

impl Process {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test owns its tasks by their handles"
    )]
    fn start<Running>(role: impl FnOnce(TcpListener, Shutdown) -> Running) -> Self
    where
        Running: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = Shutdown::default();
        let client = Client::builder().no_proxy().timeout(PATIENCE);
        Self {
            address,
            role: tokio::spawn(role(listener, shutdown.clone())),
            shutdown,
            client: client.build().unwrap(),
        }
    }

    pub(super) async fn get(&self, path: &str) -> Response {
        let url = format!("http://{}{path}", self.address);
        let request = self.client.get(url).bearer_auth("alice");
        request.send().await.unwrap()
    }

    pub(super) async fn until_ready(&self) {
        until(async || self.get("/health/ready").await.status() == 200).await;
    }

    pub(super) async fn try_submit(&self) -> Response {
        let url = format!("http://{}/api/v1/executions/execute", self.address);
        let submission = json!({"code": "print('hello')", "language": "python"});
        let request = self.client.post(url).bearer_auth("alice").json(&submission);
        request.send().await.unwrap()
    }

    /// Submits and answers the id.
    pub(super) async fn submit(&self) -> String {
        let answer: Value = self.try_submit().await.json().await.unwrap();
        let id = answer["execution_id"].as_str();
        id.unwrap_or_else(|| panic!("no id in {answer}")).to_owned()
    }

    pub(super) async fn status(&self, id: &str) -> String {
        let answer = self.get(&format!("/api/v1/executions/status/{id}")).await;
        let record: Value = answer.json().await.unwrap();
        record["status"].as_str().unwrap().to_owned()
    }

    /// Watches, once the first state has come.
    pub(super) async fn watch(&self, id: &str) -> Watcher {
        let address = self.address;
        let url = format!("ws://{address}/api/v1/executions/ws/{id}?token=alice");
        let (mut watcher, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        watcher.next().await.unwrap().unwrap();
        watcher
    }

    /// Drains it and waits until it has ended.
    pub(super) async fn stop(self) {
        self.shutdown.drain.cancel();
        tokio::time::timeout(PATIENCE, self.role)
            .await
            .expect("it ends")
            .expect("it does not panic")
            .expect("it ends well");
    }
}
