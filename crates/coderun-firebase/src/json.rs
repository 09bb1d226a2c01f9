//! Reads JSON more strictly than serde does by default.

use std::fmt;
use std::marker::PhantomData;

use coderun_domain::VerifyError;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Reads one JSON object that fills the whole text.
///
/// Refused besides what is no JSON: a name given twice where `T` has a field of that name, an array in place of
/// the object, anything after it, and text that is not UTF-8 (also where `T` ignores it).
pub(crate) fn read_object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, VerifyError> {
    // From bytes, serde_json would not check the encoding of values that nobody asks for.
    let text = std::str::from_utf8(bytes).map_err(|_| VerifyError::Malformed)?;
    serde_json::from_str::<Object<T>>(text)
        .map(|object| object.0)
        .map_err(|_| VerifyError::Malformed)
}

/// Reads a field that may be absent, but is not `null` where it is present; for `deserialize_with`.
pub(crate) fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// A struct that is read from an object only. A derived `Deserialize` alone also takes an array of its values.
#[derive(Debug, Clone, Default)]
pub(crate) struct Object<T>(pub(crate) T);

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
        #[serde(default, deserialize_with = "present")]
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
    fn anything_else_is_malformed(#[case] bytes: &[u8]) {
        let error = read_object::<Pair>(bytes).unwrap_err();
        assert!(matches!(error, VerifyError::Malformed), "{error:?}");
    }

    #[test]
    fn depth_does_not_overflow_the_stack() {
        let deep = format!(r#"{{"left":"a","other":{}"#, "[".repeat(100_000));
        assert!(read_object::<Pair>(deep.as_bytes()).is_err());
    }
}
