//! Reads the base address of an API once, so that a request only adds its path.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::Uri;
use hyper::header::{AUTHORIZATION, HOST, HeaderMap, HeaderValue};
use hyper::http::uri::{Authority, PathAndQuery, Scheme};
use percent_encoding::percent_decode_str;
use url::{Position, Url};

use crate::config::ConfigError;

/// The base address of an API.
pub(super) struct BaseUrl {
    scheme: Scheme,
    authority: Authority,
    /// Ends with a slash.
    path: String,
    credentials: Option<HeaderValue>,
}

impl BaseUrl {
    pub(super) fn parse(text: &str) -> Result<Self, ConfigError> {
        let invalid = ConfigError::BaseUrl;
        let url = Url::parse(text).map_err(|_| invalid)?;
        let scheme = match url.scheme() {
            "http" => Scheme::HTTP,
            "https" => Scheme::HTTPS,
            _ => return Err(invalid),
        };
        if !url.has_host() || url.query().is_some() || url.fragment().is_some() {
            return Err(invalid);
        }
        let authority = &url[Position::BeforeHost..Position::AfterPort];
        Ok(Self {
            scheme,
            authority: authority.parse().map_err(|_| invalid)?,
            path: format!("{}/", url.path().trim_end_matches('/')),
            credentials: credentials(&url)?,
        })
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// The headers that the address implies.
    pub(super) fn headers(&self) -> Result<HeaderMap, ConfigError> {
        let host = HeaderValue::from_str(self.authority.as_str());
        let host = (HOST, host.map_err(|_| ConfigError::BaseUrl)?);
        let credentials = self.credentials.clone();
        let credentials = credentials.map(|value| (AUTHORIZATION, value));
        Ok([host].into_iter().chain(credentials).collect())
    }

    /// The address of this path below the base.
    pub(super) fn join(&self, path: &str) -> Result<Uri, hyper::http::Error> {
        let path = PathAndQuery::try_from(format!("{}{path}", self.path))?;
        Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(path)
            .build()
    }
}

/// The header for the user name and the password of a URL (RFC 7617), if it has any.
fn credentials(url: &Url) -> Result<Option<HeaderValue>, ConfigError> {
    if url.username().is_empty() && url.password().is_none() {
        return Ok(None);
    }
    let mut text: Vec<u8> = percent_decode_str(url.username()).collect();
    text.push(b':');
    text.extend(percent_decode_str(url.password().unwrap_or_default()));
    let value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(text)));
    let mut value = value.map_err(|_| ConfigError::BaseUrl)?;
    value.set_sensitive(true);
    Ok(Some(value))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("http://h:2000/api/v2", "http://h:2000/api/v2/execute")]
    #[case("http://h:2000/api/v2/", "http://h:2000/api/v2/execute")]
    #[case("https://h", "https://h/execute")]
    #[case("HTTPS://Bücher.example:443", "https://xn--bcher-kva.example/execute")]
    #[case("http://me:hush@[::1]:80/a b", "http://[::1]/a%20b/execute")]
    fn the_path_of_the_base_is_kept(#[case] base: &str, #[case] expected: &str) {
        let joined = BaseUrl::parse(base).unwrap().join("execute").unwrap();
        assert_eq!(joined.to_string(), expected);
    }

    #[rstest]
    #[case("")]
    #[case("h:2000")]
    #[case("/api")]
    #[case("ftp://h/")]
    #[case("unix:/x")]
    #[case("http://h/?key=x")]
    #[case("http://h/#x")]
    fn an_address_that_is_not_usable_is_refused(#[case] base: &str) {
        assert!(matches!(BaseUrl::parse(base), Err(ConfigError::BaseUrl)));
    }

    #[test]
    fn a_user_and_a_password_are_sent_as_a_header_and_not_shown() {
        let headers = BaseUrl::parse("http://me:h%C3%BCsh@h:2000")
            .unwrap()
            .headers();
        let headers = headers.unwrap();
        assert_eq!(headers[HOST], "h:2000");
        assert_eq!(headers[AUTHORIZATION], "Basic bWU6aMO8c2g=");
        assert!(!format!("{headers:?}").contains("Basic"));
    }
}
