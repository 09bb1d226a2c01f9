//! Checks the values of settings that tell the page how people sign in with Firebase.

use std::fmt;
use std::str::FromStr;

/// The key of a Firebase project for web pages. It names the project and is no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WebApiKey(String);

impl FromStr for WebApiKey {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        let is_key = (1..=128).contains(&text.len()) && text.bytes().all(is_letter);
        let key = is_key.then(|| Self(text.to_owned()));
        key.ok_or(
            "expected the web API key of the project, of 1 to 128 letters, digits, `-` and `_`",
        )
    }
}

impl fmt::Display for WebApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a host and nothing else, so that it can stand in a content security policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HostName(String);

impl FromStr for HostName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_name = text.len() <= 253 && text.split('.').all(is_label);
        let name = is_name.then(|| Self(text.to_owned()));
        name.ok_or("expected the name of a host, such as your-project.firebaseapp.com, without `https://`, port and path")
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_label(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let is_inside = !text.starts_with('-') && !text.ends_with('-');
    (1..=63).contains(&text.len()) && text.bytes().all(is_letter) && is_inside
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("your-project.firebaseapp.com")]
    #[case("auth.example.org")]
    #[case("localhost")]
    #[case("xn--bcher-kva.example")]
    fn the_name_of_a_host_is_accepted(#[case] text: &str) {
        assert_eq!(text.parse::<HostName>().unwrap().to_string(), text);
    }

    #[rstest]
    #[case("")]
    #[case("https://a.example")]
    #[case("a.example/")]
    #[case("a.example:443")]
    #[case("*.example")]
    #[case("a.example; script-src *")]
    #[case("a.example https://b.example")]
    #[case("'unsafe-inline'")]
    #[case("a..example")]
    #[case("a.example.")]
    #[case("-a.example")]
    #[case("[::1]")]
    #[case("ä.example")]
    #[case("a.example\n")]
    #[case(&"a".repeat(64))]
    #[case(&"a.".repeat(127))]
    fn what_could_change_a_policy_is_no_name_of_a_host(#[case] text: &str) {
        assert!(text.parse::<HostName>().is_err());
    }

    #[test]
    fn a_key_is_one_word() {
        let key = "AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY";
        assert_eq!(key.parse::<WebApiKey>().unwrap().to_string(), key);
        for text in ["", "a b", "a\n", "key=a", &"a".repeat(129)] {
            assert!(text.parse::<WebApiKey>().is_err(), "{text}");
        }
    }
}
