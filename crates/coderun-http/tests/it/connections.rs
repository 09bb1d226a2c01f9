//! Checks clients that are slow or silent, and heads that are too long.

use std::time::Duration;

use coderun_domain::testing::finished;
use futures_util::future::join_all;
use rstest::rstest;

use crate::support::Server;
use crate::support::raw::{RawConnection, UPGRADE, submission_head};

#[tokio::test]
async fn a_slow_head_times_out() {
    let server = Server::with(|config| {
        config.timeouts.request_head = Duration::from_millis(50);
    });
    let mut connection = server.send_raw("GET /health/ HTTP/1.1\r\nHo").await;
    let answer = connection.read_to_end().await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}

#[tokio::test]
async fn a_slow_later_head_times_out() {
    let server = Server::with(|config| {
        config.timeouts.request_head = Duration::from_millis(200);
    });
    let request = "GET /health/ HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut connection = server.send_raw(request).await;
    connection.read_until("\"status\"").await;
    connection.send("GET /health/ HTTP/1.1\r\nHo").await;
    let answer = connection.read_to_end().await;
    assert!(answer.contains("HTTP/1.1 408"), "{answer}");
}

#[tokio::test]
async fn an_unused_connection_is_closed() {
    let server = Server::with(|config| {
        config.timeouts.keep_alive = Duration::from_millis(200);
    });
    let request = "GET /health/ HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut connection = server.send_raw(request).await;
    let answer = connection.read_to_end().await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[rstest]
#[case::first_heads("")]
#[case::later_heads("GET /health/ HTTP/1.1\r\nHost: x\r\n\r\n")]
#[tokio::test]
async fn the_oldest_half_heads_make_room_for_a_new_client(#[case] before: &str) {
    let server = Server::with(|config| {
        config.workers = 1;
        config.connections_max = 9;
    });
    let mut half = Vec::new();
    for _ in 0..64 {
        let mut connection = RawConnection::open(server.address).await;
        if !before.is_empty() {
            connection.send(before).await;
            connection.read_until("\"status\"").await;
        }
        connection.send("GET /health/ HTTP/1.1\r\nHo").await;
        half.push(connection);
    }
    assert_eq!(server.get("/health/").await.status, 200);
    for connection in &mut half[..16] {
        let answer = connection.read_to_end().await;
        assert!(!answer.contains("HTTP/1.1 408"), "{answer}");
    }
    let mut newest = half.pop().unwrap();
    newest.send("st: x\r\n\r\n").await;
    newest.read_until("\"status\"").await;
}

#[tokio::test]
async fn half_heads_are_closed_and_no_client_that_sends_a_request() {
    let server = Server::with(|config| {
        config.workers = 1;
        config.connections_max = 100;
    });
    let half = (0..90).map(|_| server.send_raw("GET /health/ HTTP/1.1\r\nHo"));
    let _half = join_all(half).await;
    // All are connected before one of them sends anything.
    let head = "GET /health/ HTTP/1.1\r\nHost: x\r\n\r\n";
    let opening = (0..64).map(|_| async {
        let mut connection = server.send_raw(head).await;
        connection.read_until("\"status\"").await;
    });
    join_all(opening).await;
}

#[tokio::test]
async fn half_heads_that_have_sent_much_make_room_as_well() {
    let server = Server::with(|config| {
        config.workers = 1;
        config.connections_max = 9;
    });
    let long = format!("GET /health/ HTTP/1.1\r\nX: {}", "x".repeat(10_000));
    let mut first = server.send_raw(&long).await;
    let _second = server.send_raw(&long).await;
    assert_eq!(first.read_to_end().await, "");
}

#[tokio::test]
async fn a_connection_that_works_is_not_closed_for_others() {
    let server = Server::with(|config| {
        config.workers = 1;
        config.connections_max = 5;
    });
    let id = server.backend.running();
    let head =
        format!("GET /api/v1/executions/events/{id}?token=alice HTTP/1.1\r\nHost: x\r\n\r\n");
    let mut stream = server.send_raw(head).await;
    stream.read_until("execution_update").await;
    let mut half = Vec::new();
    for _ in 0..32 {
        half.push(server.send_raw("GET /health/ HTTP/1.1\r\nHo").await);
    }
    assert_eq!(half[0].read_to_end().await, "");
    server.backend.write(id, "more");
    stream.read_until("execution_output").await;
}

#[tokio::test]
async fn requests_that_are_sent_far_ahead_are_all_answered() {
    const AHEAD: usize = 2_000;
    let (server, id) = Server::running();
    let wait = format!("GET /api/v1/executions/status/{id}?wait=60");
    let first = format!("{wait} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer alice\r\n\r\n");
    let mut connection = server.send_raw(first).await;
    server.backend.has_watchers(1).await;
    let ahead = "GET /api/v1/auth/verify HTTP/1.1\r\nHost: x\r\n\r\n".repeat(AHEAD);
    let last = "GET /last HTTP/1.1\r\nHost: x\r\n\r\n";
    connection.send(ahead + last).await;
    server.backend.finish(id, finished());
    let answers = connection.read_until("\"/last\"").await;
    assert_eq!(answers.matches("HTTP/1.1 401").count(), AHEAD);
}

#[rstest]
#[case::a_head_of_more_than_128_kib(format!("GET /health/ HTTP/1.1\r\nX: {}", "x".repeat(140_000)), 431)]
#[case::a_path_of_more_than_64_kib(format!("GET /?{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(70_000)), 400)]
#[case::a_head_of_97_headers(format!("GET /health/ HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(97)), 431)]
#[tokio::test]
async fn a_head_above_the_limits_of_the_parser_is_refused(
    #[case] head: String,
    #[case] status: u16,
) {
    let mut connection = Server::start().send_raw(head).await;
    let answer = connection.read_until("\r\n\r\n").await;
    let expected = format!("HTTP/1.1 {status}");
    assert!(answer.starts_with(&expected), "{answer}");
}

#[rstest]
#[case("/api/v1/executions/execute", 401)]
#[case("/nowhere", 404)]
#[case("/health/", 405)]
#[tokio::test]
async fn an_unread_chunked_body_does_not_keep_its_connection_open(
    #[case] path: &str,
    #[case] status: u16,
) {
    let server = Server::start();
    let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    let mut connection = server.send_raw(head + "1\r\nx\r\n").await;
    // The body never ends, but the connection does.
    let answer = connection.read_to_end().await;
    let expected = format!("HTTP/1.1 {status}");
    assert!(answer.starts_with(&expected), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
}

#[tokio::test]
async fn a_chunked_body_is_reassembled_and_keeps_its_connection_open() {
    let server = Server::start();
    let mut connection = RawConnection::open(server.address).await;
    let body = "8\r\n{\"code\":\r\n17\r\n\"x\",\"language\":\"python\"\r\n1\r\n}\r\n0\r\n\r\n";
    for _ in 0..2 {
        let head = submission_head("Transfer-Encoding: chunked");
        connection.send(head + body).await;
        connection.read_until("to track progress").await;
    }
}

#[tokio::test]
async fn a_client_that_sends_all_of_a_refused_body_gets_the_answer() {
    let server = Server::with(|config| config.timeouts.linger = Duration::from_mins(1));
    // More than the buffers between client and server hold.
    let body = vec![b'x'; 32 << 20];
    let head = submission_head(&format!("Content-Length: {}", body.len()));
    let mut connection = server.send_raw(head).await;
    connection.send(body).await;
    let answer = connection.read_to_end().await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[rstest]
#[case::a_page("/health/", "HTTP/1.1 200")]
#[case::no_page("/nowhere", "HTTP/1.1 404")]
#[tokio::test]
async fn an_upgrade_that_is_not_offered_is_answered_as_usual_and_ends_the_connection(
    #[case] path: &str,
    #[case] expected: &str,
) {
    let head = format!("GET {path} HTTP/1.1\r\n{UPGRADE}\r\n");
    let mut connection = Server::start().send_raw(head).await;
    let answer = connection.read_to_end().await;
    assert!(answer.starts_with(expected), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    assert!(answer.ends_with('}'), "{answer}");
}

#[tokio::test]
async fn an_event_stream_that_asks_for_an_upgrade_is_served_piece_by_piece() {
    let (server, id) = Server::running();
    let path = format!("/api/v1/executions/events/{id}?token=alice");
    let head = format!("GET {path} HTTP/1.1\r\n{UPGRADE}\r\n");
    let mut connection = server.send_raw(head).await;
    connection.read_until("execution_update").await;
    server.backend.write(id, "more");
    connection.read_until("execution_output").await;
}
