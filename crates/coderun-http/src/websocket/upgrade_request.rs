//! Parses the upgrade request of a WebSocket.

use actix_web::HttpRequest;
use actix_web::http::header;
use coderun_domain::{ExecutionId, Sequence};

use super::{CloseFrame, PROTOCOL};
use crate::HttpConfig;
use crate::authentication::{Credentials, TokenError, find_credentials};
use crate::headers::text;
use crate::query::Query;
use crate::watching::Dialect;

/// The parsed parts of an upgrade request. Each invalid part is the close frame to answer it with.
pub(super) struct UpgradeRequest {
    pub(super) origin: Result<(), CloseFrame>,
    pub(super) credentials: Result<Credentials, TokenError>,
    pub(super) id: Result<ExecutionId, CloseFrame>,
    pub(super) since: Result<Option<Sequence>, CloseFrame>,
    pub(super) dialect: Dialect,
    /// Whether the client offers the subprotocol.
    pub(super) offers_protocol: bool,
}

impl UpgradeRequest {
    pub(super) fn of(request: &HttpRequest, config: &HttpConfig) -> Self {
        let since = Query::parse(request.query_string()).since();
        let since = since.map_err(|_| CloseFrame::INVALID_SINCE);
        let resumes = !matches!(since, Ok(None));
        let offers_protocol = offers_protocol(request);
        let dialect = if resumes || offers_protocol {
            Dialect::Full
        } else {
            Dialect::Core
        };
        let id = request.match_info().get("id").unwrap_or_default();
        Self {
            origin: check_origin(request, config),
            credentials: find_credentials(request),
            id: id.parse().map_err(|_| CloseFrame::NOT_FOUND),
            since,
            dialect,
            offers_protocol,
        }
    }

    /// The id for the log, or `-`: a malformed id is not logged.
    pub(super) fn id_text(&self) -> String {
        self.id.map_or_else(|_| "-".to_owned(), |id| id.to_string())
    }
}

fn check_origin(request: &HttpRequest, config: &HttpConfig) -> Result<(), CloseFrame> {
    let headers = request.headers();
    let host = text(headers, header::HOST);
    let mut origins = headers.get_all(header::ORIGIN);
    let allowed = origins.all(|origin| {
        let origin = origin.to_str().ok();
        origin.is_some_and(|origin| config.origins.allows(origin, host))
    });
    if allowed {
        Ok(())
    } else {
        Err(CloseFrame::ORIGIN_NOT_ALLOWED)
    }
}

fn offers_protocol(request: &HttpRequest) -> bool {
    let offers = request.headers().get_all(header::SEC_WEBSOCKET_PROTOCOL);
    offers
        .filter_map(|offer| offer.to_str().ok())
        .flat_map(|offer| offer.split(','))
        .any(|protocol| protocol.trim() == PROTOCOL)
}
