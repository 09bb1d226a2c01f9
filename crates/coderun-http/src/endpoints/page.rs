//! Handles the routes of the page for people.

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};

use super::service;
use crate::accept;
use crate::problem::Problem;
use crate::state::AppState;
use crate::wire::Root;

/// `GET /`: the page for those who ask for HTML by name, and JSON for everybody else.
pub(crate) async fn root(
    request: HttpRequest,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let wants_html = accept::names(request.headers(), header::ACCEPT, "text/html");
    if let Some(page) = state.page.file("index.html").filter(|_| wants_html) {
        return page.answer(&request).await;
    }
    let config = &state.config;
    Ok(HttpResponse::Ok()
        .insert_header((header::VARY, HeaderValue::from_static("Accept")))
        .json(Root::new(&config.service, &config.version)))
}

/// `GET /assets/{file}`
pub(crate) async fn asset(
    request: HttpRequest,
    name: web::Path<String>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    answer(&request, &state, &format!("assets/{name}")).await
}

/// `GET /embed.js`
pub(crate) async fn embed(
    request: HttpRequest,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    answer(&request, &state, "embed.js").await
}

/// `GET /favicon.svg`, and `/favicon.ico` for those who ask for nothing else.
pub(crate) async fn icon(
    request: HttpRequest,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    answer(&request, &state, "favicon.svg").await
}

async fn answer(
    request: &HttpRequest,
    state: &AppState,
    path: &str,
) -> Result<HttpResponse, Problem> {
    match state.page.file(path) {
        Some(file) => file.answer(request).await,
        None => Err(service::no_such_path()),
    }
}
