//! Parses the address of the metrics, or `off`.

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

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("127.0.0.1:0")]
    #[case("[::]:9001")]
    fn an_address_is_read(#[case] text: &str) {
        let address = text.parse().unwrap();
        assert_eq!(text.parse(), Ok(AdminAddress::At(address)));
    }

    #[rstest]
    #[case("")]
    #[case("off")]
    fn metrics_are_turned_off_by_a_word_or_by_no_text(#[case] text: &str) {
        assert_eq!(text.parse(), Ok(AdminAddress::Off));
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
