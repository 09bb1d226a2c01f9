//! Checks one-time tickets in place of a token.

use std::time::Duration;

use coderun_domain::ExecutionId;
use coderun_domain::testing::execution_id;
use rstest::rstest;

use crate::support::Server;
use crate::support::event_source::EventSource;
use crate::support::request::Request;

fn issue(server: &Server, id: ExecutionId) -> Request {
    server.post(&format!("/api/v1/executions/ticket/{id}"))
}

async fn ticket(request: Request) -> String {
    let answer = request.await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()["ticket"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_answer_has_the_ticket_and_its_lifetime() {
    let server = Server::start();
    let answer = issue(&server, server.backend.running()).await;
    let ticket = answer.json()["ticket"].as_str().unwrap().to_owned();
    assert_eq!(ticket.len(), 43);
    let expected = format!("{{\"ticket\":\"{ticket}\",\"expires_in\":30}}");
    assert_eq!((answer.status, answer.text), (201, expected));
}

#[tokio::test]
async fn a_ticket_opens_one_socket() {
    let (server, id) = Server::running();
    let query = format!("{id}?ticket={}", ticket(issue(&server, id)).await);
    let mut socket = server.connect(&query, &[]).await;
    assert_eq!(socket.next().await["seq"], 2);
    let mut second = server.connect(&query, &[]).await;
    let reason = "This ticket is invalid, already used or expired";
    second.expect_close(4001, reason).await;
}

#[tokio::test]
async fn a_ticket_opens_one_event_stream() {
    let (server, id) = Server::running();
    let query = format!("?ticket={}", ticket(issue(&server, id)).await);
    let mut events = EventSource::open(server.events(id, &query).anonymous()).await;
    assert_eq!(events.next().await.kind(), ("execution_update", "2"));
    let answer = server.events(id, &query).anonymous().await;
    assert_eq!(answer.problem(401)["reason"], "ticket");
}

#[tokio::test]
async fn an_unknown_or_expired_ticket_or_one_of_another_execution_is_4001() {
    let (server, id) = Server::running();
    let expired = ticket(issue(&server, id)).await;
    server.tickets.expire();
    let unknown = "A".repeat(43);
    let other = server.backend.add(execution_id(7), "alice", 0);
    let others = ticket(issue(&server, other)).await;
    for query in [
        format!("{id}?ticket={expired}"),
        format!("{id}?ticket={unknown}"),
        format!("{id}?ticket=short"),
        format!("{id}?ticket={others}"),
        format!("1?ticket={unknown}"),
    ] {
        let mut socket = server.connect(&query, &[]).await;
        assert_eq!(socket.close_code().await, 4001, "{query}");
    }
}

#[rstest]
#[case::a_header("", &[("authorization", "Bearer alice")])]
#[case::a_subprotocol("", &[("sec-websocket-protocol", "execution.v1, bearer.alice")])]
#[case::a_token("&token=alice", &[])]
#[case::another_ticket("&ticket=A", &[])]
#[tokio::test]
async fn a_ticket_beside_other_credentials_is_refused_and_stays_valid(
    #[case] more: &str,
    #[case] headers: &[(&str, &str)],
) {
    let (server, id) = Server::running();
    let query = format!("{id}?ticket={}", ticket(issue(&server, id)).await);
    let mut socket = server.connect(&format!("{query}{more}"), headers).await;
    let reason = "Send exactly one token or ticket, in one place";
    socket.expect_close(4001, reason).await;
    let mut socket = server.connect(&query, &[]).await;
    assert_eq!(socket.next().await["seq"], 2);
}

#[tokio::test]
async fn a_socket_of_a_ticket_ends_with_the_token_that_the_ticket_was_issued_for() {
    let server = Server::with(|config| config.sockets.expiry_grace = Duration::from_secs(1));
    let id = server.backend.running();
    let ticket = ticket(issue(&server, id).token("alice@0")).await;
    let query = format!("{id}?ticket={ticket}");
    let mut socket = server.connect(&query, &[]).await;
    assert_eq!(socket.next().await["seq"], 2);
    assert_eq!(socket.close_code().await, 4001);
}

#[tokio::test]
async fn too_many_unused_tickets_are_429() {
    let server = Server::start();
    server.tickets.fill();
    let answer = issue(&server, server.backend.running()).await;
    answer.problem(429);
    assert_eq!(answer.header("retry-after"), "7");
}

#[tokio::test]
async fn an_unreachable_ticket_store_is_503_and_1013() {
    let (server, id) = Server::running();
    let ticket = ticket(issue(&server, id)).await;
    server.tickets.break_down();
    let problem = issue(&server, id).await.problem(503);
    assert!(!problem.to_string().contains("refused"));
    let query = format!("?ticket={ticket}");
    let mut socket = server.connect(&format!("{id}{query}"), &[]).await;
    assert_eq!(socket.close_code().await, 1013);
    let events = server.events(id, &query).anonymous();
    events.await.problem(503);
}
