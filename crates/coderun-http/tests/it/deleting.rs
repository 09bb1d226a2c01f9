//! Checks `DELETE` of one execution and of all.

use coderun_domain::testing::{execution_id, finished};

use crate::support::Server;

const ALL: &str = "/api/v1/executions";

#[tokio::test]
async fn a_deleted_execution_is_not_found() {
    let server = Server::start();
    let id = server.backend.finished();
    let path = format!("{ALL}/{id}");
    let answer = server.delete(&path).await;
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    server.status(id).await.problem(404);
    server.delete(&path).await.problem(404);
}

#[tokio::test]
async fn a_pending_execution_is_cancelled_first() {
    let server = Server::start();
    let id = server.backend.pending();
    let mut socket = server.watch(id).await;
    socket.next().await;
    assert_eq!(server.delete(&format!("{ALL}/{id}")).await.status, 204);
    assert!(!server.backend.contains(id));
    // The watcher may or may not see the cancellation before the deletion.
    match socket.text_or_code().await {
        Ok(update) => assert_eq!(update["data"]["verdict"], "cancelled"),
        Err(code) => assert_eq!(code, 4004),
    }
}

#[tokio::test]
async fn a_running_execution_is_deleted_once_it_has_stopped() {
    let server = Server::start();
    let id = server.backend.running();
    let stopping = async {
        server.backend.has_watchers(1).await;
        assert!(server.backend.contains(id), "it is still running");
        server.backend.finish(id, finished());
    };
    let deleting = async { server.delete(&format!("{ALL}/{id}")).await };
    let (answer, ()) = tokio::join!(deleting, stopping);
    assert_eq!(answer.status, 204);
    assert!(!server.backend.contains(id));
}

#[tokio::test]
async fn all_executions_of_a_user_are_deleted_and_no_others() {
    let server = Server::start();
    let own = [1, 2, 3].map(|number| server.backend.add(execution_id(number), "alice", 0));
    let other = server.backend.add(execution_id(9), "bob", 0);
    let answer = server.delete(ALL).await;
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    assert!(!own.iter().any(|id| server.backend.contains(*id)));
    assert!(server.backend.contains(other));
}

#[tokio::test]
async fn only_the_owner_can_delete_an_execution() {
    let server = Server::start();
    let other = server.backend.add(execution_id(9), "bob", 0);
    let path = format!("{ALL}/{other}");
    server.delete(&path).await.problem(403);
    assert!(server.backend.contains(other));
    server.delete("/api/v1/executions/1").await.problem(404);
    for path in [path.as_str(), ALL] {
        server.delete(path).anonymous().await.problem(401);
    }
}

#[tokio::test]
async fn an_unreachable_store_is_503() {
    let server = Server::start();
    let id = server.backend.finished();
    server.backend.break_down(true);
    for path in [&format!("{ALL}/{id}"), ALL] {
        server.delete(path).await.problem(503);
    }
}
