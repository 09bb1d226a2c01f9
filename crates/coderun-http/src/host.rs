//! Decides which `Host` names and which web origins are allowed.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::{AllowedHosts, AllowedOrigins};

impl AllowedHosts {
    /// Whether a `Host` header is allowed.
    pub(crate) fn allows(self, host: Option<&str>) -> bool {
        match self {
            Self::Any => true,
            Self::LoopbackOnly => host.is_some_and(is_loopback),
        }
    }
}

impl AllowedOrigins {
    /// Whether a page of this origin may call the server under the name `host`.
    pub(crate) fn allows(&self, origin: &str, host: Option<&str>) -> bool {
        let authority = origin
            .strip_prefix("http://")
            .or_else(|| origin.strip_prefix("https://"));
        if authority.is_some_and(|authority| Some(authority) == host) {
            return true;
        }
        match self {
            Self::None => false,
            Self::AnyLoopback => authority.is_some_and(is_loopback),
            Self::List(list) => list.iter().any(|allowed| is_match(allowed, origin)),
        }
    }
}

/// Whether an origin is the allowed one. `*.` in that stands for one or more labels; scheme and port are exact.
fn is_match(allowed: &str, origin: &str) -> bool {
    let Some((scheme, domain)) = allowed.split_once("*.") else {
        return allowed == origin;
    };
    let labels = origin
        .strip_prefix(scheme)
        .and_then(|rest| rest.strip_suffix(domain))
        .and_then(|labels| labels.strip_suffix('.'));
    labels.is_some_and(|labels| labels.split('.').all(is_label))
}

fn is_label(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !text.is_empty() && text.bytes().all(is_part)
}

/// Whether `name:port` or `name` means this machine.
fn is_loopback(authority: &str) -> bool {
    let Some(name) = without_port(authority) else {
        return false;
    };
    if let Some(address) = name.strip_prefix('[') {
        let address = address.strip_suffix(']').unwrap_or_default();
        return address
            .parse()
            .is_ok_and(|address: Ipv6Addr| address.is_loopback());
    }
    let name = name.to_ascii_lowercase();
    name == "localhost"
        || name.ends_with(".localhost")
        || name
            .parse()
            .is_ok_and(|address: Ipv4Addr| address.is_loopback())
}

/// The name of an authority; `None` if the text after it is not a port.
fn without_port(authority: &str) -> Option<&str> {
    let after_address = authority.find(']').map_or(0, |end| end + 1);
    match authority.get(after_address..)?.find(':') {
        None => Some(authority),
        Some(colon) => {
            let (name, port) = authority.split_at_checked(after_address + colon)?;
            port.get(1..)?
                .bytes()
                .all(|byte| byte.is_ascii_digit())
                .then_some(name)
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("localhost")]
    #[case("LocalHost:8001")]
    #[case("app.localhost:3000")]
    #[case("127.0.0.1")]
    #[case("127.8.9.1:80")]
    #[case("[::1]")]
    #[case("[::1]:8001")]
    fn loopback_names_are_recognised(#[case] host: &str) {
        assert!(AllowedHosts::LoopbackOnly.allows(Some(host)));
        let origin = format!("http://{host}");
        assert!(AllowedOrigins::AnyLoopback.allows(&origin, Some("other")));
    }

    #[rstest]
    #[case("example.com")]
    #[case("localhost.example.com")]
    #[case("localhost:8001.example.com")]
    #[case("127.0.0.1.example.com")]
    #[case("user@localhost")]
    #[case("notlocalhost")]
    #[case("[::2]:80")]
    #[case("[::1].example.com")]
    #[case("10.0.0.1")]
    #[case("")]
    fn other_names_are_not_loopback(#[case] host: &str) {
        assert!(!AllowedHosts::LoopbackOnly.allows(Some(host)));
        let origin = format!("http://{host}");
        assert!(!AllowedOrigins::AnyLoopback.allows(&origin, Some("other")));
    }

    #[test]
    fn a_missing_host_is_not_a_loopback_name() {
        assert!(!AllowedHosts::LoopbackOnly.allows(None));
        assert!(AllowedHosts::Any.allows(None));
    }

    #[test]
    fn a_page_of_the_server_itself_is_always_allowed() {
        let own = AllowedOrigins::None;
        assert!(own.allows("https://code.example", Some("code.example")));
        assert!(own.allows("http://127.0.0.1:8001", Some("127.0.0.1:8001")));
        assert!(!own.allows("http://127.0.0.1:8002", Some("127.0.0.1:8001")));
        assert!(!own.allows("null", Some("null")));
    }

    #[test]
    fn a_listed_origin_is_compared_as_a_whole() {
        let listed = AllowedOrigins::List(vec!["https://play.example".to_owned()]);
        assert!(listed.allows("https://play.example", None));
        assert!(!listed.allows("http://play.example", None));
        assert!(!listed.allows("https://play.example.evil", None));
        assert!(!listed.allows("null", None));
    }

    #[rstest]
    #[case("https://a.example.org", true)]
    #[case("https://a.b-c.example.org", true)]
    #[case("https://example.org", false)]
    #[case("https://.example.org", false)]
    #[case("https://a..example.org", false)]
    #[case("https://evil.org/.example.org", false)]
    #[case("https://evil.org:1.example.org", false)]
    #[case("https://user@a.example.org", false)]
    #[case("https://aexample.org", false)]
    #[case("https://a.example.org:8443", false)]
    #[case("https://a.example.org.evil", false)]
    #[case("http://a.example.org", false)]
    #[case("null", false)]
    fn a_pattern_stands_for_one_or_more_labels(#[case] origin: &str, #[case] is_allowed: bool) {
        let listed = AllowedOrigins::List(vec!["https://*.example.org".to_owned()]);
        assert_eq!(listed.allows(origin, None), is_allowed);
    }

    #[test]
    fn a_pattern_may_have_a_port() {
        let listed = AllowedOrigins::List(vec!["http://*.test:3000".to_owned()]);
        assert!(listed.allows("http://a.test:3000", None));
        assert!(!listed.allows("http://a.test", None));
        assert!(!listed.allows("http://a.test:30001", None));
    }
}
