//! Decides which web pages may read responses (the CORS protocol of the Fetch standard).

use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderValue};

use crate::AllowedOrigins;
use crate::headers::text;

const METHODS: &str = "GET, HEAD, POST, DELETE";
const REQUEST_HEADERS: &str =
    "Authorization, Content-Type, Last-Event-ID, Traceparent, X-Request-Id";
const RESPONSE_HEADERS: &str = "Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id";
/// How long a browser may cache the answer to a preflight, in seconds.
const PREFLIGHT_MAX_AGE: &str = "600";

/// The origin of a request. It is `None` if the request does not come from a web page.
pub(super) struct Origin(Option<PageOrigin>);

struct PageOrigin {
    value: HeaderValue,
    is_allowed: bool,
    is_preflight: bool,
}

impl Origin {
    pub(super) fn of(method: &Method, headers: &HeaderMap, allowed: &AllowedOrigins) -> Self {
        let host = text(headers, header::HOST);
        let page = headers.get(header::ORIGIN).map(|origin| PageOrigin {
            value: origin.clone(),
            is_allowed: origin.to_str().is_ok_and(|text| allowed.allows(text, host)),
            is_preflight: method == Method::OPTIONS
                && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD),
        });
        Self(page)
    }

    pub(super) fn is_allowed(&self) -> bool {
        self.0.as_ref().is_none_or(|page| page.is_allowed)
    }

    pub(super) fn is_preflight(&self) -> bool {
        self.0.as_ref().is_some_and(|page| page.is_preflight)
    }

    /// Adds the headers that tell the browser whether the page may read the response.
    pub(super) fn add_headers(&self, headers: &mut HeaderMap) {
        let Some(page) = &self.0 else { return };
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        if !page.is_allowed {
            return;
        }
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, page.value.clone());
        let others: &[_] = if page.is_preflight {
            &[
                (header::ACCESS_CONTROL_ALLOW_METHODS, METHODS),
                (header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS),
                (header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_MAX_AGE),
            ]
        } else {
            &[(header::ACCESS_CONTROL_EXPOSE_HEADERS, RESPONSE_HEADERS)]
        };
        for (name, value) in others {
            headers.insert(name.clone(), HeaderValue::from_static(value));
        }
    }
}
