//! Tests the servers that other tests rely on.

use coderun_redis_fixture::{RedisOptions, RedisServer, Reply};

fn status(text: &str) -> Reply {
    Reply::Status(text.to_owned())
}

#[test]
fn two_servers_do_not_share_data() {
    let (one, other) = (RedisServer::start(), RedisServer::start());
    assert_eq!(one.command(&["SET", "a", "1"]), status("OK"));
    assert_eq!(one.command(&["GET", "a"]).text(), "1");
    assert_eq!(other.command(&["GET", "a"]), Reply::Nil);
}

#[test]
fn an_append_only_file_is_read_back_after_a_kill() {
    let server = RedisServer::with(&RedisOptions {
        append_only: true,
        ..RedisOptions::default()
    });
    assert_eq!(server.command(&["SET", "a", "1"]), status("OK"));
    let port = server.port();
    server.kill();
    server.restart();
    assert_eq!(server.port(), port);
    assert_eq!(server.command(&["GET", "a"]).text(), "1");
}

#[test]
fn without_a_file_a_restarted_server_is_empty() {
    let server = RedisServer::start();
    assert_eq!(server.command(&["SET", "a", "1"]), status("OK"));
    server.restart();
    assert_eq!(server.command(&["GET", "a"]), Reply::Nil);
}

#[test]
fn a_paused_server_goes_on_where_it_was() {
    let server = RedisServer::start();
    assert_eq!(server.command(&["SET", "a", "1"]), status("OK"));
    server.pause();
    server.resume();
    assert_eq!(server.command(&["GET", "a"]).text(), "1");
}

#[test]
fn options_reach_the_server() {
    let server = RedisServer::with(&RedisOptions {
        password: Some("hush".to_owned()),
        lines: vec!["maxmemory-policy allkeys-lru".to_owned()],
        ..RedisOptions::default()
    });
    assert!(server.url().starts_with("redis://:hush@127.0.0.1:"));
    let policy = server.info("maxmemory_policy");
    assert_eq!(policy.as_deref(), Some("allkeys-lru"));
}

#[test]
fn every_kind_of_answer_is_read() {
    let server = RedisServer::start();
    let script = "return {1, 'two', {ok='three'}, {err='four five'}, false, {}}";
    let reply = server.command(&["EVAL", script, "0"]);
    let expected = [
        Reply::Integer(1),
        Reply::Text("two".to_owned()),
        status("three"),
        Reply::Error("four five".to_owned()),
        Reply::Nil,
        Reply::Array(Vec::new()),
    ];
    assert_eq!(reply.parts(), expected);
}
