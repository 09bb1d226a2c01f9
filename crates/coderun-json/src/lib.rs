//! Reads JSON objects more strictly than serde does by default.
//!
//! A derived `Deserialize` takes a struct from an array of its values as well, and an `Option` from `null`. Neither is
//! part of any contract here, and a client that came to rely on it could not be moved away again.
//!
//! ```
//! use coderun_json::{non_null, read_object};
//!
//! #[derive(serde::Deserialize)]
//! struct Greeting {
//!     text: String,
//!     #[serde(default, deserialize_with = "non_null")]
//!     language: Option<String>,
//! }
//!
//! let greeting: Greeting = read_object(br#"{"text":"hello"}"#)?;
//! assert_eq!(greeting.text, "hello");
//! assert!(greeting.language.is_none());
//! assert!(read_object::<Greeting>(br#"["hello","en"]"#).is_err());
//! assert!(read_object::<Greeting>(br#"{"text":"hello","language":null}"#).is_err());
//! # Ok::<(), serde_json::Error>(())
//! ```

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Reads one JSON object that fills the whole text.
///
/// # Errors
/// What is no JSON; an array in place of the object; anything after it; a name that is given twice where `T` has a
/// field of that name; and text that is not UTF-8, also where `T` ignores it.
pub fn read_object<T: DeserializeOwned>(bytes: &[u8]) -> serde_json::Result<T> {
    // From bytes, serde_json would not check the encoding of values that `T` ignores.
    let text = std::str::from_utf8(bytes).map_err(serde_json::Error::custom)?;
    serde_json::from_str::<Object<T>>(text).map(|object| object.0)
}

/// Reads a field that may be absent, but is not `null` where it is present; for `deserialize_with`.
///
/// # Errors
/// Those of `T`, which does not take `null` itself.
pub fn non_null<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// A value that deserializes from a JSON object only, never from an array of its fields.
#[derive(Debug, Clone, Copy, Default)]
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Pair {
        left: String,
        #[serde(default, deserialize_with = "non_null")]
        right: Option<u64>,
    }

    #[rstest]
    #[case::both(r#"{"left":"a","right":1}"#, Some(1))]
    #[case::one(r#"{"left":"a"}"#, None)]
    #[case::spaced(" {\n\"left\" : \"a\" }\t", None)]
    #[case::unknown_name(r#"{"left":"a","other":{"deep":[1,null]}}"#, None)]
    fn an_object_is_read(#[case] text: &str, #[case] right: Option<u64>) {
        let pair: Pair = read_object(text.as_bytes()).unwrap();
        assert_eq!((pair.left.as_str(), pair.right), ("a", right));
    }

    #[rstest]
    #[case::empty(b"")]
    #[case::array(br#"["a",1]"#)]
    #[case::array_around(br#"[{"left":"a"}]"#)]
    #[case::null(b"null")]
    #[case::twice(br#"{"left":"a","left":"a"}"#)]
    #[case::twice_by_escape(br#"{"left":"a","\u006ceft":"a"}"#)]
    #[case::null_inside(br#"{"left":"a","right":null}"#)]
    #[case::trailing_data(br#"{"left":"a"}{}"#)]
    #[case::trailing_comma(br#"{"left":"a",}"#)]
    #[case::trailing_nul(b"{\"left\":\"a\"}\0")]
    #[case::byte_order_mark(b"\xEF\xBB\xBF{\"left\":\"a\"}")]
    #[case::not_utf8(b"{\"left\":\"\xFF\"}")]
    #[case::not_utf8_where_ignored(b"{\"left\":\"a\",\"other\":\"\xFF\"}")]
    #[case::float(br#"{"left":"a","right":1.0}"#)]
    #[case::exponent(br#"{"left":"a","right":1e3}"#)]
    #[case::negative(br#"{"left":"a","right":-1}"#)]
    #[case::text_for_number(br#"{"left":"a","right":"1"}"#)]
    #[case::number_for_text(br#"{"left":1}"#)]
    fn anything_else_is_refused(#[case] bytes: &[u8]) {
        assert!(read_object::<Pair>(bytes).is_err());
    }

    #[test]
    fn depth_does_not_overflow_the_stack() {
        let deep = format!(r#"{{"left":"a","other":{}"#, "[".repeat(100_000));
        assert!(read_object::<Pair>(deep.as_bytes()).is_err());
    }
}
