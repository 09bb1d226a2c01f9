//! What the header of a token must say.

use coderun_domain::VerifyError;
use coderun_json::{non_null, read_object};
use serde::Deserialize;
use serde_json::Value;

use crate::keys::KeyId;

/// Checks the header of a signed token and finds the name of the key that signed it.
///
/// Keys that a header brings along (`jwk`, `jku`, `x5u`, `x5c`) are not even read.
pub(crate) fn read_header(bytes: &[u8]) -> Result<KeyId, VerifyError> {
    let header: Header = read_object(bytes).map_err(|_| VerifyError::Malformed)?;
    header.check("RS256")?;
    let kid = text(header.kid.as_ref()).ok_or(VerifyError::NoKeyId)?;
    KeyId::parse(kid).map_err(|_| VerifyError::NoKeyId)
}

/// Checks the header of a token that nobody signed; only an emulator issues such.
///
/// It answers nothing that a signature could be judged with, so it cannot stand in for [`read_header`].
pub(crate) fn read_unsigned_header(bytes: &[u8]) -> Result<(), VerifyError> {
    let header: Header = read_object(bytes).map_err(|_| VerifyError::Malformed)?;
    header.check("none")
}

/// The fields are of any type here, so that a wrong type is answered with the reason of its rule.
#[derive(Deserialize)]
struct Header {
    #[serde(default, deserialize_with = "non_null")]
    alg: Option<Value>,
    #[serde(default, deserialize_with = "non_null")]
    typ: Option<Value>,
    #[serde(default, deserialize_with = "non_null")]
    kid: Option<Value>,
    #[serde(default, deserialize_with = "non_null")]
    crit: Option<Value>,
    #[serde(default, deserialize_with = "non_null")]
    b64: Option<Value>,
}

impl Header {
    /// Checks what holds for signed and unsigned tokens alike, but for the algorithm.
    fn check(&self, algorithm: &str) -> Result<(), VerifyError> {
        if text(self.alg.as_ref()) != Some(algorithm) {
            return Err(VerifyError::Algorithm);
        }
        if self.typ.is_some() && text(self.typ.as_ref()) != Some("JWT") {
            return Err(VerifyError::Malformed);
        }
        // Both change what the signature means; RFC 7515 wants a token refused whose `crit` is not understood.
        if self.crit.is_some() || self.b64.is_some() {
            return Err(VerifyError::Malformed);
        }
        Ok(())
    }
}

fn text(value: Option<&Value>) -> Option<&str> {
    value.and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn reason(header: &str) -> &'static str {
        match read_header(header.as_bytes()) {
            Ok(_) => "accepted",
            Err(error) => error.reason(),
        }
    }

    #[rstest]
    #[case::usual(r#"{"alg":"RS256","kid":"k","typ":"JWT"}"#)]
    #[case::without_type(r#"{"alg":"RS256","kid":"k"}"#)]
    #[case::unknown_names(r#"{"alg":"RS256","kid":"k","cty":"x","x5t":[1]}"#)]
    #[case::keys_that_are_not_read(
        r#"{"alg":"RS256","kid":"k","jwk":{},"jku":"x","x5u":"x","x5c":[1]}"#
    )]
    fn a_header_is_accepted(#[case] header: &str) {
        assert_eq!(read_header(header.as_bytes()).unwrap().as_str(), "k");
    }

    #[rstest]
    #[case::none(r#""none""#)]
    #[case::lower_case(r#""rs256""#)]
    #[case::longer_hash(r#""RS384""#)]
    #[case::hmac(r#""HS256""#)]
    #[case::elliptic(r#""ES256""#)]
    #[case::probabilistic(r#""PS256""#)]
    #[case::empty(r#""""#)]
    #[case::trailing_space(r#""RS256 ""#)]
    #[case::null("null")]
    #[case::number("256")]
    #[case::array(r#"["RS256"]"#)]
    fn another_algorithm_is_refused(#[case] alg: &str) {
        let header = format!(r#"{{"alg":{alg},"kid":"k","typ":"JWT"}}"#);
        assert_eq!(reason(&header), "algorithm");
    }

    #[test]
    fn a_missing_algorithm_is_refused() {
        assert_eq!(reason(r#"{"kid":"k","typ":"JWT"}"#), "algorithm");
    }

    #[rstest]
    #[case::other_type(r#"{"alg":"RS256","kid":"k","typ":"at+jwt"}"#)]
    #[case::type_in_lower_case(r#"{"alg":"RS256","kid":"k","typ":"jwt"}"#)]
    #[case::type_null(r#"{"alg":"RS256","kid":"k","typ":null}"#)]
    #[case::type_number(r#"{"alg":"RS256","kid":"k","typ":1}"#)]
    #[case::critical(r#"{"alg":"RS256","kid":"k","crit":["exp"]}"#)]
    #[case::critical_null(r#"{"alg":"RS256","kid":"k","crit":null}"#)]
    #[case::unencoded(r#"{"alg":"RS256","kid":"k","b64":false}"#)]
    #[case::encoded(r#"{"alg":"RS256","kid":"k","b64":true}"#)]
    #[case::algorithm_twice(r#"{"alg":"RS256","alg":"RS256","kid":"k"}"#)]
    #[case::key_twice(r#"{"alg":"RS256","kid":"k","kid":"k"}"#)]
    #[case::array(r#"["RS256","JWT","k"]"#)]
    #[case::text(r#""RS256""#)]
    fn another_header_is_malformed(#[case] header: &str) {
        assert_eq!(reason(header), "malformed");
    }

    #[rstest]
    #[case::missing(r#"{"alg":"RS256"}"#)]
    #[case::empty(r#"{"alg":"RS256","kid":""}"#)]
    #[case::null(r#"{"alg":"RS256","kid":null}"#)]
    #[case::number(r#"{"alg":"RS256","kid":1}"#)]
    #[case::array(r#"{"alg":"RS256","kid":["k"]}"#)]
    fn a_header_must_name_a_key(#[case] header: &str) {
        assert_eq!(reason(header), "no-kid");
    }

    #[test]
    fn the_name_of_a_key_has_a_greatest_length() {
        let header = |length| format!(r#"{{"alg":"RS256","kid":"{}"}}"#, "k".repeat(length));
        assert_eq!(reason(&header(256)), "accepted");
        assert_eq!(reason(&header(257)), "no-kid");
    }

    fn unsigned_reason(header: &str) -> &'static str {
        match read_unsigned_header(header.as_bytes()) {
            Ok(()) => "accepted",
            Err(error) => error.reason(),
        }
    }

    #[rstest]
    #[case::usual(r#"{"alg":"none","typ":"JWT"}"#)]
    #[case::without_type(r#"{"alg":"none"}"#)]
    #[case::with_a_key(r#"{"alg":"none","kid":1}"#)]
    fn an_unsigned_header_is_accepted_only_as_such(#[case] header: &str) {
        assert_eq!(unsigned_reason(header), "accepted");
        assert_eq!(reason(header), "algorithm");
    }

    #[rstest]
    #[case::signed(r#"{"alg":"RS256","kid":"k","typ":"JWT"}"#, "algorithm")]
    #[case::upper_case(r#"{"alg":"None"}"#, "algorithm")]
    #[case::empty_algorithm(r#"{"alg":""}"#, "algorithm")]
    #[case::no_algorithm(r#"{"typ":"JWT"}"#, "algorithm")]
    #[case::algorithm_null(r#"{"alg":null}"#, "algorithm")]
    #[case::other_type(r#"{"alg":"none","typ":"at+jwt"}"#, "malformed")]
    #[case::critical(r#"{"alg":"none","crit":[]}"#, "malformed")]
    #[case::unencoded(r#"{"alg":"none","b64":false}"#, "malformed")]
    #[case::algorithm_twice(r#"{"alg":"none","alg":"none"}"#, "malformed")]
    fn another_unsigned_header_is_refused(#[case] header: &str, #[case] expected: &str) {
        assert_eq!(unsigned_reason(header), expected);
    }
}
