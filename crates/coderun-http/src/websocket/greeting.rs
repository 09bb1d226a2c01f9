//! What a client says of itself in its upgrade request.

use actix_web::HttpRequest;
use actix_web::http::header;
use coderun_domain::{ExecutionId, Sequence};

use super::{Closing, PROTOCOL};
use crate::HttpConfig;
use crate::authentication::{Credentials, TokenError, find_credentials};
use crate::query::{Query, whole_number};
use crate::watching::Dialect;

/// What an upgrade request asks for, taken apart; whatever is wrong with it is the reason to close.
pub(super) struct Greeting {
    pub(super) origin: Result<(), Closing>,
    pub(super) credentials: Result<Credentials, TokenError>,
    pub(super) id: Result<ExecutionId, Closing>,
    pub(super) since: Result<Option<Sequence>, Closing>,
    pub(super) dialect: Dialect,
}

impl Greeting {
    pub(super) fn of(request: &HttpRequest, config: &HttpConfig) -> Self {
        let since = since(request);
        let resumes = !matches!(since, Ok(None));
        let dialect = if resumes || offers_protocol(request) {
            Dialect::Full
        } else {
            Dialect::Core
        };
        let id = request.match_info().get("id").unwrap_or_default();
        Self {
            origin: check_origin(request, config),
            credentials: find_credentials(request),
            id: id.parse().map_err(|_| Closing::ABSENT),
            since,
            dialect,
        }
    }

    /// The id for the log; what is no id is not logged.
    pub(super) fn id_text(&self) -> String {
        self.id.map_or_else(|_| "-".to_owned(), |id| id.to_string())
    }
}

fn check_origin(request: &HttpRequest, config: &HttpConfig) -> Result<(), Closing> {
    let headers = request.headers();
    let host = headers.get(header::HOST).and_then(|it| it.to_str().ok());
    let mut origins = headers.get_all(header::ORIGIN);
    let allowed = origins.all(|origin| {
        let origin = origin.to_str().ok();
        origin.is_some_and(|origin| config.origins.allows(origin, host))
    });
    if allowed {
        Ok(())
    } else {
        Err(Closing::FOREIGN_ORIGIN)
    }
}

fn offers_protocol(request: &HttpRequest) -> bool {
    let offers = request.headers().get_all(header::SEC_WEBSOCKET_PROTOCOL);
    offers
        .filter_map(|offer| offer.to_str().ok())
        .flat_map(|offer| offer.split(','))
        .any(|protocol| protocol.trim() == PROTOCOL)
}

fn since(request: &HttpRequest) -> Result<Option<Sequence>, Closing> {
    let query = Query::parse(request.query_string());
    let Some(text) = query.get("since").map_err(|_| Closing::BAD_SINCE)? else {
        return Ok(None);
    };
    whole_number(text)
        .map(|number| Some(Sequence::from_number(number)))
        .ok_or(Closing::BAD_SINCE)
}
