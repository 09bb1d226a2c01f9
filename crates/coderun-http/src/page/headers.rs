//! Decides the headers of the page's files: what the page may load, and who may cache and use each file.

use actix_web::http::header::{self, HeaderName, HeaderValue};

use crate::SignIn;

/// Headers of an answer.
pub(super) type Headers = Vec<(HeaderName, HeaderValue)>;

/// What a page of this server may do: load what the server has itself, and nothing else.
const STRICT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Revalidated at each use.
const CHANGING: HeaderValue = HeaderValue::from_static("no-cache");
/// Never asked for again.
const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

/// The headers of a file of the page.
pub(super) fn of_file(path: &str, sign_in: Option<&SignIn>) -> Headers {
    match path {
        "index.html" => {
            let mut headers = of_document(sign_in);
            headers.push((header::VARY, HeaderValue::from_static("Accept")));
            headers
        }
        "embed.js" => for_any_origin(CHANGING),
        _ if path.starts_with("assets/") => for_any_origin(IMMUTABLE),
        _ => vec![(header::CACHE_CONTROL, CHANGING)],
    }
}

/// The page names this server in the `Referer` of its own requests alone. With `no-referrer`, requests that change something
/// could have the origin `null`.
const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");
/// Keys of Firebase can be restricted to the origins that use them.
const ORIGIN_ALONE: HeaderValue = HeaderValue::from_static("strict-origin");

/// The headers of an HTML document, on which people sign in like this.
pub(super) fn of_document(sign_in: Option<&SignIn>) -> Headers {
    let policy = HeaderValue::try_from(policy(sign_in));
    // A host that cannot stand in a header cannot be allowed either.
    let policy = policy.unwrap_or(HeaderValue::from_static(STRICT_POLICY));
    let referrer = match sign_in {
        Some(SignIn::Firebase { .. }) => ORIGIN_ALONE,
        Some(SignIn::Emulator { .. } | SignIn::Development(_)) | None => SAME_ORIGIN,
    };
    // Sign-in opens a window of another origin, and hears from it.
    let opener = HeaderValue::from_static("same-origin-allow-popups");
    let permissions = HeaderValue::from_static("camera=(), microphone=(), geolocation=()");
    vec![
        (header::CACHE_CONTROL, CHANGING),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::REFERRER_POLICY, referrer),
        (OPENER_POLICY, opener),
        (PERMISSIONS_POLICY, permissions),
    ]
}

/// Pages of any origin load the element of runnable examples, and it loads its parts.
fn for_any_origin(cache_control: HeaderValue) -> Headers {
    vec![
        (header::CACHE_CONTROL, cache_control),
        (
            header::ACCESS_CONTROL_ALLOW_ORIGIN,
            HeaderValue::from_static("*"),
        ),
        (RESOURCE_POLICY, HeaderValue::from_static("cross-origin")),
    ]
}

/// The strict policy with what this kind of sign-in needs besides.
fn policy(sign_in: Option<&SignIn>) -> String {
    let (scripts, connections, frames) = match sign_in {
        Some(SignIn::Firebase { auth_domain, .. }) => (
            " https://apis.google.com",
            " https://identitytoolkit.googleapis.com https://securetoken.googleapis.com".to_owned(),
            format!("https://{auth_domain}"),
        ),
        Some(SignIn::Emulator { host, .. }) => {
            ("", format!(" http://{host}"), format!("http://{host}"))
        }
        Some(SignIn::Development(_)) | None => return STRICT_POLICY.to_owned(),
    };
    let wider = |policy: &str, source: &str, more: &str| {
        let source = format!("{source} 'self'");
        policy.replace(&source, &(source.clone() + more))
    };
    let policy = wider(STRICT_POLICY, "script-src", scripts);
    let policy = wider(&policy, "connect-src", &connections);
    format!("{policy}; frame-src {frames}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn firebase_is_allowed_where_people_sign_in_with_it() {
        let sign_in = SignIn::Firebase {
            api_key: "key".to_owned(),
            auth_domain: "p.firebaseapp.com".to_owned(),
            project_id: "p".to_owned(),
        };
        assert_eq!(
            policy(Some(&sign_in)),
            "default-src 'none'; script-src 'self' https://apis.google.com; style-src 'self'; img-src 'self' data:; \
             font-src 'self'; connect-src 'self' https://identitytoolkit.googleapis.com \
             https://securetoken.googleapis.com; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
             frame-src https://p.firebaseapp.com"
        );
    }

    #[test]
    fn the_emulator_is_allowed_where_people_sign_in_with_it() {
        let sign_in = SignIn::Emulator {
            host: "127.0.0.1:9099".to_owned(),
            project_id: "demo-p".to_owned(),
        };
        assert_eq!(
            policy(Some(&sign_in)),
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
             connect-src 'self' http://127.0.0.1:9099; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
             frame-src http://127.0.0.1:9099"
        );
    }

    #[test]
    fn a_host_that_cannot_stand_in_a_header_is_not_allowed() {
        let sign_in = SignIn::Emulator {
            host: "a\r\nb".to_owned(),
            project_id: "demo-p".to_owned(),
        };
        let policy = (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(STRICT_POLICY),
        );
        assert!(of_document(Some(&sign_in)).contains(&policy));
    }
}
