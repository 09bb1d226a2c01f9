//! Decides which web pages may read responses (the CORS protocol of the Fetch standard).

use actix_web::dev::ServiceRequest;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderValue};

use crate::AllowedOrigins;
use crate::headers::text;
use crate::routes::DEVELOPMENT_TOKEN;

const METHODS: &str = "GET, HEAD, POST, DELETE";
/// The headers of answers that scripts may read beside those that the Fetch standard lets them read anyway.
const RESPONSE_HEADERS: &str = "Allow, Location, Preference-Applied, RateLimit, RateLimit-Policy, Retry-After, \
    WWW-Authenticate, X-Request-Id";
/// How long a browser may cache the answer to a preflight, in seconds.
const PREFLIGHT_MAX_AGE: &str = "600";

/// The web page that sends a request.
pub(super) struct PageOrigin {
    value: HeaderValue,
    pub(super) is_allowed: bool,
    pub(super) is_preflight: bool,
    /// The headers that a preflight asks for. All are allowed: tokens carry the right, not cookies.
    requested_headers: Option<HeaderValue>,
}

impl PageOrigin {
    /// The page, or `None` if the request does not come from one, or goes to a route that no page of another origin may use.
    pub(super) fn of(request: &ServiceRequest, allowed: &AllowedOrigins) -> Option<Self> {
        if is_private(request) {
            return None;
        }
        let (method, headers) = (request.method(), request.headers());
        let host = text(headers, header::HOST);
        headers.get(header::ORIGIN).map(|origin| Self {
            value: origin.clone(),
            is_allowed: origin.to_str().is_ok_and(|text| allowed.allows(text, host)),
            is_preflight: method == Method::OPTIONS
                && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD),
            requested_headers: headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned(),
        })
    }

    /// Adds the headers that tell the browser whether the page may read the response.
    pub(super) fn add_headers(&self, headers: &mut HeaderMap) {
        if headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
            // The handler lets pages of any origin read it.
            return;
        }
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        if !self.is_allowed {
            return;
        }
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, self.value.clone());
        let fixed: &[_] = if self.is_preflight {
            &[
                (header::ACCESS_CONTROL_ALLOW_METHODS, METHODS),
                (header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_MAX_AGE),
            ]
        } else {
            &[(header::ACCESS_CONTROL_EXPOSE_HEADERS, RESPONSE_HEADERS)]
        };
        for (name, value) in fixed {
            headers.insert(name.clone(), HeaderValue::from_static(value));
        }
        if let Some(requested) = self
            .requested_headers
            .as_ref()
            .filter(|_| self.is_preflight)
        {
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, requested.clone());
        }
    }
}

/// Whether the path is that of development tokens, as the router reads it: decoded, and without a slash at its end.
fn is_private(request: &ServiceRequest) -> bool {
    let path = request.match_info().as_str();
    path.strip_suffix('/').unwrap_or(path) == DEVELOPMENT_TOKEN
}
