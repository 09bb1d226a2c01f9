//! The table of routes.

use actix_web::{Resource, web};

use crate::edge::RoutePattern;
use crate::endpoints::{deleting, executions, service, status, tickets};
use crate::{sse, websocket};

/// Puts every route where it belongs.
pub(crate) fn api(app: &mut web::ServiceConfig) {
    health(app);
    get(app, "/", service::root);
    get(app, "/api/v1/auth/verify", service::verify);
    get(app, "/api/v1/languages", service::languages);
    get(app, "/api/v1/capabilities", service::capabilities);
    post(app, "/api/v1/executions/execute", executions::submit);
    get(app, "/api/v1/executions/status/{id}", status::status);
    post(app, "/api/v1/executions/cancel/{id}", executions::cancel);
    post(app, "/api/v1/executions/ticket/{id}", tickets::issue);
    watching(app);
    let all = at("/api/v1/executions")
        .route(web::get().to(executions::list))
        .route(web::head().to(executions::list))
        .route(web::delete().to(deleting::delete_all));
    app.service(all);
    let one = at("/api/v1/executions/{id}").route(web::delete().to(deleting::delete));
    app.service(one);
}

/// Neither answers HEAD, for what they have to say comes after the head.
fn watching(app: &mut web::ServiceConfig) {
    let socket = at("/api/v1/executions/ws/{id}").route(web::get().to(websocket::open));
    let stream = at("/api/v1/executions/events/{id}").route(web::get().to(sse::open));
    app.service(socket).service(stream);
}

/// The routes of whoever has nothing to show but how it is; they are part of the others.
pub(crate) fn health(app: &mut web::ServiceConfig) {
    get(app, "/health", service::health);
    get(app, "/health/", service::health);
    get(app, "/health/ready", service::ready);
    app.default_service(web::to(service::nowhere));
}

/// A route that answers GET, and HEAD like it.
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
