//! Runs roles as tasks of a test, each on a free port, with one storage in memory.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use coderun_app::Shutdown;
use coderun_domain::testing::{InstantRunner, user};
use coderun_domain::{CodeRunner, MockTokenVerifier, Principal, TokenVerifier};
use futures_util::StreamExt as _;
use reqwest::{Client, Response};
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::super::run;
use super::empty_queue::EmptyQueue;
use crate::compose::Ports;
use crate::settings::testing::settings_with;
use crate::settings::{Role, Settings};

/// Far more than anything here takes.
const DEADLINE: Duration = Duration::from_secs(20);

/// Waits until the condition holds.
pub(super) async fn until(mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(DEADLINE, waiting)
        .await
        .expect("the condition holds in time");
}

/// Several processes with one storage.
pub(super) struct Deployment {
    settings: Settings,
    /// Every process works with this storage.
    ports: Ports,
}

impl Deployment {
    pub(super) async fn new() -> Self {
        Self::with(&[]).await
    }

    pub(super) async fn with(variables: &[(&'static str, &'static str)]) -> Self {
        let settings = settings_with(variables);
        let ports = Ports::shared(&settings).await.unwrap();
        Self { settings, ports }
    }

    /// Lets no worker take anything from the queue.
    pub(super) fn with_empty_queue(&mut self) -> Arc<EmptyQueue> {
        let queue = &mut self.ports.storage.queue;
        let empty = Arc::new(EmptyQueue::over(Arc::clone(queue)));
        *queue = Arc::<EmptyQueue>::clone(&empty);
        empty
    }

    /// A worker, and an API that knows it.
    pub(super) async fn worker_and_api(&self) -> (Running, Running) {
        let worker = self.worker();
        let registry = &self.ports.storage.registry;
        until(async || !registry.offers().await.unwrap().is_empty()).await;
        (worker, self.api())
    }

    pub(super) fn api(&self) -> Running {
        self.start(Role::Api)
    }

    pub(super) fn worker(&self) -> Running {
        self.start(Role::Worker)
    }

    pub(super) fn all(&self) -> Running {
        self.start(Role::All)
    }

    /// Starts a process of this role, with a verifier and a runner for tests.
    #[expect(
        clippy::disallowed_methods,
        reason = "a test owns its tasks by their handles"
    )]
    fn start(&self, role: Role) -> Running {
        let settings = Settings {
            role,
            ..self.settings.clone()
        };
        let verifier: Arc<dyn TokenVerifier> = Arc::new(accept_as_alice());
        let runner: Arc<dyn CodeRunner> = Arc::new(InstantRunner);
        let ports = Ports {
            verifier: role.serves_api().then_some(verifier),
            runner: role.runs_code().then_some(runner),
            ..self.ports.clone()
        };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = Shutdown::default();
        let client = Client::builder().no_proxy().timeout(DEADLINE);
        let stop = shutdown.clone();
        let run = async move { run(listener, None, &ports, &settings, &stop).await };
        Running {
            address,
            shutdown,
            client: client.build().unwrap(),
            run: tokio::spawn(run),
        }
    }
}

fn accept_as_alice() -> impl TokenVerifier {
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

/// The socket of a watcher.
type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A running process.
pub(super) struct Running {
    address: SocketAddr,
    shutdown: Shutdown,
    client: Client,
    run: JoinHandle<anyhow::Result<()>>,
}

impl Running {
    pub(super) async fn get(&self, path: &str) -> Response {
        let url = format!("http://{}{path}", self.address);
        let request = self.client.get(url).bearer_auth("alice");
        request.send().await.unwrap()
    }

    pub(super) async fn read(&self, path: &str) -> Value {
        self.get(path).await.json().await.unwrap()
    }

    pub(super) async fn try_submit(&self) -> Response {
        let url = format!("http://{}/api/v1/executions/execute", self.address);
        let submission = json!({"code": "print('hello')", "language": "python"});
        let request = self.client.post(url).bearer_auth("alice").json(&submission);
        request.send().await.unwrap()
    }

    /// Submits and returns the id.
    pub(super) async fn submit(&self) -> String {
        let answer: Value = self.try_submit().await.json().await.unwrap();
        let id = answer["execution_id"].as_str();
        id.unwrap_or_else(|| panic!("no id in {answer}")).to_owned()
    }

    pub(super) async fn status(&self, id: &str) -> String {
        let record = self.read(&format!("/api/v1/executions/status/{id}")).await;
        record["status"].as_str().unwrap().to_owned()
    }

    /// Opens a socket and reads the first state.
    pub(super) async fn watch(&self, id: &str) -> Socket {
        let address = self.address;
        let url = format!("ws://{address}/api/v1/executions/ws/{id}?token=alice");
        let (mut watcher, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        watcher.next().await.unwrap().unwrap();
        watcher
    }

    /// Drains the process and waits until it has ended.
    pub(super) async fn stop(self) {
        self.shutdown.drain.cancel();
        tokio::time::timeout(DEADLINE, self.run)
            .await
            .expect("it ends in time")
            .expect("it does not panic")
            .expect("it ends without an error");
    }
}
