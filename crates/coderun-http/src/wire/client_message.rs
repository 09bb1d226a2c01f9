//! Messages from watchers.

use std::borrow::Cow;

use bytes::Bytes;
use coderun_domain::{BearerToken, InputPiece};
use coderun_json::Object;
use serde::Deserialize;

/// A message from a watcher. `Debug` shows neither what was typed nor a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ClientMessage {
    /// Are you there?
    Ping,
    /// Stop the execution.
    Cancel,
    /// Something for the program's stdin.
    Input(InputPiece),
    /// A fresh token.
    Auth(BearerToken),
    /// One that lacks what it needs: what that is.
    Incomplete(&'static str),
    /// Something that this server does not know.
    Unknown,
}

#[derive(Deserialize)]
struct Tag<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Stdin<'a> {
    #[serde(borrow)]
    data: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Auth<'a> {
    #[serde(borrow)]
    token: Cow<'a, str>,
}

impl ClientMessage {
    /// Reads a message; anything can be sent, so nothing is an error.
    pub(crate) fn parse(text: &str) -> Self {
        let Ok(Object(tag)) = serde_json::from_str::<Object<Tag<'_>>>(text) else {
            return Self::Unknown;
        };
        match tag.kind.as_ref() {
            "ping" => Self::Ping,
            "cancel" => Self::Cancel,
            "stdin" => Self::stdin(text),
            "stdin_close" => Self::Input(InputPiece::End),
            "auth" => Self::auth(text),
            _ => Self::Unknown,
        }
    }

    fn stdin(text: &str) -> Self {
        match serde_json::from_str::<Object<Stdin<'_>>>(text) {
            Ok(Object(Stdin { data })) => {
                Self::Input(InputPiece::Data(Bytes::from(data.into_owned())))
            }
            Err(_) => Self::Incomplete("stdin needs `data`, a string"),
        }
    }

    fn auth(text: &str) -> Self {
        match serde_json::from_str::<Object<Auth<'_>>>(text) {
            Ok(Object(Auth { token })) => Self::Auth(BearerToken::new(token)),
            Err(_) => Self::Incomplete("auth needs `token`, a string"),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn typed(text: &'static str) -> ClientMessage {
        ClientMessage::Input(InputPiece::Data(Bytes::from_static(text.as_bytes())))
    }

    #[rstest]
    #[case(r#"{"type":"ping"}"#, ClientMessage::Ping)]
    #[case(r#"{"type":"ping","data":5,"token":[]}"#, ClientMessage::Ping)]
    #[case(r#"{"id":1,"type":"cancel","more":[]}"#, ClientMessage::Cancel)]
    #[case(r#"{"type":"c\u0061ncel"}"#, ClientMessage::Cancel)]
    #[case(r#"{"type":"Ping"}"#, ClientMessage::Unknown)]
    #[case("ping", ClientMessage::Unknown)]
    #[case(r#"["ping"]"#, ClientMessage::Unknown)]
    #[case(r#"{"type":"stdin","data":"42\n"}"#, typed("42\n"))]
    #[case(r#"{"data":"","type":"stdin"}"#, typed(""))]
    #[case(r#"{"type":"stdin_close"}"#, ClientMessage::Input(InputPiece::End))]
    #[case(
        r#"{"type":"auth","token":"a.b"}"#,
        ClientMessage::Auth(BearerToken::new("a.b"))
    )]
    fn messages_from_clients(#[case] text: &str, #[case] expected: ClientMessage) {
        assert_eq!(ClientMessage::parse(text), expected);
    }

    #[rstest]
    #[case(r#"{"type":"stdin"}"#)]
    #[case(r#"{"type":"stdin","data":42}"#)]
    #[case(r#"{"type":"stdin","data":null}"#)]
    #[case(r#"{"type":"stdin","data":["x"]}"#)]
    #[case(r#"{"type":"stdin","data":"a","data":"b"}"#)]
    #[case(r#"{"type":"auth","token":{}}"#)]
    #[case(r#"{"type":"auth"}"#)]
    fn what_lacks_its_text_is_incomplete(#[case] text: &str) {
        let message = ClientMessage::parse(text);
        assert!(
            matches!(message, ClientMessage::Incomplete(_)),
            "{message:?}"
        );
    }

    #[test]
    fn neither_what_was_typed_nor_a_token_is_shown() {
        let typed = ClientMessage::parse(r#"{"type":"stdin","data":"hush"}"#);
        let token = ClientMessage::parse(r#"{"type":"auth","token":"hush"}"#);
        let shown = format!("{typed:?} {token:?}");
        assert!(!shown.contains("hush"), "{shown}");
    }
}
