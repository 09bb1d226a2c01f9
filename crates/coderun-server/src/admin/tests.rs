use coderun_domain::{Health, MockExecutionQueue, MockExecutionStore, QueueDepth};
use reqwest::{Client, Method, StatusCode};

use super::*;
use crate::metrics::testing::probes;

/// Far more than anything here takes.
const DEADLINE: Duration = Duration::from_secs(20);

fn free_listener() -> StdTcpListener {
    StdTcpListener::bind("127.0.0.1:0").unwrap()
}

/// A server and its URL.
fn start() -> (DropGuard, String) {
    let listener = free_listener();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let metrics = Metrics::empty().unwrap();
    let admin = AdminListener { listener, metrics };
    (admin.serve(healthy_probes()).unwrap(), url)
}

fn healthy_probes() -> Probes {
    let (mut queue, mut store) = (MockExecutionQueue::new(), MockExecutionStore::new());
    queue.expect_depth().returning(|| Ok(QueueDepth::default()));
    queue.expect_check().returning(|| Ok(Health::Good));
    store.expect_check().returning(|| Ok(Health::Good));
    probes(queue, store, CancellationToken::new())
}

async fn ask(method: Method, url: String) -> reqwest::Result<(StatusCode, String, String)> {
    let client = Client::builder().no_proxy().timeout(DEADLINE).build()?;
    let answer = client.request(method, url).send().await?;
    let content_type = answer.headers().get("content-type").unwrap();
    let content_type = content_type.to_str().unwrap().to_owned();
    Ok((answer.status(), content_type, answer.text().await?))
}

#[tokio::test]
async fn metrics_are_served_as_prometheus_reads_them() {
    let (_admin, url) = start();
    let (status, content_type, text) = ask(Method::GET, format!("{url}/metrics")).await.unwrap();
    assert_eq!(status, StatusCode::OK);
    assert_eq!(content_type, "text/plain; version=0.0.4; charset=utf-8");
    assert!(text.contains("\nprocess_open_fds "), "{text}");
}

#[tokio::test]
async fn a_liveness_check_is_served_and_nothing_else() {
    let (_admin, url) = start();
    let (status, _, text) = ask(Method::GET, format!("{url}/health/")).await.unwrap();
    assert_eq!(
        (status, text.as_str()),
        (StatusCode::OK, r#"{"status":"healthy"}"#)
    );
    for path in ["/", "/metrics/", "/health/ready", "/api/v1/languages"] {
        let (status, ..) = ask(Method::GET, format!("{url}{path}")).await.unwrap();
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn only_get_and_head_are_allowed() {
    let (_admin, url) = start();
    for method in [Method::POST, Method::PUT, Method::DELETE] {
        let (status, ..) = ask(method, format!("{url}/metrics")).await.unwrap();
        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    }
    let (status, _, text) = ask(Method::HEAD, format!("{url}/metrics")).await.unwrap();
    assert_eq!((status, text.as_str()), (StatusCode::OK, ""));
}

#[tokio::test]
async fn the_server_ends_when_it_is_dropped() {
    let (admin, url) = start();
    ask(Method::GET, format!("{url}/health/")).await.unwrap();
    drop(admin);
    let gone = async {
        while ask(Method::GET, format!("{url}/health/")).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, gone).await.expect("it ends");
}

#[test]
fn a_configured_address_in_use_is_an_error() {
    let in_use = free_listener();
    let address = in_use.local_addr().unwrap();
    let result = listen(Some(AdminAddress::At(address)), DEFAULT_ADDRESS);
    let error = result.unwrap_err().to_string();
    assert_eq!(error, format!("cannot listen on {address} (ADMIN_ADDR)"));
}

#[test]
fn the_default_address_is_used_only_if_it_is_free() {
    let in_use = free_listener();
    let address = in_use.local_addr().unwrap();
    assert!(listen(None, address).unwrap().is_none());
    drop(in_use);
    let listener = listen(None, "127.0.0.1:0".parse().unwrap()).unwrap();
    assert!(listener.is_some());
}

#[test]
fn off_listens_nowhere() {
    let default = "127.0.0.1:0".parse().unwrap();
    assert!(listen(Some(AdminAddress::Off), default).unwrap().is_none());
}
