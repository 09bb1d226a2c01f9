//! Maps paths and methods to their handlers.

use actix_web::{Resource, web};

use crate::endpoints::{executions, service, status};
use crate::{sse, websocket};

/// The pattern of a request's route, such as `/api/v1/executions/status/{id}`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RoutePattern(pub(crate) &'static str);

/// Registers all routes.
pub(crate) fn api(app: &mut web::ServiceConfig) {
    health(app);
    get(app, "/", service::root);
    get(app, "/api/v1/auth/verify", service::verify);
    get(app, "/api/v1/languages", service::languages);
    get(app, "/api/v1/capabilities", service::capabilities);
    post(app, "/api/v1/executions/execute", executions::submit);
    get(app, "/api/v1/executions/status/{id}", status::status);
    post(app, "/api/v1/executions/cancel/{id}", executions::cancel);
    post(
        app,
        "/api/v1/executions/ticket/{id}",
        executions::issue_ticket,
    );
    watching(app);
    let all = at("/api/v1/executions")
        .route(web::get().to(executions::list))
        .route(web::head().to(executions::list))
        .route(web::delete().to(executions::delete_all));
    app.service(all);
    let one = at("/api/v1/executions/{id}").route(web::delete().to(executions::delete));
    app.service(one);
}

/// The routes of watchers. They do not answer HEAD, because their response has no fixed body.
fn watching(app: &mut web::ServiceConfig) {
    let socket = at("/api/v1/executions/ws/{id}").route(web::get().to(websocket::open));
    let stream = at("/api/v1/executions/events/{id}").route(web::get().to(sse::open));
    app.service(socket).service(stream);
}

/// Registers the health routes, which a process without an API has as well.
pub(crate) fn health(app: &mut web::ServiceConfig) {
    get(app, "/health", service::health);
    get(app, "/health/", service::health);
    get(app, "/health/ready", service::ready);
    app.default_service(web::to(service::not_found));
}

/// Registers a handler for GET and HEAD.
fn get<Handler, Arguments>(app: &mut web::ServiceConfig, pattern: &'static str, handler: Handler)
where
    Handler: actix_web::Handler<Arguments> + Clone,
    Arguments: actix_web::FromRequest + 'static,
    Handler::Output: actix_web::Responder + 'static,
{
    let resource = at(pattern)
        .route(web::get().to(handler.clone()))
        .route(web::head().to(handler));
    app.service(resource);
}

fn post<Handler, Arguments>(app: &mut web::ServiceConfig, pattern: &'static str, handler: Handler)
where
    Handler: actix_web::Handler<Arguments>,
    Arguments: actix_web::FromRequest + 'static,
    Handler::Output: actix_web::Responder + 'static,
{
    app.service(at(pattern).route(web::post().to(handler)));
}

fn at(pattern: &'static str) -> Resource {
    web::resource(pattern).app_data(RoutePattern(pattern))
}
