//! Checks the server of a process without an API.

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
    end: CancellationToken,
    not_ready: CancellationToken,
    tasks: TaskTracker,
}

impl HealthServer {
    fn start() -> Self {
        let mut store = MockExecutionStore::new();
        store.expect_check().returning(|| Ok(Health::Good));
        let store: Arc<dyn ExecutionStore> = Arc::new(store);
        let (end, not_ready) = (CancellationToken::new(), CancellationToken::new());
        let readiness = Arc::new(readiness(&store, &not_ready));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let config = HttpConfig {
            workers: 1,
            ..HttpConfig::default()
        };
        let clock = Arc::new(ManualClock::default());
        let running = serve_health(listener, config, readiness, clock, end.clone()).unwrap();
        let tasks = TaskTracker::new();
        tasks.spawn(running);
        Self {
            address,
            end,
            not_ready,
            tasks,
        }
    }

    async fn get(&self, path: &str) -> Answer {
        let request = client().get(format!("http://{}{path}", self.address));
        Answer::of(request.send().await.unwrap()).await
    }
}

#[tokio::test]
async fn the_health_routes_are_answered() {
    let server = HealthServer::start();
    for path in ["/health", "/health/"] {
        assert_eq!(server.get(path).await.json()["status"], "healthy");
    }
    let ready = server.get("/health/ready").await;
    assert_eq!(ready.status, 200);
    assert_eq!(ready.json()["checks"]["store"]["status"], "ok");
}

#[tokio::test]
async fn no_other_route_exists() {
    let server = HealthServer::start();
    for path in ["/", "/api/v1/languages", "/api/v1/executions"] {
        server.get(path).await.problem(404);
    }
}

#[tokio::test]
async fn a_draining_process_is_not_ready_and_its_server_ends_when_told() {
    let server = HealthServer::start();
    server.not_ready.cancel();
    assert_eq!(server.get("/health/ready").await.status, 503);
    server.end.cancel();
    server.tasks.close();
    in_time(server.tasks.wait()).await;
}
