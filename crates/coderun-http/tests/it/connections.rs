//! Clients that are slow or silent.

use std::time::Duration;

use crate::support::Server;
use crate::support::raw::RawConnection;

#[tokio::test]
async fn a_slow_head_is_given_up() {
    let server = Server::with(|config| {
        config.timeouts.request_head = Duration::from_millis(50);
    });
    let mut connection = RawConnection::open(server.address).await;
    connection.send("GET /health/ HTTP/1.1\r\nHo").await;
    let answer = connection.read_to_end().await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}

#[tokio::test]
async fn a_head_beyond_128_kib_is_431() {
    let server = Server::start();
    let mut connection = RawConnection::open(server.address).await;
    let head = format!("GET /health/ HTTP/1.1\r\nX: {}", "x".repeat(140_000));
    connection.send(head).await;
    let answer = connection.read_until("\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
}

#[tokio::test]
async fn a_path_beyond_64_kib_is_400() {
    let server = Server::start();
    let mut connection = RawConnection::open(server.address).await;
    let head = format!(
        "GET /health/?{} HTTP/1.1\r\nHost: x\r\n\r\n",
        "x".repeat(70_000)
    );
    connection.send(head).await;
    let answer = connection.read_until("\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
}

#[tokio::test]
async fn a_head_of_97_headers_is_431() {
    let server = Server::start();
    let mut connection = RawConnection::open(server.address).await;
    let headers = "X: y\r\n".repeat(97);
    connection
        .send(format!("GET /health/ HTTP/1.1\r\n{headers}\r\n"))
        .await;
    let answer = connection.read_until("\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
}

#[tokio::test]
async fn a_connection_serves_one_request_after_another() {
    let server = Server::start();
    let mut connection = RawConnection::open(server.address).await;
    for _ in 0..3 {
        connection
            .send("GET /health/ HTTP/1.1\r\nHost: x\r\n\r\n")
            .await;
        connection.read_until("1.2.3\"}").await;
    }
}

#[tokio::test]
async fn a_chunked_body_that_nobody_wants_does_not_hold_its_connection() {
    let server = Server::start();
    for (path, status) in [
        ("/api/v1/executions/execute", 401),
        ("/nowhere", 404),
        ("/health/", 405),
    ] {
        let mut connection = RawConnection::open(server.address).await;
        connection
            .send(format!(
                "POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"
            ))
            .await;
        // The body never ends, but the connection does.
        let answer = connection.read_to_end().await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{answer}"
        );
        assert!(answer.contains("connection: close"), "{answer}");
    }
}

#[tokio::test]
async fn a_chunked_body_that_was_read_lets_its_connection_live() {
    let server = Server::start();
    let mut connection = RawConnection::open(server.address).await;
    for _ in 0..2 {
        connection
            .send(
                "POST /api/v1/executions/execute HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer alice\r\n\
                 Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n\
                 20\r\n{\"code\":\"x\",\"language\":\"python\"}\r\n0\r\n\r\n",
            )
            .await;
        connection.read_until("to track progress").await;
    }
}

#[tokio::test]
async fn a_client_that_sends_all_of_a_refused_body_finds_the_answer() {
    let server = Server::with(|config| config.timeouts.linger = Duration::from_mins(1));
    // More than the buffers between client and server hold.
    let body = vec![b'x'; 32 << 20];
    let length = body.len();
    let mut connection = RawConnection::open(server.address).await;
    connection
        .send(format!(
            "POST /api/v1/executions/execute HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer alice\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        ))
        .await;
    connection.send(body).await;
    let answer = connection.read_to_end().await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}
