//! Parses the messages of a WebSocket client.

use std::borrow::Cow;
use std::fmt;

use coderun_domain::BearerToken;
use coderun_json::Object;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

/// The message types, as an error names them.
const KNOWN_TYPES: &str = "`stdin`, `stdin_close`, `cancel`, `auth`, `ping`";
/// The longest part of an unknown type that an error repeats.
const UNKNOWN_TYPE_MAX_CHARS: usize = 32;

/// A message of a client. `Debug` shows neither its input nor a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ClientMessage {
    /// Asks for a `pong`.
    Ping,
    /// Cancels the execution.
    Cancel,
    /// Text for the program's stdin: UTF-8 but for halves of surrogate pairs, in three bytes each.
    Input(Vec<u8>),
    /// The end of the input.
    EndOfInput,
    /// A fresh token.
    Auth(BearerToken),
    /// An invalid message, with what is wrong.
    Invalid(Cow<'static, str>),
}

#[derive(Deserialize)]
struct Tag<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Stdin {
    data: TextBytes,
}

/// The bytes of a text, which is UTF-8 but for halves of surrogate pairs, in three bytes each.
struct TextBytes(Vec<u8>);

impl<'de> Deserialize<'de> for TextBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;

        impl Visitor<'_> for TextVisitor {
            type Value = TextBytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<TextBytes, E> {
                Ok(TextBytes(bytes.to_vec()))
            }
        }

        // As bytes, because as a string the parser refuses the halves.
        deserializer.deserialize_bytes(TextVisitor)
    }
}

#[derive(Deserialize)]
struct Auth<'a> {
    #[serde(borrow)]
    token: Cow<'a, str>,
}

impl ClientMessage {
    /// Parses a message.
    pub(crate) fn parse(text: &str) -> Self {
        let Ok(Object(tag)) = serde_json::from_str::<Object<Tag<'_>>>(text) else {
            let detail = format!(
                "A message must be a JSON object with a text `type`; known types are {KNOWN_TYPES}"
            );
            return Self::Invalid(detail.into());
        };
        match tag.kind.as_ref() {
            "ping" => Self::Ping,
            "cancel" => Self::Cancel,
            "stdin" => Self::stdin(text),
            "stdin_close" => Self::EndOfInput,
            "auth" => Self::auth(text),
            unknown => {
                let shown: String = unknown.chars().take(UNKNOWN_TYPE_MAX_CHARS).collect();
                let detail =
                    format!("Unknown message type `{shown}`; known types are {KNOWN_TYPES}");
                Self::Invalid(detail.into())
            }
        }
    }

    fn stdin(text: &str) -> Self {
        match serde_json::from_str::<Object<Stdin>>(text) {
            Ok(Object(Stdin { data })) => Self::Input(data.0),
            Err(_) => Self::Invalid("`stdin` needs `data`, which must be a string".into()),
        }
    }

    fn auth(text: &str) -> Self {
        match serde_json::from_str::<Object<Auth<'_>>>(text) {
            Ok(Object(Auth { token })) => Self::Auth(BearerToken::new(token)),
            Err(_) => Self::Invalid("`auth` needs `token`, which must be a string".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    fn input(text: &'static str) -> ClientMessage {
        ClientMessage::Input(text.as_bytes().to_vec())
    }

    /// Whether the text is one of the messages that the specification has.
    fn is_specified(text: &str) -> bool {
        let document: Value = serde_json::from_str(crate::OPENAPI).unwrap();
        let schema = json!({
            "$ref": "#/components/schemas/ClientMessage",
            "components": document["components"],
        });
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        serde_json::from_str(text).is_ok_and(|message| validator.is_valid(&message))
    }

    #[rstest]
    #[case(r#"{"type":"ping"}"#, ClientMessage::Ping)]
    #[case(r#"{"type":"ping","data":5,"token":[]}"#, ClientMessage::Ping)]
    #[case(r#"{"id":1,"type":"cancel","more":[]}"#, ClientMessage::Cancel)]
    #[case(r#"{"type":"c\u0061ncel"}"#, ClientMessage::Cancel)]
    #[case(r#"{"type":"stdin","data":"42\n"}"#, input("42\n"))]
    #[case(r#"{"data":"","type":"stdin"}"#, input(""))]
    #[case(r#"{"type":"stdin_close"}"#, ClientMessage::EndOfInput)]
    #[case(
        r#"{"type":"auth","token":"a.b"}"#,
        ClientMessage::Auth(BearerToken::new("a.b"))
    )]
    fn a_valid_message_is_parsed(#[case] text: &str, #[case] expected: ClientMessage) {
        assert_eq!(ClientMessage::parse(text), expected);
        assert!(is_specified(text));
    }

    #[rstest]
    #[case("ping", "JSON object")]
    #[case(r#"["ping"]"#, "JSON object")]
    #[case(r#"{"type":5}"#, "JSON object")]
    #[case(r#"{"type":"Ping"}"#, "type `Ping`")]
    #[case(r#"{"type":"stdin"}"#, "needs `data`")]
    #[case(r#"{"type":"stdin","data":42}"#, "needs `data`")]
    #[case(r#"{"type":"stdin","data":null}"#, "needs `data`")]
    #[case(r#"{"type":"stdin","data":["x"]}"#, "needs `data`")]
    #[case(r#"{"type":"auth","token":{}}"#, "needs `token`")]
    #[case(r#"{"type":"auth"}"#, "needs `token`")]
    fn an_invalid_message_says_what_is_wrong(#[case] text: &str, #[case] expected: &str) {
        let message = ClientMessage::parse(text);
        assert!(
            matches!(&message, ClientMessage::Invalid(detail) if detail.contains(expected)),
            "{message:?}"
        );
        assert!(!is_specified(text));
    }

    #[test]
    fn a_repeated_field_is_invalid() {
        let message = ClientMessage::parse(r#"{"type":"stdin","data":"a","data":"b"}"#);
        assert!(matches!(message, ClientMessage::Invalid(_)), "{message:?}");
    }

    #[test]
    fn an_error_repeats_only_the_beginning_of_an_unknown_type() {
        let text = format!(r#"{{"type":"{}"}}"#, "ü".repeat(10_000));
        let ClientMessage::Invalid(detail) = ClientMessage::parse(&text) else {
            panic!("an unknown type is invalid");
        };
        assert!(detail.len() < 200, "{detail}");
    }

    #[test]
    fn debug_shows_neither_input_nor_a_token() {
        let input = ClientMessage::parse(r#"{"type":"stdin","data":"hush"}"#);
        let token = ClientMessage::parse(r#"{"type":"auth","token":"hush"}"#);
        let shown = format!("{input:?} {token:?}");
        assert!(!shown.contains("hush"), "{shown}");
    }
}
