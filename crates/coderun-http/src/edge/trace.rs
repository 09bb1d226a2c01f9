//! The trace that a request says it belongs to (W3C Trace Context).

use actix_web::http::header::HeaderMap;
use coderun_domain::TraceContext;

const HEADER: &str = "traceparent";

/// The trace of a request. One that is not well formed counts as none, as the recommendation asks; so do several.
pub(super) fn trace_of(headers: &HeaderMap) -> Option<TraceContext> {
    let mut values = headers.get_all(HEADER);
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok()?.parse().ok(),
        (_, Some(_)) | (None, None) => None,
    }
}
