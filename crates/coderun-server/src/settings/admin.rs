//! Parses the address of the metrics, or `off`.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

/// The address of the metrics, if there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AdminAddress {
    /// An address; port 0 picks a free one.
    At(SocketAddr),
    /// No metrics.
    Off,
}

impl FromStr for AdminAddress {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "" | "off" => Ok(Self::Off),
            address => address
                .parse()
                .map(Self::At)
                .map_err(|_| "expected an IP address with a port, such as 127.0.0.1:9001, or off"),
        }
    }
}

impl fmt::Display for AdminAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(address) => address.fmt(f),
            Self::Off => f.write_str("off"),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("127.0.0.1:0")]
    #[case("[::]:9001")]
    #[case("off")]
    fn an_address_is_shown_as_it_is_read(#[case] text: &str) {
        let address: AdminAddress = text.parse().unwrap();
        assert_eq!(address.to_string(), text);
    }

    #[test]
    fn no_text_is_off() {
        assert_eq!("".parse(), Ok(AdminAddress::Off));
    }

    #[rstest]
    #[case("9001")]
    #[case("localhost:9001")]
    #[case("127.0.0.1")]
    #[case("on")]
    fn what_is_no_address_is_refused(#[case] text: &str) {
        assert!(text.parse::<AdminAddress>().is_err());
    }
}
