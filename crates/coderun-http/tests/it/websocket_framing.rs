//! Checks the framing of RFC 6455 over a bare TCP stream, after the cases of the Autobahn test suite.

use std::time::Duration;

use rstest::rstest;

use crate::support::Server;
use crate::support::frames::{
    CLOSE, CONTINUATION, FIN, PING, PONG, Received, TEXT, close, frame, head, text,
};
use crate::support::raw::{RawConnection, UPGRADE};

/// Longer than any test waits.
const NEVER: Duration = Duration::from_mins(1);

const COMMAND: &[u8] = br#"{"type":"ping"}"#;

/// The command that is answered with a `pong` message, filled up to this length.
fn command(length_bytes: usize) -> Vec<u8> {
    let mut command = COMMAND.to_vec();
    command.resize(length_bytes, b' ');
    command
}

/// A text in as many fragments, which end at these positions and at its own end.
fn fragments(message: &[u8], ends: &[usize]) -> Vec<Vec<u8>> {
    let mut start = 0;
    let ends = ends.iter().copied().chain([message.len()]);
    let mut fragments: Vec<_> = ends
        .map(|end| {
            let piece = &message[start..end];
            start = end;
            frame(CONTINUATION, piece)
        })
        .collect();
    fragments.first_mut().unwrap()[0] |= TEXT;
    fragments.last_mut().unwrap()[0] |= FIN;
    fragments
}

/// The command in two fragments with this frame between them.
fn around(frame: Vec<u8>) -> Vec<u8> {
    let [first, last] = fragments(COMMAND, &[7]).try_into().unwrap();
    [first, frame, last].concat()
}

fn invalid_utf8() -> Vec<u8> {
    b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited".to_vec()
}

/// A socket that has received its first message.
async fn open(server: &Server) -> RawConnection {
    let id = server.backend.running();
    let path = format!("/api/v1/executions/ws/{id}?token=alice&since=1");
    let head = format!("GET {path} HTTP/1.1\r\n{UPGRADE}\r\n");
    let mut connection = server.send_raw(head).await;
    connection.read_head().await;
    let first = connection.read_frame().await;
    assert!(matches!(first, Received::Text(text) if text.contains("execution_update")));
    connection
}

/// Sends the bytes at once and then, on another socket, one by one. Both are answered with these frames.
async fn check(sent: Vec<Vec<u8>>, expected: &[Received]) {
    let server = Server::with(|config| config.sockets.close = NEVER);
    let sent = sent.concat();
    exchange(&server, &[&sent], expected).await;
    if sent.len() < 1_000 {
        let bytes: Vec<_> = sent.chunks(1).collect();
        exchange(&server, &bytes, expected).await;
    }
}

async fn exchange(server: &Server, sent: &[&[u8]], expected: &[Received]) {
    let mut connection = open(server).await;
    for piece in sent {
        connection.send(piece).await;
    }
    for expected in expected {
        assert_eq!(&connection.read_frame().await, expected);
    }
    connection.end().await;
    if !matches!(expected.last(), Some(Received::Close(_))) {
        assert_eq!(connection.read_frame().await, Received::Close(1000));
    }
    assert_eq!(
        connection.read_to_end().await,
        "",
        "a close frame is the last"
    );
}

fn answer() -> Received {
    Received::Text(r#"{"type":"pong"}"#.to_owned())
}

#[rstest]
#[case::a_length_of_7_bits(text(&command(125)))]
#[case::the_shortest_length_of_16_bits(text(&command(126)))]
#[case::a_length_of_16_bits(text(&command(127)))]
#[case::the_longest_length_of_16_bits(text(&command(65_535)))]
#[case::a_length_of_64_bits(text(&command(65_536)))]
#[case::two_fragments(fragments(COMMAND, &[7]).concat())]
#[case::an_empty_first_fragment(fragments(COMMAND, &[0]).concat())]
#[case::an_empty_last_fragment(fragments(COMMAND, &[15]).concat())]
#[case::a_fragment_for_each_byte(fragments(COMMAND, &(1..15).collect::<Vec<_>>()).concat())]
#[case::after_an_unsolicited_pong([frame(FIN | PONG, b"unsolicited"), text(COMMAND)].concat())]
#[case::around_an_unsolicited_pong(around(frame(FIN | PONG, b"")))]
#[tokio::test]
async fn a_message_is_read(#[case] sent: Vec<u8>) {
    check(vec![sent], &[answer()]).await;
}

#[rstest]
#[case::without_payload(b"")]
#[case::with_text(b"payload")]
#[case::with_bytes(b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff")]
#[case::with_the_longest_payload(&[0xfe; 125])]
#[tokio::test]
async fn a_ping_is_answered_with_its_payload(#[case] payload: &[u8]) {
    let pong = Received::Pong(payload.to_vec());
    check(vec![frame(FIN | PING, payload)], &[pong]).await;
}

#[tokio::test]
async fn each_of_many_pings_is_answered_in_order() {
    let pings = (0..10).map(|number| frame(FIN | PING, &[number]));
    let answers = (0..10).map(|number| Received::Pong(vec![number]));
    check(pings.collect(), &answers.collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn a_ping_within_fragments_is_answered_before_the_message() {
    let sent = vec![around(frame(FIN | PING, b"between"))];
    let pong = Received::Pong(b"between".to_vec());
    check(sent, &[pong, answer()]).await;
}

#[tokio::test]
async fn a_character_may_be_split_between_fragments() {
    let message = "{\"type\":\"κόσμε\u{10ffff}\"}";
    for end in 9..message.len() - 2 {
        let server = Server::start();
        let mut connection = open(&server).await;
        connection
            .send(fragments(message.as_bytes(), &[end]).concat())
            .await;
        let received = connection.read_frame().await;
        assert!(
            matches!(&received, Received::Text(text) if text.contains("κόσμε\u{10ffff}")),
            "{end}: {received:?}"
        );
    }
}

#[rstest]
#[case::a_reserved_bit_1(frame(FIN | 0x40 | TEXT, b"x"))]
#[case::a_reserved_bit_2(frame(FIN | 0x20 | TEXT, b"x"))]
#[case::a_reserved_bit_3(frame(FIN | 0x10 | PING, b""))]
#[case::a_reserved_bit_of_a_close_frame(frame(FIN | 0x40 | CLOSE, b""))]
#[case::opcode_3(frame(FIN | 3, b""))]
#[case::opcode_7(frame(FIN | 7, b"x"))]
#[case::opcode_11(frame(FIN | 0xb, b""))]
#[case::opcode_15(frame(FIN | 0xf, b"x"))]
#[case::a_text_without_a_mask(vec![0x81, 1, b'x'])]
#[case::a_ping_without_a_mask(vec![0x89, 0])]
#[case::a_close_frame_without_a_mask(vec![0x88, 0])]
#[case::a_long_ping(frame(FIN | PING, &[0xfe; 126]))]
#[case::a_long_pong(frame(FIN | PONG, &[0xfe; 126]))]
#[case::a_long_close_frame(close(1000, &[b'x'; 124]))]
#[case::a_ping_in_fragments(frame(PING, b"x"))]
#[case::a_pong_in_fragments(frame(PONG, b"x"))]
#[case::a_close_frame_in_fragments(frame(CLOSE, b""))]
#[case::a_continuation_of_nothing(frame(FIN | CONTINUATION, b"x"))]
#[case::a_first_fragment_that_continues(frame(CONTINUATION, b"x"))]
#[case::a_message_within_another([frame(TEXT, b"x"), text(b"x")].concat())]
#[case::text_that_is_not_utf8(text(&invalid_utf8()))]
#[case::an_overlong_encoding(text(b"\xc0\xaf"))]
#[case::a_surrogate(text(b"\xed\xa0\x80"))]
#[case::beyond_unicode(text(b"\xf4\x90\x80\x80"))]
#[case::text_that_ends_within_a_character(text(b"\xce\xba\xe1"))]
#[case::fragments_that_end_within_a_character(fragments(b"x\xce", &[1]).concat())]
#[case::a_fragment_that_is_not_utf8(frame(TEXT, &invalid_utf8()))]
#[case::a_binary_message(frame(FIN | 2, b"x"))]
#[case::a_close_frame_of_one_byte(frame(FIN | CLOSE, b"\x03"))]
#[case::a_close_reason_that_is_not_utf8(close(1000, &invalid_utf8()))]
#[case::close_code_0(close(0, b""))]
#[case::close_code_999(close(999, b""))]
#[case::close_code_1004(close(1004, b""))]
#[case::close_code_1005(close(1005, b""))]
#[case::close_code_1006(close(1006, b""))]
#[case::close_code_1016(close(1016, b""))]
#[case::close_code_2999(close(2999, b""))]
#[case::close_code_5000(close(5000, b""))]
#[case::close_code_65535(close(65_535, b""))]
#[tokio::test]
async fn a_violation_is_closed_with_1008(#[case] sent: Vec<u8>) {
    check(vec![sent, text(COMMAND)], &[Received::Close(1008)]).await;
}

#[tokio::test]
async fn a_continuation_after_the_last_fragment_is_closed_with_1008() {
    let mut sent = fragments(COMMAND, &[7]);
    sent.push(frame(FIN | CONTINUATION, b""));
    check(sent, &[answer(), Received::Close(1008)]).await;
}

#[rstest]
#[case::without_a_code(frame(FIN | CLOSE, b""))]
#[case::with_the_longest_reason(close(1000, &[b'x'; 123]))]
#[case::with_code_1001(close(1001, b"leaving"))]
#[case::with_code_1007(close(1007, b""))]
#[case::with_code_1011(close(1011, b""))]
#[case::with_code_3000(close(3000, b""))]
#[case::with_code_4999(close(4999, b"gr\xc3\xbcn"))]
#[case::within_fragments([frame(TEXT, b"x"), frame(FIN | CLOSE, b"")].concat())]
#[tokio::test]
async fn a_close_frame_is_answered(#[case] sent: Vec<u8>) {
    check(vec![sent], &[Received::Close(1000)]).await;
}

#[rstest]
#[case::a_message(text(&command((1 << 20) + 1)))]
#[case::the_head_of_a_frame_of_1_gib(head(FIN | TEXT, 1 << 30))]
#[case::the_head_of_the_longest_frame(head(FIN | TEXT, u64::MAX >> 1))]
#[case::the_head_of_a_frame_with_a_negative_length(head(FIN | TEXT, u64::MAX))]
#[case::fragments([frame(TEXT, &command(640_000)), head(FIN | CONTINUATION, 408_577), vec![b' '; 408_577]].concat())]
#[tokio::test]
async fn more_than_1_mib_is_closed_with_1009(#[case] sent: Vec<u8>) {
    check(vec![sent], &[Received::Close(1009)]).await;
}

#[tokio::test]
async fn a_client_that_pings_is_alive_even_if_it_answers_no_ping() {
    let server = Server::with(|config| {
        config.sockets.ping_interval = Duration::from_millis(100);
    });
    let mut connection = open(&server).await;
    let mut answered = 0;
    while answered < 5 {
        match connection.read_frame().await {
            Received::Ping => connection.send(frame(FIN | PING, b"")).await,
            Received::Pong(_) => answered += 1,
            other @ (Received::Text(_) | Received::Close(_)) => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn nothing_is_answered_after_a_close_frame() {
    let mut connection = open(&Server::start()).await;
    let sent = [
        frame(FIN | CLOSE, b""),
        frame(FIN | PING, b""),
        text(COMMAND),
    ];
    connection.send(sent.concat()).await;
    assert_eq!(connection.read_frame().await, Received::Close(1000));
    assert_eq!(connection.read_to_end().await, "");
}

#[tokio::test]
async fn frames_may_follow_the_request_at_once() {
    let server = Server::start();
    let id = server.backend.running();
    let path = format!("/api/v1/executions/ws/{id}?token=alice&since=2");
    let mut sent = format!("GET {path} HTTP/1.1\r\n{UPGRADE}\r\n").into_bytes();
    sent.extend(text(&command(5_000)));
    let mut connection = server.send_raw(sent).await;
    connection.read_head().await;
    assert_eq!(connection.read_frame().await, answer());
}
