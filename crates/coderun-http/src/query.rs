//! Decodes query strings and reads their parameters.

use actix_web::web;
use coderun_domain::Sequence;

use crate::headers::{Repeated, at_most_one};
use crate::problem::{ErrorLocation, Problem};

/// The expectation that an invalid `since` is answered with.
pub(crate) const SINCE_EXPECTED: &str = "must be a whole number of at least 0, given once";

/// The parameters of a query string, in order. There is no `Debug`, because one of them may be a token.
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Decodes a query string. Every text is valid; unknown parameters are ignored.
    pub(crate) fn parse(text: &str) -> Self {
        let pairs = web::Query::<Vec<(String, String)>>::from_query(text);
        Self(pairs.map(web::Query::into_inner).unwrap_or_default())
    }

    /// The value of a parameter that is given at most once.
    pub(crate) fn get(&self, name: &str) -> Result<Option<&str>, Repeated> {
        let values = self.0.iter().filter(|(key, _)| key == name);
        at_most_one(values.map(|(_, value)| value.as_str()))
    }

    /// A parsed parameter that is given at most once.
    ///
    /// # Errors
    /// A problem that names the parameter and what was expected of it.
    pub(crate) fn parsed<T>(
        &self,
        name: &'static str,
        expected: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let parsed = match self.get(name) {
            Ok(None) => return Ok(None),
            Ok(Some(text)) => parse(text),
            Err(Repeated) => None,
        };
        parsed
            .map(Some)
            .ok_or_else(|| Problem::invalid(ErrorLocation::Parameter(name), expected))
    }

    /// The number of the last event that the client has seen.
    ///
    /// # Errors
    /// A problem if it is not a number.
    pub(crate) fn since(&self) -> Result<Option<Sequence>, Problem> {
        let number = self.parsed("since", SINCE_EXPECTED, whole_number)?;
        Ok(number.map(Sequence::from_number))
    }
}

/// A whole number in decimal digits. `parse` alone would accept a leading `+`.
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
    fn a_whole_number_consists_of_digits(#[case] text: &str, #[case] number: Option<u64>) {
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
