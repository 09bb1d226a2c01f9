//! `POST /api/v1/executions/ticket/{id}`: what may stand in a URL in place of a token.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};

use super::{json, parse_id};
use crate::authentication::Authenticated;
use crate::problem::Problem;
use crate::state::AppState;
use crate::wire::TicketAnswer;

/// Makes a ticket for one of the caller's executions.
pub(crate) async fn issue(
    caller: Authenticated,
    id: web::Path<String>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let executions = &state.ports.executions;
    let issued = executions.issue_ticket(&caller.0, parse_id(&id)?).await?;
    json(StatusCode::CREATED, &TicketAnswer::from(&issued), 96)
}
