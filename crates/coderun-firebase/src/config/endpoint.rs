//! Checks the addresses of services, so that neither a secret nor an answer is open to others on the way.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use reqwest::Url;

/// The URL of a service: `https`, or `http` to a loopback address.
///
/// Without user, query and fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint(Url);

impl Endpoint {
    /// This URL with more segments at the end of its path, each escaped where need be.
    pub(crate) fn join(&self, segments: &[&str]) -> Url {
        let mut url = self.0.clone();
        // Only a URL that cannot be a base has no segments; `http` and `https` always have.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// The Identity Toolkit of an emulator at this address.
    ///
    /// The rule for `http` does not hold there: an emulator knows no secrets.
    pub(crate) fn for_emulator(authority: &str) -> Result<Self, EndpointError> {
        Url::parse(&format!(
            "http://{authority}/identitytoolkit.googleapis.com"
        ))
        .map(Self)
        .map_err(|_| EndpointError::NotAUrl)
    }

    /// The URL itself.
    pub(crate) const fn url(&self) -> &Url {
        &self.0
    }

    /// The URL as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text).map_err(|_| EndpointError::NotAUrl)?;
        let is_bare = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if !is_bare {
            return Err(EndpointError::NotBare);
        }
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if is_loopback(&url) => Ok(Self(url)),
            _ => Err(EndpointError::Unprotected),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether a URL leads to this very machine.
fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    // RFC 6761 reserves the name for this.
    host == "localhost" || address.is_ok_and(|it| it.is_loopback())
}

/// Says why a text is no endpoint. Does not hold the text, which may have a password in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// It is no absolute URL.
    #[error("not a URL")]
    NotAUrl,
    /// It has a user, a query or a fragment.
    #[error("the URL must not have a user, a query or a fragment")]
    NotBare,
    /// Others could read what is sent there.
    #[error("the URL must begin with `https://`, or with `http://` and a loopback address")]
    Unprotected,
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("https://identitytoolkit.googleapis.com")]
    #[case("https://example.com:8443/base/")]
    #[case("http://127.0.0.1:9099")]
    #[case("http://127.9.9.9")]
    #[case("http://[::1]:9099/base")]
    #[case("http://localhost:9099")]
    fn an_endpoint_is_accepted(#[case] text: &str) {
        assert!(text.parse::<Endpoint>().is_ok());
    }

    #[rstest]
    #[case("", EndpointError::NotAUrl)]
    #[case("example.com", EndpointError::NotAUrl)]
    #[case("//example.com", EndpointError::NotAUrl)]
    #[case("https://", EndpointError::NotAUrl)]
    #[case("http://example.com", EndpointError::Unprotected)]
    #[case("http://128.0.0.1", EndpointError::Unprotected)]
    #[case("http://localhost.example.com", EndpointError::Unprotected)]
    #[case("http://127.0.0.1.example.com", EndpointError::Unprotected)]
    #[case("ftp://localhost", EndpointError::Unprotected)]
    #[case("file:///etc/passwd", EndpointError::Unprotected)]
    #[case("https://user@example.com", EndpointError::NotBare)]
    #[case("https://:secret@example.com", EndpointError::NotBare)]
    #[case("http://127.0.0.1@example.com", EndpointError::NotBare)]
    #[case("https://example.com/?a=b", EndpointError::NotBare)]
    #[case("https://example.com/#a", EndpointError::NotBare)]
    fn another_text_is_refused(#[case] text: &str, #[case] expected: EndpointError) {
        assert_eq!(text.parse::<Endpoint>(), Err(expected));
    }

    #[rstest]
    #[case("https://example.com", "https://example.com/v1/a%2F..:b")]
    #[case("https://example.com/", "https://example.com/v1/a%2F..:b")]
    #[case("https://example.com/base", "https://example.com/base/v1/a%2F..:b")]
    #[case("https://example.com/base/", "https://example.com/base/v1/a%2F..:b")]
    fn a_path_is_put_below_it(#[case] base: &str, #[case] expected: &str) {
        let base: Endpoint = base.parse().unwrap();
        assert_eq!(base.join(&["v1", "a/..:b"]).as_str(), expected);
    }
}
