//! Maps paths and methods to their handlers.

use actix_web::{Resource, web};

use crate::endpoints::{batch, development_token, executions, page, service, status, submit};
use crate::{specification, sse, websocket};

/// The pattern of a request's route, such as `/api/v1/executions/status/{id}`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RoutePattern(pub(crate) &'static str);

/// The route that gives the page a token: no page of another origin may use it, whatever the settings say.
pub(crate) const DEVELOPMENT_TOKEN: &str = "/api/v1/auth/development-token";

/// Registers all routes.
pub(crate) fn api(app: &mut web::ServiceConfig) {
    health(app);
    get(app, "/", page::root);
    get(app, "/assets/{file}", page::asset);
    get(app, "/embed.js", page::embed);
    get(app, "/favicon.ico", page::icon);
    get(app, "/favicon.svg", page::icon);
    get(app, "/openapi.json", specification::openapi);
    get(app, "/asyncapi.json", specification::asyncapi);
    get(app, "/docs", specification::docs);
    get(app, "/api/v1/auth/verify", service::verify);
    get(app, "/api/v1/usage", executions::usage);
    get(app, "/api/v1/languages", service::languages);
    get(app, "/api/v1/capabilities", service::capabilities);
    get(app, "/api/v1/executions/status/{id}", status::status);
    get(app, "/api/v1/executions/ws/{id}", websocket::open);
    get(app, "/api/v1/executions/events/{id}", sse::open);
    let all = at("/api/v1/executions")
        .get(executions::list)
        .head(executions::list)
        .delete(executions::delete_all);
    // Without a page that may have a token, the route does not exist, for any method.
    let token = at(DEVELOPMENT_TOKEN)
        .post(development_token::issue)
        .default_service(web::to(service::not_found));
    app.service(token)
        .service(at("/api/v1/executions/execute").post(submit::submit))
        .service(at("/api/v1/executions/batch").post(batch::submit_batch))
        .service(at("/api/v1/executions/cancel/{id}").post(executions::cancel))
        .service(at("/api/v1/executions/ticket/{id}").post(executions::issue_ticket))
        .service(all)
        .service(at("/api/v1/executions/{id}").delete(executions::delete));
}

/// Registers the health routes, which a process without an API has as well.
pub(crate) fn health(app: &mut web::ServiceConfig) {
    get(app, "/health", service::health);
    get(app, "/health/ready", service::ready);
    app.default_service(web::to(service::not_found));
}

/// Registers a handler for GET and HEAD.
fn get<Handler, Arguments>(app: &mut web::ServiceConfig, pattern: &'static str, handler: Handler)
where
    Handler: actix_web::Handler<Arguments>,
    Arguments: actix_web::FromRequest + 'static,
    Handler::Output: actix_web::Responder + 'static,
{
    app.service(at(pattern).get(handler.clone()).head(handler));
}

fn at(pattern: &'static str) -> Resource {
    web::resource(pattern).app_data(RoutePattern(pattern))
}
