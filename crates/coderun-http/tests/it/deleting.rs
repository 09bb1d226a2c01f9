//! `DELETE` of one execution and of all.

use coderun_domain::testing::{execution_id, finished};
use reqwest::Method;

use crate::support::{Answer, Server, until};

#[tokio::test]
async fn a_deleted_execution_is_gone() {
    let server = Server::start();
    let id = server.backend.finished();
    let path = format!("/api/v1/executions/{id}");
    let answer = server.ask(Method::DELETE, &path).await;
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    let status = format!("/api/v1/executions/status/{id}");
    server.get(&status).await.problem(404);
    server.ask(Method::DELETE, &path).await.problem(404);
}

#[tokio::test]
async fn a_live_one_is_cancelled_first() {
    let server = Server::start();
    let id = server.backend.pending();
    let mut socket = server.watch(id).await;
    socket.next().await;
    let path = format!("/api/v1/executions/{id}");
    assert_eq!(server.ask(Method::DELETE, &path).await.status, 204);
    assert!(!server.backend.knows(id));
    let last = socket.text_or_code().await;
    // Whether the watcher still sees the end depends on who is faster.
    match last {
        Ok(update) => assert_eq!(update["data"]["verdict"], "cancelled"),
        Err(code) => assert_eq!(code, 4004),
    }
}

#[tokio::test]
async fn a_running_one_is_deleted_once_it_has_stopped() {
    let server = Server::start();
    let id = server.backend.running();
    let path = format!("/api/v1/executions/{id}");
    let stopping = async {
        until(|| server.backend.watchers() == 1).await;
        assert!(server.backend.knows(id), "it still runs");
        server.backend.finish(id, finished());
    };
    let (answer, ()) = tokio::join!(server.ask(Method::DELETE, &path), stopping);
    assert_eq!(answer.status, 204);
    assert!(!server.backend.knows(id));
}

#[tokio::test]
async fn all_of_a_user_go_and_those_of_others_stay() {
    let server = Server::start();
    for number in 1..=3 {
        server.backend.add(execution_id(number), "alice", 0);
    }
    let others = server.backend.add(execution_id(9), "bob", 0);
    let answer = server.ask(Method::DELETE, "/api/v1/executions").await;
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    for number in 1..=3 {
        assert!(!server.backend.knows(execution_id(number)));
    }
    assert!(server.backend.knows(others));
}

#[tokio::test]
async fn nobody_deletes_what_is_not_theirs_or_not_there() {
    let server = Server::start();
    let others = server.backend.add(execution_id(9), "bob", 0);
    let path = format!("/api/v1/executions/{others}");
    server.ask(Method::DELETE, &path).await.problem(403);
    assert!(server.backend.knows(others));
    let absent = "/api/v1/executions/1";
    server.ask(Method::DELETE, absent).await.problem(404);
    for path in [path.as_str(), "/api/v1/executions"] {
        let anonymous = server.client.delete(server.url(path));
        Answer::to(anonymous).await.problem(401);
    }
}

#[tokio::test]
async fn a_store_that_is_down_is_503() {
    let server = Server::start();
    let id = server.backend.finished();
    server.backend.break_down(true);
    let path = format!("/api/v1/executions/{id}");
    for path in [path.as_str(), "/api/v1/executions"] {
        server.ask(Method::DELETE, path).await.problem(503);
    }
}
