//! Tests faults of a publisher: none takes a usable set away, and none makes one.

use rstest::rstest;
use serde_json::json;
use tokio::time::{sleep, timeout};

use super::key_server::{KeyServer, keys_reply};
use super::*;
use crate::testing::server::Reply;
use crate::testing::{web_key, with};

/// Something that stands in the bodies below, and must not stand in errors.
const SECRET: &str = "hush-hush";

fn good() -> Reply {
    keys_reply(&[web_key("a", key())])
}

fn usable() -> String {
    json!({"keys": [web_key("a", key())], "note": SECRET}).to_string()
}

fn chunked(first: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{first}").into_bytes()
}

fn chunk(size: usize) -> Vec<u8> {
    format!("{size:x}\r\n{}\r\n", "x".repeat(size)).into_bytes()
}

fn head_of(length: usize, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
}

fn drip(first: Vec<u8>, again: Vec<u8>) -> Reply {
    Reply::Endless(first, again, Duration::from_millis(20))
}

fn flood(first: Vec<u8>, again: Vec<u8>) -> Reply {
    Reply::Endless(first, again, Duration::ZERO)
}

fn no_keys() -> Reply {
    keys_reply(&[
        with(web_key("a", key()), "use", "enc"),
        with(web_key("b", key()), "n", SECRET),
    ])
}

fn zeros() -> Reply {
    let headers = "content-encoding: gzip\r\n";
    Reply::status("200 OK", headers, include_bytes!("zeros.gz"))
}

/// The text of an error; checks that it shows neither the answer nor the address.
fn text_of(error: &VerifyError, server: &str) -> String {
    let (retry_after, text) = outage(error);
    assert!(retry_after >= Duration::from_secs(1), "{error:?}");
    let shown = format!("{text} {error:?}");
    assert!(!shown.contains(SECRET), "{shown}");
    assert!(!shown.contains(server), "{shown}");
    text
}

#[rstest]
#[case::slow_head(Reply::Stall(b"HTTP/1.1 200 OK\r\n".to_vec()), "the request failed")]
#[case::no_head(Reply::Stall(Vec::new()), "the request failed")]
#[case::slow_body(Reply::Stall(head_of(5_000, &usable())), "the request failed")]
#[case::dripping_body(drip(chunked(""), chunk(1)), "the request failed")]
#[case::huge_body(Reply::ok(" ".repeat(300_000) + &usable()), "longer than 262144 bytes")]
#[case::endless_body(flood(chunked(""), chunk(60_000)), "longer than 262144 bytes")]
#[case::endless_head(
    flood(b"HTTP/1.1 200 OK\r\n".to_vec(), b"x-filler: hush-hush\r\n".repeat(1_000)),
    "the request failed"
)]
#[case::cut_off_body(Reply::Bytes(head_of(5_000, &usable())), "the request failed")]
#[case::not_http(Reply::Bytes(b"hush-hush\r\n\r\n".to_vec()), "the request failed")]
#[case::nothing(Reply::Bytes(Vec::new()), "the request failed")]
#[case::reset(Reply::Reset, "the request failed")]
#[case::page(Reply::ok("<html>hush-hush</html>"), "no JSON Web Key Set")]
#[case::empty(Reply::ok(""), "no JSON Web Key Set")]
#[case::quoting(Reply::ok(r#"{"a":["hush-hush"]}"#), "no JSON Web Key Set")]
#[case::not_utf8(
    Reply::ok(b"{\"keys\":[{\"kid\":\"\xFF\",\"kty\":\"RSA\"}]}"),
    "no JSON Web Key Set"
)]
#[case::certificates(
    Reply::ok(r#"{"a":"-----BEGIN CERTIFICATE-----\nhush-hush"}"#),
    "a map of X.509 certificates, not a JSON Web Key Set; use `https://www.googleapis.com/"
)]
#[case::compressed(zeros(), "no JSON Web Key Set")]
#[case::no_usable_key(no_keys(), "no key can be used")]
#[case::same_name(
    keys_reply(&[web_key(SECRET, key()), web_key(SECRET, key())]),
    "two keys have the same name"
)]
#[case::no_content(Reply::status("204 No Content", "", ""), "the status 204")]
#[case::not_modified(Reply::status("304 Not Modified", "", ""), "the status 304")]
#[case::part(Reply::status("206 Partial Content", "", usable()), "the status 206")]
#[case::created(Reply::status("201 Created", "", usable()), "the status 201")]
#[case::redirect(
    Reply::status("302 Found", "location: /keys\r\n", usable()),
    "the status 302"
)]
#[case::not_found(Reply::status("404 Not Found", "", usable()), "the status 404")]
#[case::broken(Reply::status("500 Oh No", "", usable()), "the status 500")]
#[tokio::test]
async fn a_broken_answer_neither_makes_keys_nor_takes_them_away(
    #[case] reply: Reply,
    #[case] reason: &str,
) {
    let server = KeyServer::start(reply.clone()).await;
    let mut config = server.config();
    config.fetch_timeout = Duration::from_secs(1);
    let cold = HttpKeySource::start(config.clone()).unwrap();
    let text = text_of(&cold.current().await.unwrap_err(), &server.url());
    assert!(text.contains(reason), "{text}");
    drop(cold);

    server.reply(good());
    let warm = HttpKeySource::start(config).unwrap();
    let keys = has_keys(&warm).await;
    let before = server.requests();
    server.reply(reply);
    let error = warm.look_for(&kid("b")).await.unwrap_err();
    let text = text_of(&error, &server.url());
    assert!(text.contains(reason), "{text}");
    assert!(Arc::ptr_eq(&warm.current().await.unwrap(), &keys));
    assert_eq!(server.requests(), before + 1);
}

/// The keys of a source whose publisher is good; a slow machine may need more than one attempt.
async fn has_keys(source: &HttpKeySource) -> Arc<KeySet> {
    let keys = async {
        loop {
            match source.current().await {
                Ok(keys) => return keys,
                Err(error) => sleep(outage(&error).0).await,
            }
        }
    };
    timeout(TEST_TIMEOUT, keys).await.unwrap()
}

#[tokio::test]
async fn a_publisher_who_is_away_takes_no_keys_with_it() {
    let server = KeyServer::start(good()).await;
    let (config, url) = (server.config(), server.url());
    let warm = HttpKeySource::start(config.clone()).unwrap();
    let keys = has_keys(&warm).await;
    server.stop().await;
    let text = text_of(&warm.look_for(&kid("b")).await.unwrap_err(), &url);
    assert!(text.contains("the request failed"), "{text}");
    assert!(Arc::ptr_eq(&warm.current().await.unwrap(), &keys));
    let cold = HttpKeySource::start(config).unwrap();
    let text = text_of(&cold.current().await.unwrap_err(), &url);
    assert!(text.contains("the request failed"), "{text}");
}

#[tokio::test]
async fn a_good_answer_is_used_with_its_freshness() {
    let headers = "cache-control: public, max-age=7200\r\nage: 200\r\n";
    let server = KeyServer::start(Reply::status("200 OK", headers, usable())).await;
    let source = HttpKeySource::start(server.config()).unwrap();
    assert!(has(&source.current().await.unwrap(), "a"));
    let next_at = source.refresher.keys.due_at().unwrap();
    let wait = next_at.saturating_duration_since(Instant::now());
    let (least, most) = (Duration::from_secs(5_000), Duration::from_secs(5_600));
    assert!((least..=most).contains(&wait), "{wait:?}");
}

#[tokio::test]
async fn an_answer_may_be_just_as_long_as_allowed() {
    for (length, is_accepted) in [(262_144, true), (262_145, false)] {
        let body = usable();
        let body = " ".repeat(length - body.len()) + &body;
        let server = KeyServer::start(Reply::ok(body)).await;
        let source = HttpKeySource::start(server.config()).unwrap();
        assert_eq!(source.current().await.is_ok(), is_accepted, "{length}");
    }
}
