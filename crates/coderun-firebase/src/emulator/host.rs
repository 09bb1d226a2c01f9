//! Checks host and port of the Auth emulator.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use crate::config::{ConfigError, Endpoint};

const EXPECTED: ConfigError =
    ConfigError("host and port, such as `127.0.0.1:9099`, without `http://`");

/// Host and port of the Auth emulator, such as `127.0.0.1:9099` or `emulator:9099`.
///
/// An IPv6 address stands in brackets. There is no scheme, path or user in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmulatorHost {
    text: String,
    base: Endpoint,
}

impl EmulatorHost {
    /// The longest name of a host, in bytes.
    pub const HOST_MAX_BYTES: usize = 253;

    /// The Identity Toolkit of the emulator.
    pub(super) const fn base(&self) -> &Endpoint {
        &self.base
    }
}

impl FromStr for EmulatorHost {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (host, port) = text.rsplit_once(':').ok_or(EXPECTED)?;
        if !is_host(host) || !is_port(port) {
            return Err(EXPECTED);
        }
        let base = Endpoint::for_emulator(text).map_err(|_| EXPECTED)?;
        Ok(Self {
            text: text.to_owned(),
            base,
        })
    }
}

impl fmt::Display for EmulatorHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn is_port(text: &str) -> bool {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    is_number && text.parse::<u16>().is_ok_and(|port| port != 0)
}

fn is_host(text: &str) -> bool {
    let in_brackets = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    match in_brackets {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => {
            (1..=EmulatorHost::HOST_MAX_BYTES).contains(&text.len()) && text.bytes().all(is_letter)
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("127.0.0.1:9099")]
    #[case("localhost:9099")]
    #[case("firebase_emulator-1.internal:1")]
    #[case("[::1]:65535")]
    fn host_and_port_are_read_and_written(#[case] text: &str) {
        assert_eq!(text.parse::<EmulatorHost>().unwrap().to_string(), text);
    }

    #[rstest]
    #[case::empty("")]
    #[case::no_port("localhost")]
    #[case::empty_port("localhost:")]
    #[case::port_zero("localhost:0")]
    #[case::port_too_great("localhost:65536")]
    #[case::port_with_a_plus("localhost:+9099")]
    #[case::no_host(":9099")]
    #[case::scheme("http://localhost:9099")]
    #[case::slashes("//localhost:9099")]
    #[case::path("localhost:9099/")]
    #[case::path_before("localhost/a:9099")]
    #[case::user("user@localhost:9099")]
    #[case::query("localhost?a:9099")]
    #[case::fragment("localhost#a:9099")]
    #[case::space(" localhost:9099")]
    #[case::line_feed("localhost:9099\n")]
    #[case::bare_ipv6("::1:9099")]
    #[case::name_in_brackets("[localhost]:9099")]
    #[case::not_ascii("lökalhost:9099")]
    #[case::too_long(&format!("{}:9099", "h".repeat(254)))]
    fn another_text_is_refused(#[case] text: &str) {
        assert!(text.parse::<EmulatorHost>().is_err());
    }
}
