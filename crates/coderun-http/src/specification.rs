//! Serves the specifications of the API, and a page that shows them.
//!
//! The documents are written by hand: the tests of this crate check every answer that they get against them.

mod html;

use actix_web::http::header::ContentType;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::problem::Problem;
use crate::state::AppState;

pub(crate) use html::PageParts;

/// Describes the routes, errors and headers: `OpenAPI` 3.1, as JSON.
pub const OPENAPI: &str = include_str!("specification/openapi.json");

/// Describes the messages of sockets and of server-sent events: `AsyncAPI` 3, as JSON.
pub const ASYNCAPI: &str = include_str!("specification/asyncapi.json");

/// The documents as a page for people.
pub(crate) fn page(parts: PageParts<'_>) -> String {
    html::render(OPENAPI, parts)
}

/// `GET /openapi.json`
pub(crate) async fn openapi() -> HttpResponse {
    HttpResponse::Ok()
        .content_type(ContentType::json())
        .body(OPENAPI)
}

/// `GET /asyncapi.json`
pub(crate) async fn asyncapi() -> HttpResponse {
    HttpResponse::Ok()
        .content_type(ContentType::json())
        .body(ASYNCAPI)
}

/// `GET /docs`
pub(crate) async fn docs(
    request: HttpRequest,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    state.page.docs().answer(&request).await
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    #[test]
    fn every_route_of_the_router_is_specified() {
        let document: Value = serde_json::from_str(OPENAPI).unwrap();
        let specified: BTreeSet<_> = document["paths"].as_object().unwrap().keys().collect();
        let source = include_str!("routes.rs");
        let registered = source
            .split('"')
            .skip(1)
            .step_by(2)
            .filter(|text| text.starts_with('/'));
        let registered: BTreeSet<_> = registered.map(str::to_owned).collect();
        assert_eq!(registered.iter().collect::<BTreeSet<_>>(), specified);
    }

    #[test]
    fn the_specifications_have_the_version_of_the_crate() {
        for text in [OPENAPI, ASYNCAPI] {
            let document: Value = serde_json::from_str(text).unwrap();
            assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document: Value = serde_json::from_str(OPENAPI).unwrap();
        let messages: Value = serde_json::from_str(ASYNCAPI).unwrap();
        for (text, own) in [(OPENAPI, &document), (ASYNCAPI, &messages)] {
            for reference in text.split("\"$ref\": \"").skip(1) {
                let reference = reference.split('"').next().unwrap();
                let (file, pointer) = reference.split_once('#').unwrap();
                let target = if file == "openapi.json" {
                    &document
                } else {
                    own
                };
                assert!(target.pointer(pointer).is_some(), "{reference}");
            }
        }
    }
}
