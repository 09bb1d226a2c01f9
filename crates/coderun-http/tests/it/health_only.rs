//! The server of a process that has no API.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use coderun_domain::testing::ManualClock;
use coderun_domain::{ExecutionStore, Health, MockExecutionStore};
use coderun_http::{HttpConfig, serve_health};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::support::{Answer, client, in_time, readiness};

struct HealthServer {
    address: SocketAddr,
    draining: CancellationToken,
    leaving: CancellationToken,
    tasks: TaskTracker,
}

impl HealthServer {
    fn start() -> Self {
        let mut store = MockExecutionStore::new();
        store.expect_check().returning(|| Ok(Health::Good));
        let store: Arc<dyn ExecutionStore> = Arc::new(store);
        let (draining, leaving) = (CancellationToken::new(), CancellationToken::new());
        let readiness = Arc::new(readiness(&store, &leaving));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let config = HttpConfig {
            workers: 1,
            ..HttpConfig::default()
        };
        let clock = Arc::new(ManualClock::default());
        let running = serve_health(listener, config, readiness, clock, draining.clone()).unwrap();
        let tasks = TaskTracker::new();
        tasks.spawn(running);
        Self {
            address,
            draining,
            leaving,
            tasks,
        }
    }

    async fn get(&self, path: &str) -> Answer {
        Answer::to(client().get(format!("http://{}{path}", self.address))).await
    }
}

#[tokio::test]
async fn it_says_how_it_is() {
    let server = HealthServer::start();
    for path in ["/health", "/health/"] {
        assert_eq!(server.get(path).await.json()["status"], "healthy");
    }
    let ready = server.get("/health/ready").await;
    assert_eq!(ready.status, 200);
    assert_eq!(ready.json()["checks"]["store"]["status"], "ok");
}

#[tokio::test]
async fn it_has_no_api() {
    let server = HealthServer::start();
    for path in ["/", "/api/v1/languages", "/api/v1/executions"] {
        server.get(path).await.problem(404);
    }
}

#[tokio::test]
async fn it_is_not_ready_while_its_process_leaves_and_ends_when_told() {
    let server = HealthServer::start();
    server.leaving.cancel();
    assert_eq!(server.get("/health/ready").await.status, 503);
    server.draining.cancel();
    server.tasks.close();
    in_time(server.tasks.wait()).await;
}
