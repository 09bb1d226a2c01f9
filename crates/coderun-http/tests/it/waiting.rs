//! `status` with `wait`: an answer once something has changed.

use coderun_domain::testing::{execution_id, finished};
use serde_json::{Value, json};

use crate::support::raw::RawConnection;
use crate::support::{Answer, Server, until};
use coderun_domain::ExecutionId;

fn path(id: ExecutionId, query: &str) -> String {
    format!("/api/v1/executions/status/{id}?{query}")
}

/// Asks, lets something happen once the answer is waited for, and gives the answer.
async fn ask_while(server: &Server, path: &str, happens: impl FnOnce()) -> Answer {
    let happening = async {
        until(|| server.backend.watchers() == 1).await;
        happens();
    };
    let (answer, ()) = tokio::join!(server.get(path), happening);
    answer
}

#[tokio::test]
async fn it_answers_when_the_state_changes() {
    let server = Server::start();
    let id = server.backend.pending();
    let answer = ask_while(&server, &path(id, "wait=60"), || server.backend.start(id)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["status"], "running");
}

#[tokio::test]
async fn output_is_no_change_of_state() {
    let server = Server::start();
    let id = server.backend.running();
    let waiting = path(id, "wait=60");
    let answer = ask_while(&server, &waiting, || {
        server.backend.write(id, "some output");
        server.backend.await_input(id);
        server.backend.finish(id, finished());
    });
    let record = answer.await.json();
    assert_eq!(
        (&record["seq"], &record["status"]),
        (&json!(5), &json!("completed"))
    );
}

#[tokio::test]
async fn what_is_final_is_answered_at_once() {
    let server = Server::start();
    let id = server.backend.finished();
    for query in ["wait=60", "wait=60&since=3", "wait=60&since=99"] {
        let answer = server.get(&path(id, query)).await;
        assert_eq!(answer.json()["status"], "completed", "{query}");
    }
}

#[tokio::test]
async fn a_change_after_since_is_answered_at_once() {
    let server = Server::start();
    let id = server.backend.running();
    let answer = server.get(&path(id, "wait=60&since=1")).await;
    assert_eq!(answer.json()["seq"], 2);
}

#[tokio::test]
async fn a_since_that_is_yet_to_come_is_answered_at_once() {
    let server = Server::start();
    let id = server.backend.running();
    let answer = server.get(&path(id, "wait=60&since=99")).await;
    assert_eq!(answer.json()["seq"], 2);
}

#[tokio::test]
async fn without_a_change_it_answers_what_there_is() {
    let server = Server::start();
    let id = server.backend.running();
    let answer = server.get(&path(id, "wait=1&since=2")).await;
    assert_eq!((answer.status, &answer.json()["seq"]), (200, &json!(2)));
}

#[tokio::test]
async fn without_wait_it_answers_at_once() {
    let server = Server::start();
    let id = server.backend.running();
    for query in ["wait=0", "since=2", "wait=0&since=2"] {
        let answer = server.get(&path(id, query)).await;
        assert_eq!(answer.json()["seq"], 2, "{query}");
    }
}

#[tokio::test]
async fn a_bad_wait_or_since_is_named() {
    let server = Server::start();
    let id = server.backend.running();
    for (query, name) in [
        ("wait=61", "wait"),
        ("wait=x", "wait"),
        ("wait=", "wait"),
        ("wait=1.5", "wait"),
        ("wait=-1", "wait"),
        ("wait=1&wait=1", "wait"),
        ("wait=1&since=x", "since"),
        ("since=-1", "since"),
        ("since=+1", "since"),
        ("since=1&since=1", "since"),
    ] {
        let problem = server.get(&path(id, query)).await.problem(422);
        assert_eq!(problem["errors"][0]["parameter"], name, "{query}");
    }
}

#[tokio::test]
async fn when_the_server_goes_away_what_was_waited_for_is_answered_once() {
    let server = Server::start();
    let id = server.backend.running();
    let answer = ask_while(&server, &path(id, "wait=60"), || server.going_away.cancel()).await;
    assert_eq!(answer.json()["status"], "running");
    // Answered at once it would be asked for again and again.
    let again = ask_while(&server, &path(id, "wait=60"), || server.draining.cancel()).await;
    assert_eq!(again.json()["status"], "running");
}

#[tokio::test]
async fn who_leaves_while_they_wait_gives_their_place_back() {
    let server = Server::start();
    let id = server.backend.running();
    let mut leaving = RawConnection::open(server.address).await;
    let waiting = path(id, "wait=60");
    let head =
        format!("GET {waiting} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer alice\r\n\r\n");
    leaving.send(head).await;
    until(|| server.backend.watchers() == 1).await;
    drop(leaving);
    until(|| server.backend.watchers() == 0).await;
}

#[tokio::test]
async fn when_the_server_ends_what_was_waited_for_is_answered() {
    let server = Server::start();
    let id = server.backend.running();
    let answer = ask_while(&server, &path(id, "wait=60"), || server.draining.cancel()).await;
    assert_eq!(answer.json()["status"], "running");
    server.stop().await;
}

#[tokio::test]
async fn another_users_execution_is_denied_and_an_unknown_one_not_found() {
    let server = Server::start();
    let other = server.backend.add(execution_id(5), "bob", 0);
    server.get(&path(other, "wait=60")).await.problem(403);
    server
        .get(&path(execution_id(9), "wait=60"))
        .await
        .problem(404);
}

#[tokio::test]
async fn an_execution_that_goes_while_it_is_waited_for_is_not_found() {
    let server = Server::start();
    let id = server.backend.running();
    let answer = ask_while(&server, &path(id, "wait=60"), || server.backend.forget(id)).await;
    answer.problem(404);
}

#[tokio::test]
async fn waiting_counts_among_the_sockets_of_the_user() {
    let server = Server::with(|config| config.sockets.per_user_max = 1);
    let id = server.backend.running();
    let other = server.backend.add(execution_id(7), "bob", 0);
    let mut socket = server.watch(id).await;
    socket.next().await;
    let answer = server.get(&path(id, "wait=60")).await;
    answer.problem(429);
    assert_ne!(answer.header("retry-after"), "");
    assert_eq!(
        server.get(&path(id, "")).await.status,
        200,
        "without waiting"
    );
    let request = server.client.get(server.url(&path(other, "wait=1")));
    let others = Answer::to(request.bearer_auth("bob")).await;
    assert_eq!(others.status, 200);
    drop(socket);
    until(|| server.backend.watchers() == 0).await;
    let again = server.get(&path(id, "wait=60&since=1")).await;
    assert_eq!(again.status, 200);
}

#[tokio::test]
async fn waiting_counts_among_all_sockets() {
    let server = Server::with(|config| config.sockets.total_max = 1);
    let id = server.backend.running();
    let mut socket = server.watch(id).await;
    socket.next().await;
    let answer = server.get(&path(id, "wait=60")).await;
    let problem = answer.problem(503);
    assert_eq!(
        problem["detail"],
        "Too many sockets are open, try again later"
    );
    assert_ne!(answer.header("retry-after"), "");
}

#[tokio::test]
async fn a_socket_is_refused_while_answers_that_wait_take_all_places() {
    let server = Server::with(|config| config.sockets.per_user_max = 1);
    let id = server.backend.running();
    let answering = async {
        until(|| server.backend.watchers() == 1).await;
        assert_eq!(server.watch(id).await.close_code().await, 1013);
        server.backend.finish(id, finished());
    };
    let waiting = path(id, "wait=60");
    let (answer, ()) = tokio::join!(server.get(&waiting), answering);
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_record_shows_its_place_while_it_waits() {
    let server = Server::start();
    let id = server.backend.pending();
    server.backend.set_place(4);
    let record = server.get(&path(id, "")).await;
    assert_eq!(record.json()["queue_position"], 4);
    let places = ["hint", "queue_position", "attempts"].map(|key| record.text.find(key));
    assert!(places.is_sorted(), "{}", record.text);
    server.backend.start(id);
    let asked = server.backend.places_asked();
    let record = server.get(&path(id, "")).await.json();
    assert_eq!(record["queue_position"], Value::Null);
    assert_eq!(server.backend.places_asked(), asked, "nobody need ask");
}
