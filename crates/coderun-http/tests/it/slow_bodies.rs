//! Checks that bodies which arrive slowly share a bounded budget, and that a spent rate is refused before the body.

use std::sync::Arc;
use std::time::Duration;

use coderun_domain::{ByteSize, MockExecutionStore, Quota, StoreError};
use futures_util::future::select_all;

use crate::support::Server;
use crate::support::raw::{RawConnection, submission_head};
use crate::support::request::valid;

const BODY: &str = r#"{"code": "x", "language": "python"}"#;

/// A connection that has sent the head and the first byte of a body.
async fn begin(server: &Server, user: &str) -> RawConnection {
    begin_long(server, user, BODY.len()).await
}

/// The same for a body of this length.
async fn begin_long(server: &Server, user: &str, length: usize) -> RawConnection {
    let head = submission_head(&format!("Content-Length: {length}"));
    let head = head.replace("alice", user);
    server.send_raw(head + &BODY[..1]).await
}

async fn complete(mut connection: RawConnection) {
    connection.send(&BODY[1..]).await;
    connection.read_until("to track progress").await;
}

#[tokio::test]
async fn a_slow_body_takes_from_the_share_of_its_user_alone() {
    let server = Server::with(|config| {
        config.workers = 1;
        config.bodies_max = ByteSize::from_kib(256);
        config.sockets.send = Duration::from_millis(50);
    });
    let first = begin(&server, "alice").await;
    let refused = begin(&server, "alice").await.read_until("}").await;
    assert!(refused.starts_with("HTTP/1.1 429"), "{refused}");
    for quota in [
        "ratelimit: \"memory\";r=0\r\n",
        "ratelimit-policy: \"submits\";q=120;w=60, \"pending\";q=100, \"memory\";q=65536;qu=\"content-bytes\"\r\n",
    ] {
        assert!(refused.contains(quota), "{refused}");
    }
    let whole = server.submit(&valid()).await;
    assert_eq!(whole.status, 200, "what has arrived needs no budget");
    complete(begin(&server, "bob").await).await;
    complete(first).await;
    complete(begin(&server, "alice").await).await;
}

#[tokio::test]
async fn four_users_with_as_many_slow_bodies_as_they_may_have_leave_room_for_another() {
    let server = Server::with(|config| {
        config.workers = 1;
        config.bodies_max = ByteSize::from_mib(8);
        config.sockets.send = Duration::from_millis(200);
    });
    let mut held = Vec::new();
    for user in ["a", "b", "c", "d"] {
        let mut slow = Vec::new();
        for _ in 0..5 {
            slow.push(begin_long(&server, user, 512 << 10).await);
        }
        let answers = slow
            .iter_mut()
            .map(|it| Box::pin(it.read_until("HTTP/1.1 ")));
        select_all(answers).await;
        held.push(slow);
    }
    let code = "x".repeat(200 << 10);
    let body = format!(r#"{{"language": "python", "code": "{code}"}}"#);
    let mut newcomer = begin_long(&server, "e", body.len()).await;
    newcomer.send(&body[1..]).await;
    newcomer.read_until("to track progress").await;
}

#[tokio::test]
async fn a_user_whose_rate_is_spent_is_refused_before_the_body() {
    let mut store = MockExecutionStore::new();
    store.expect_submit().times(1).returning(|_, _| {
        Err(StoreError::QuotaExceeded {
            quota: Quota::SubmitsPerMinute,
            limit: 120,
            retry_after: Duration::from_secs(30),
        })
    });
    let server = Server::with_store(Arc::new(store));
    server.submit(&valid()).await.problem(429);
    let mut without_body = server
        .send_raw(submission_head("Content-Length: 100"))
        .await;
    let answer = without_body.read_until("\"detail\"").await;
    assert!(answer.starts_with("HTTP/1.1 429"), "{answer}");
    assert!(answer.contains("\"submits\";q=120;w=60"), "{answer}");
}
