//! Continues traces that began in another process.

use coderun_domain::TraceContext;
use opentelemetry::trace::{
    SpanBuilder, SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState, Tracer,
};
use opentelemetry::{Context, KeyValue};

/// The field of a span that names its remote parent, in the format of the `traceparent` header.
const FIELD: &str = "traceparent";

/// A tracer that gives a span with the field `traceparent` that parent, instead of the span around it.
///
/// So code that creates spans does not need OpenTelemetry.
#[derive(Debug)]
pub(super) struct RemoteParentTracer<T>(pub(super) T);

impl<T: Tracer> Tracer for RemoteParentTracer<T> {
    type Span = T::Span;

    fn build_with_context(&self, mut builder: SpanBuilder, parent: &Context) -> Self::Span {
        match take_parent(&mut builder) {
            Some(remote) => {
                let parent = parent.with_remote_span_context(remote);
                self.0.build_with_context(builder, &parent)
            }
            None => self.0.build_with_context(builder, parent),
        }
    }
}

/// Removes the field from the span; `None` if it is missing or invalid.
fn take_parent(builder: &mut SpanBuilder) -> Option<SpanContext> {
    let attributes = builder.attributes.as_mut()?;
    let index = attributes.iter().position(is_parent)?;
    let attribute = attributes.swap_remove(index);
    let context: TraceContext = attribute.value.as_str().parse().ok()?;
    let flags = if context.is_sampled() {
        TraceFlags::SAMPLED
    } else {
        TraceFlags::NOT_SAMPLED
    };
    Some(SpanContext::new(
        TraceId::from_hex(&context.trace_id()).ok()?,
        SpanId::from_hex(&context.parent_id()).ok()?,
        flags,
        true,
        TraceState::NONE,
    ))
}

fn is_parent(attribute: &KeyValue) -> bool {
    attribute.key.as_str() == FIELD
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn builder(value: &'static str) -> SpanBuilder {
        let attributes = [KeyValue::new("other", 1), KeyValue::new(FIELD, value)];
        SpanBuilder::from_name("a span").with_attributes(attributes)
    }

    /// The names of the remaining fields.
    fn remaining(builder: &SpanBuilder) -> Vec<&str> {
        let attributes = builder.attributes.iter().flatten();
        attributes.map(|attribute| attribute.key.as_str()).collect()
    }

    #[rstest]
    #[case("01", true)]
    #[case("00", false)]
    fn the_field_becomes_the_parent(#[case] flags: &str, #[case] is_sampled: bool) {
        let text = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flags}");
        let mut builder = builder(text.leak());
        let parent = take_parent(&mut builder).unwrap();
        let trace_id = parent.trace_id().to_string();
        assert_eq!(trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(parent.span_id().to_string(), "00f067aa0ba902b7");
        assert_eq!(parent.is_sampled(), is_sampled);
        assert!(parent.is_remote());
        assert_eq!(remaining(&builder), ["other"]);
    }

    #[test]
    fn an_invalid_trace_context_is_removed_and_ignored() {
        let mut builder = builder("nonsense");
        assert!(take_parent(&mut builder).is_none());
        assert_eq!(remaining(&builder), ["other"]);
    }

    #[test]
    fn a_span_without_the_field_keeps_its_parent() {
        let mut builder = SpanBuilder::from_name("a span");
        assert!(take_parent(&mut builder).is_none());
    }
}
