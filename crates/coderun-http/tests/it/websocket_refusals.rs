//! Checks refused sockets and the close codes that say why.

use std::time::Duration;

use coderun_domain::testing::{execution_id, finished};
use coderun_http::AllowedOrigins;
use rstest::rstest;

use crate::support::Server;

const BEARERS: &str = "execution.v1, bearer.alice, bearer.alice";

#[rstest]
#[case::no_token("", &[], 4001)]
#[case::an_empty_token("?token=", &[], 4001)]
#[case::a_forged_token("?token=forged", &[], 4001)]
#[case::an_expired_token("?token=expired", &[], 4001)]
#[case::a_token_and_a_header("?token=alice", &[("authorization", "Bearer alice")], 4001)]
#[case::two_tokens("?token=alice&token=alice", &[], 4001)]
#[case::two_subprotocols("", &[("sec-websocket-protocol", BEARERS)], 4001)]
#[case::two_headers("", &[("authorization", "Bearer alice"), ("authorization", "Bearer alice")], 4001)]
#[case::a_banned_user("?token=banned", &[], 4003)]
#[case::another_user("?token=bob", &[], 4003)]
#[case::another_user_who_resumes("?token=bob&since=1", &[], 4003)]
#[case::keys_that_cannot_be_fetched("?token=keys-down", &[], 1013)]
#[case::a_verification_that_takes_too_long("?token=slow", &[], 1013)]
#[case::a_defect("?token=defect", &[], 1011)]
#[case::a_foreign_origin("?token=alice", &[("origin", "http://localhost:3000")], 1008)]
#[case("?token=alice&since=x", &[], 1008)]
#[case("?token=alice&since=1&since=1", &[], 1008)]
#[tokio::test]
async fn a_refused_socket_is_closed_with_its_code(
    #[case] query: &str,
    #[case] headers: &[(&str, &str)],
    #[case] code: u16,
) {
    let server = Server::with(|config| {
        config.sockets.verification = Duration::from_millis(500);
    });
    let id = server.backend.running();
    let mut socket = server.connect(&format!("{id}{query}"), headers).await;
    assert_eq!(socket.close_code().await, code);
}

#[tokio::test]
async fn a_refused_subprotocol_token_is_not_echoed() {
    let (server, id) = Server::running();
    let mut socket = server.watch_as("forged", id).await;
    assert_eq!(socket.headers["sec-websocket-protocol"], "execution.v1");
    assert_eq!(socket.close_code().await, 4001);
}

#[rstest]
#[case(&execution_id(9).to_string())]
#[case("1")]
#[case("%20")]
#[tokio::test]
async fn an_unknown_or_malformed_id_is_4004(#[case] id: &str) {
    let query = format!("{id}?token=alice");
    let mut socket = Server::start().connect(&query, &[]).await;
    assert_eq!(socket.close_code().await, 4004);
}

#[tokio::test]
async fn a_record_that_is_removed_while_it_is_watched_is_4004() {
    let (server, id, mut socket) = Server::start().watch_running().await;
    server.backend.remove(id);
    assert_eq!(socket.close_code().await, 4004);
}

#[tokio::test]
async fn an_allowed_origin_and_the_servers_own_may_watch() {
    let server = Server::with(|config| {
        config.origins = AllowedOrigins::List(vec!["https://play.example".to_owned()]);
    });
    let query = format!("{}?token=alice", server.backend.running());
    for origin in ["https://play.example".to_owned(), server.url("")] {
        let headers = [("origin", origin.as_str())];
        let mut socket = server.connect(&query, &headers).await;
        assert_eq!(socket.next().await["seq"], 2, "{origin}");
    }
}

#[tokio::test]
async fn an_unreachable_store_is_1013() {
    let (server, id) = Server::running();
    server.backend.break_down(true);
    assert_eq!(server.watch(id).await.close_code().await, 1013);
}

#[tokio::test]
async fn a_socket_that_is_being_verified_when_the_server_ends_is_1012() {
    let server = Server::start();
    let query = format!("{}?token=slow", server.backend.running());
    let mut waiting = server.connect(&query, &[]).await;
    server.verifier.is_waiting().await;
    server.drain.end.cancel();
    assert_eq!(waiting.close_code().await, 1012);
}

#[tokio::test]
async fn a_request_without_a_valid_upgrade_is_a_problem() {
    let (server, id) = Server::running();
    server.backend.finish(id, finished());
    let path = format!("/api/v1/executions/ws/{id}?token=alice");
    server.get(&path).anonymous().await.problem(400);
    let request = server.get(&path).anonymous();
    let request = request.header("connection", "upgrade");
    let request = request.header("upgrade", "websocket");
    let answer = request.header("sec-websocket-version", "12").await;
    answer.problem(426);
    assert_eq!(answer.header("sec-websocket-version"), "13");
}
