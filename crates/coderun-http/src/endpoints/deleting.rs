//! `DELETE` of one execution and of all: what is a user's goes when the user says so.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};

use super::parse_id;
use crate::authentication::Authenticated;
use crate::problem::Problem;
use crate::state::AppState;

/// `DELETE /api/v1/executions/{id}`
pub(crate) async fn delete(
    caller: Authenticated,
    id: web::Path<String>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let user = &caller.0.user;
    state.ports.executions.delete(user, parse_id(&id)?).await?;
    Ok(HttpResponse::new(StatusCode::NO_CONTENT))
}

/// `DELETE /api/v1/executions`
pub(crate) async fn delete_all(
    caller: Authenticated,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    state.ports.executions.delete_all(&caller.0.user).await?;
    Ok(HttpResponse::new(StatusCode::NO_CONTENT))
}
