//! Handles `POST /api/v1/auth/development-token`: gives the page a token, on this very machine alone.
//!
//! A token lets its owner run programs here. So no page of another origin may come by one, no other machine, and no page of a
//! name that leads here by DNS rebinding. To all of them the route does not exist.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use actix_web::http::Version;
use actix_web::http::header::{self, HeaderMap, HeaderName};
use actix_web::{HttpRequest, HttpResponse, web};
use coderun_domain::BackendError;

use super::service;
use crate::connections::RequestState;
use crate::headers::{ascii, single};
use crate::problem::Problem;
use crate::sign_in::is_loopback;
use crate::state::AppState;
use crate::wire::IssuedToken;
use crate::{AllowedHosts, SignIn};

/// Headers of proxies, behind which anybody may be. Beside them there are those that begin with `x-forwarded-`.
const OF_PROXIES: [&str; 3] = ["forwarded", "via", "x-real-ip"];

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// `POST /api/v1/auth/development-token`
pub(crate) async fn issue(
    request: HttpRequest,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let Some(SignIn::Development(tokens)) = &state.ports.sign_in else {
        return Err(service::no_such_path());
    };
    let connection = request.conn_data::<Rc<RequestState>>();
    let peer = connection.and_then(|connection| connection.peer_address());
    // Proxies that say nothing of themselves often speak the old version, and no browser does.
    let is_direct = request.version() >= Version::HTTP_11 && !is_passed_on(request.headers());
    if !(is_direct && comes_from_own_page(request.headers()) && is_this_machine(peer)) {
        return Err(service::no_such_path());
    }
    let tokens = Arc::clone(tokens);
    let issuing = tokio::task::spawn_blocking(move || tokens.issue()).await;
    let issued = issuing.map_err(BackendError::from).flatten();
    let issued = issued.map_err(|error| Problem::bug().with_source(error))?;
    Ok(HttpResponse::Ok().json(IssuedToken::from(&issued)))
}

/// Whether a proxy says that it passes the request on.
fn is_passed_on(headers: &HeaderMap) -> bool {
    let mut names = headers.keys().map(HeaderName::as_str);
    names.any(|name| OF_PROXIES.contains(&name) || name.starts_with("x-forwarded-"))
}

/// Whether a page that was loaded from here, under a name of this machine, sends the request.
fn comes_from_own_page(headers: &HeaderMap) -> bool {
    let only = |name: HeaderName| single(headers, name).ok().flatten().and_then(ascii);
    let Some(host) =
        only(header::HOST).filter(|host| AllowedHosts::LoopbackOnly.allows(Some(host)))
    else {
        return false;
    };
    let is_own =
        only(header::ORIGIN).and_then(|origin| origin.strip_prefix("http://")) == Some(host);
    let is_same_origin =
        !headers.contains_key(SEC_FETCH_SITE) || only(SEC_FETCH_SITE) == Some("same-origin");
    is_own && is_same_origin
}

/// Whether the other end of a connection is on this machine. An address that cannot be found out may be any.
fn is_this_machine(peer: Option<SocketAddr>) -> bool {
    peer.is_some_and(is_loopback)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("127.0.0.1:50000", true)]
    #[case("[::1]:50000", true)]
    #[case("192.168.0.2:50000", false)]
    #[case("[fe80::1]:50000", false)]
    #[case("[::ffff:10.0.0.1]:50000", false)]
    fn the_client_must_be_on_this_machine(#[case] peer: SocketAddr, #[case] expected: bool) {
        assert_eq!(is_this_machine(Some(peer)), expected);
        assert!(!is_this_machine(None));
    }
}
