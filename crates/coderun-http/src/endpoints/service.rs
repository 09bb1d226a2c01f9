//! Handles the routes about the service itself: health, languages, capabilities and the caller's identity.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};

use crate::authentication::Authenticated;
use crate::problem::Problem;
use crate::state::{AppState, HealthState};
use crate::wire::{Capabilities, Health, Languages, Ready, Verified};

/// `GET /health/`
pub(crate) async fn health(state: web::Data<HealthState>) -> HttpResponse {
    HttpResponse::Ok().json(describe(&state))
}

/// `GET /health/ready`
pub(crate) async fn ready(state: web::Data<HealthState>) -> HttpResponse {
    let readiness = &state.readiness;
    let checks = readiness.checks().await;
    let ready = Ready::new(describe(&state), &checks, readiness.is_draining());
    let status = if ready.is_ready() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    HttpResponse::build(status).json(ready)
}

fn describe(state: &HealthState) -> Health<'_> {
    let config = &state.config;
    Health::new(state.clock.now(), &config.service, &config.version)
}

/// `GET /api/v1/languages`
pub(crate) async fn languages(state: web::Data<AppState>) -> Result<HttpResponse, Problem> {
    let view = state.ports.executions.fleet_view()?;
    Ok(HttpResponse::Ok().json(Languages::of(&view)))
}

/// `GET /api/v1/capabilities`
pub(crate) async fn capabilities(state: web::Data<AppState>) -> HttpResponse {
    let view = state.ports.executions.fleet_view();
    let offers = view.as_ref().map_or(&[][..], |it| it.offers());
    HttpResponse::Ok().json(Capabilities::of(offers, state.ports.sign_in.as_ref()))
}

/// `GET /api/v1/auth/verify`
pub(crate) async fn verify(caller: Authenticated) -> HttpResponse {
    HttpResponse::Ok().json(Verified::from(&caller.0))
}

/// Answers every unknown path.
pub(crate) async fn not_found() -> Result<HttpResponse, Problem> {
    Err(no_such_path())
}

/// The problem of an unknown path.
pub(super) fn no_such_path() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "Not Found")
}
