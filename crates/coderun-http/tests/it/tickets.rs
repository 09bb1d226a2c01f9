//! One-time tickets in place of a token.

use coderun_domain::testing::execution_id;
use reqwest::Method;

use crate::support::event_source::EventSource;
use crate::support::{Answer, Server};
use coderun_domain::ExecutionId;

async fn ask(server: &Server, id: ExecutionId) -> Answer {
    let path = format!("/api/v1/executions/ticket/{id}");
    server.ask(Method::POST, &path).await
}

async fn ticket(server: &Server, id: ExecutionId) -> String {
    let answer = ask(server, id).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()["ticket"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_ticket_is_answered_to_the_letter() {
    let server = Server::start();
    let id = server.backend.running();
    let answer = ask(&server, id).await;
    let ticket = answer.json()["ticket"].as_str().unwrap().to_owned();
    assert_eq!(ticket.len(), 43);
    let expected = format!("{{\"ticket\":\"{ticket}\",\"expires_in\":30}}");
    assert_eq!((answer.status, answer.text), (201, expected));
}

#[tokio::test]
async fn it_opens_one_socket_and_no_more() {
    let server = Server::start();
    let id = server.backend.running();
    let query = format!("{id}?ticket={}", ticket(&server, id).await);
    let mut socket = server.connect(&query, &[]).await;
    assert_eq!(socket.next().await["seq"], 2);
    let mut second = server.connect(&query, &[]).await;
    let frame = second.close_frame().await;
    assert_eq!(u16::from(frame.code), 4001);
    assert_eq!(
        frame.reason.as_str(),
        "This ticket is invalid, already used or expired"
    );
}

#[tokio::test]
async fn it_opens_one_stream_of_events_and_no_more() {
    let server = Server::start();
    let id = server.backend.running();
    let query = format!("?ticket={}", ticket(&server, id).await);
    let mut events = EventSource::open(server.events_of_anybody(id, &query)).await;
    assert_eq!(events.next().await.kind(), ("execution_update", "2"));
    let answer = Server::refused(server.events_of_anybody(id, &query), 401).await;
    assert_eq!(answer.json()["reason"], "ticket");
}

#[tokio::test]
async fn it_is_good_for_its_execution_only() {
    let server = Server::start();
    let id = server.backend.running();
    let other = server.backend.add(execution_id(7), "alice", 0);
    let query = format!("{other}?ticket={}", ticket(&server, id).await);
    let mut socket = server.connect(&query, &[]).await;
    assert_eq!(socket.close_code().await, 4001);
}

#[tokio::test]
async fn one_that_is_unknown_or_too_old_is_4001() {
    let server = Server::start();
    let id = server.backend.running();
    let old = ticket(&server, id).await;
    server.tickets.expire();
    for text in [old.as_str(), &"A".repeat(43), "short"] {
        let mut socket = server.connect(&format!("{id}?ticket={text}"), &[]).await;
        assert_eq!(socket.close_code().await, 4001, "{text}");
    }
    let mut socket = server.connect(&format!("1?ticket={old}"), &[]).await;
    assert_eq!(socket.close_code().await, 4001, "for what is no id");
}

#[tokio::test]
async fn beside_anything_else_that_says_who_asks_it_is_4001_and_stays_good() {
    let server = Server::start();
    let id = server.backend.running();
    let ticket = ticket(&server, id).await;
    let header = [("authorization", "Bearer alice")];
    let protocol = [("sec-websocket-protocol", "execution.v1, bearer.alice")];
    let query = format!("{id}?ticket={ticket}");
    let ambiguous = [
        server.connect(&query, &header).await,
        server.connect(&query, &protocol).await,
        server.connect(&format!("{query}&token=alice"), &[]).await,
        server
            .connect(&format!("{query}&ticket={ticket}"), &[])
            .await,
    ];
    for mut socket in ambiguous {
        let frame = socket.close_frame().await;
        assert_eq!(
            frame.reason.as_str(),
            "Send exactly one token or ticket, in one place"
        );
    }
    let mut socket = server.connect(&query, &[]).await;
    assert_eq!(socket.next().await["seq"], 2);
}

#[tokio::test]
async fn what_it_opened_ends_with_the_token_behind_it() {
    let server = Server::with(|config| {
        config.sockets.expiry_grace = std::time::Duration::from_secs(1);
    });
    let id = server.backend.running();
    let path = format!("/api/v1/executions/ticket/{id}");
    let request = server.client.post(server.url(&path)).bearer_auth("alice@0");
    let ticket = Answer::to(request).await.json()["ticket"].take();
    let query = format!("{id}?ticket={}", ticket.as_str().unwrap());
    let mut socket = server.connect(&query, &[]).await;
    assert_eq!(socket.next().await["seq"], 2);
    let frame = socket.close_frame().await;
    assert_eq!(u16::from(frame.code), 4001);
}

#[tokio::test]
async fn nobody_gets_one_for_what_is_not_theirs_or_not_there() {
    let server = Server::start();
    let other = server.backend.add(execution_id(5), "bob", 0);
    ask(&server, other).await.problem(403);
    ask(&server, execution_id(9)).await.problem(404);
    let path = "/api/v1/executions/ticket/1";
    server.ask(Method::POST, path).await.problem(404);
    let answer = server.ask(Method::GET, path).await;
    answer.problem(405);
    assert_eq!(answer.header("allow"), "POST");
    let request = server.client.post(server.url(path));
    Answer::to(request).await.problem(401);
}

#[tokio::test]
async fn too_many_that_are_unused_are_429() {
    let server = Server::start();
    let id = server.backend.running();
    server.tickets.fill();
    let answer = ask(&server, id).await;
    answer.problem(429);
    assert_eq!(answer.header("retry-after"), "7");
}

#[tokio::test]
async fn tickets_that_cannot_be_kept_or_redeemed_are_no_fault_of_the_user() {
    let server = Server::start();
    let id = server.backend.running();
    let query = format!("{id}?ticket={}", ticket(&server, id).await);
    server.tickets.break_down();
    let answer = ask(&server, id).await;
    assert!(!answer.problem(503).to_string().contains("refused"));
    let mut socket = server.connect(&query, &[]).await;
    assert_eq!(socket.close_code().await, 1013);
    let request = server.events_of_anybody(id, &format!("?ticket={}", "A".repeat(43)));
    Server::refused(request, 503).await;
}
