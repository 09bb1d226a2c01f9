//! Which web pages may read answers (the Fetch standard's CORS protocol). Closed unless the configuration opens it.

use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderValue};

use crate::AllowedOrigins;

const METHODS: &str = "GET, HEAD, POST, DELETE";
const REQUEST_HEADERS: &str =
    "Authorization, Content-Type, Last-Event-ID, Traceparent, X-Request-Id";
const RESPONSE_HEADERS: &str = "Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id";
/// How long a browser may remember the answer to a preflight, in seconds.
const PREFLIGHT_MAX_AGE: &str = "600";

/// The page that a request comes from, and what may be done about it.
pub(super) enum Origin {
    /// It comes from no page, or from the server's own.
    Own,
    /// It comes from a page that may not call.
    Foreign { preflight: bool },
    /// It comes from a page that may.
    Allowed {
        origin: HeaderValue,
        preflight: bool,
    },
}

impl Origin {
    pub(super) fn of(method: &Method, headers: &HeaderMap, allowed: &AllowedOrigins) -> Self {
        let Some(origin) = headers.get(header::ORIGIN) else {
            return Self::Own;
        };
        let preflight = method == Method::OPTIONS
            && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        let host = headers.get(header::HOST).and_then(|it| it.to_str().ok());
        if origin.to_str().is_ok_and(|text| allowed.allows(text, host)) {
            Self::Allowed {
                origin: origin.clone(),
                preflight,
            }
        } else {
            Self::Foreign { preflight }
        }
    }

    pub(super) const fn is_allowed(&self) -> bool {
        match self {
            Self::Own | Self::Allowed { .. } => true,
            Self::Foreign { .. } => false,
        }
    }

    pub(super) const fn is_preflight(&self) -> bool {
        match self {
            Self::Own => false,
            Self::Foreign { preflight } | Self::Allowed { preflight, .. } => *preflight,
        }
    }

    /// Adds to an answer what tells the browser whether the page may read it.
    pub(super) fn complete(&self, headers: &mut HeaderMap) {
        let (origin, preflight) = match self {
            Self::Own => return,
            Self::Foreign { .. } => {
                headers.append(header::VARY, HeaderValue::from_static("Origin"));
                return;
            }
            Self::Allowed { origin, preflight } => (origin, *preflight),
        };
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        if preflight {
            let answers = [
                (header::ACCESS_CONTROL_ALLOW_METHODS, METHODS),
                (header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS),
                (header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_MAX_AGE),
            ];
            for (name, value) in answers {
                headers.insert(name, HeaderValue::from_static(value));
            }
        } else {
            headers.insert(
                header::ACCESS_CONTROL_EXPOSE_HEADERS,
                HeaderValue::from_static(RESPONSE_HEADERS),
            );
        }
    }
}
