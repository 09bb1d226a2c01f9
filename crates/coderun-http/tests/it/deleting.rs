//! Checks `DELETE` of one execution and of all.

use coderun_domain::testing::{execution_id, finished};

use crate::support::Server;

const ALL: &str = "/api/v1/executions";

#[tokio::test]
async fn a_deleted_execution_is_not_found() {
    let (server, id) = Server::finished();
    let path = format!("{ALL}/{id}");
    let answer = server.delete(&path).await;
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    server.status(id).await.problem(404);
    server.delete(&path).await.problem(404);
}

#[tokio::test]
async fn a_pending_execution_is_cancelled_first() {
    let (server, id) = Server::pending();
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
    let (server, id) = Server::running();
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
    server.delete(ALL).anonymous().await.problem(401);
    let answer = server.delete(ALL).await;
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    assert!(!own.iter().any(|id| server.backend.contains(*id)));
    assert!(server.backend.contains(other));
}
