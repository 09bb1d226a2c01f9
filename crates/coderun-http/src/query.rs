//! Query strings, decoded once.

use actix_web::web;

/// The parameters of a query string, in order. `Debug` is left out because one of them may be a token.
pub(crate) struct Query(Vec<(String, String)>);

/// A parameter stands there more than once.
#[derive(Clone, Copy)]
pub(crate) struct Repeated;

impl Query {
    /// Decodes a query string; nothing in it can be wrong, only unknown.
    pub(crate) fn parse(text: &str) -> Self {
        if text.is_empty() {
            return Self(Vec::new());
        }
        let pairs = web::Query::<Vec<(String, String)>>::from_query(text);
        Self(pairs.map(web::Query::into_inner).unwrap_or_default())
    }

    /// Whether a parameter stands there, be it empty or more than once.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }

    /// The value of a parameter, if it stands there once.
    pub(crate) fn get(&self, name: &str) -> Result<Option<&str>, Repeated> {
        let mut values = self.0.iter().filter(|(key, _)| key == name);
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some((_, value)), None) => Ok(Some(value)),
            (Some(_), Some(_)) => Err(Repeated),
        }
    }
}

/// A whole number in decimal digits. `parse` alone would take a leading `+`, which no number of ours has.
pub(crate) fn whole_number(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("0", Some(0))]
    #[case("18446744073709551615", Some(u64::MAX))]
    #[case("18446744073709551616", None)]
    #[case("+1", None)]
    #[case("-1", None)]
    #[case("1.5", None)]
    #[case("", None)]
    fn whole_numbers_are_digits(#[case] text: &str, #[case] number: Option<u64>) {
        assert_eq!(whole_number(text), number);
    }

    #[test]
    fn a_parameter_is_found_and_decoded() {
        let query = Query::parse("a=1&token=x%2By+z&b");
        assert!(matches!(query.get("token"), Ok(Some("x+y z"))));
        assert!(matches!(query.get("b"), Ok(Some(""))));
        assert!(matches!(query.get("c"), Ok(None)));
    }

    #[test]
    fn a_repeated_parameter_is_refused() {
        assert!(Query::parse("a=1&a=1").get("a").is_err());
    }

    #[test]
    fn a_query_that_is_not_utf8_is_still_read() {
        assert!(matches!(Query::parse("a=%FF&b=2").get("b"), Ok(Some("2"))));
    }
}
