//! Checks answers against the OpenAPI document.

use std::sync::LazyLock;

use reqwest::Method;
use serde_json::{Value, json};

use super::request::Answer;

/// The document, in which no object has other fields than those that it names.
static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let text = coderun_http::OPENAPI;
    let mut document: Value = serde_json::from_str(text).unwrap();
    close(&mut document["components"]["schemas"]);
    document
});

/// Forbids what is not named: the document itself leaves clients room for additions.
fn close(schema: &mut Value) {
    if schema.get("properties").is_some_and(Value::is_object) && schema.get("type").is_some() {
        schema["additionalProperties"] = json!(false);
    }
    match schema {
        Value::Object(fields) => fields.values_mut().for_each(close),
        Value::Array(entries) => entries.iter_mut().for_each(close),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Checks that the document knows this answer to a request: its status, headers, media type and body.
pub(crate) fn check(method: &Method, path: &str, answer: &Answer) {
    let Some(item) = find_path(path) else {
        assert_eq!(answer.status, 404, "{method} {path} is not specified");
        return;
    };
    let name = if method == Method::HEAD {
        "get"
    } else {
        &method.as_str().to_ascii_lowercase()
    };
    let Some(operation) = item.get(name) else {
        let is_refused = answer.status == 405 || method == Method::OPTIONS;
        assert!(
            is_refused,
            "{method} {path} is not specified: {}",
            answer.status
        );
        return;
    };
    let response = &operation["responses"][answer.status.to_string()];
    assert!(
        response.is_object(),
        "{method} {path} may not answer {}: {}",
        answer.status,
        answer.text
    );
    let response = resolve(response);
    for header in DOCUMENT["components"]["headers"]
        .as_object()
        .unwrap()
        .keys()
    {
        let is_sent = answer.headers.contains_key(header.to_ascii_lowercase());
        let is_known = response["headers"].get(header).is_some();
        assert!(
            !is_sent || is_known,
            "{method} {path} may not send {header}"
        );
    }
    if method == Method::HEAD || answer.text.is_empty() {
        return;
    }
    let media_type = answer.header("content-type").split(';').next().unwrap();
    let media = &response["content"][media_type];
    assert!(
        media.is_object(),
        "{method} {path} may not answer {media_type}"
    );
    if media_type.ends_with("json") {
        let schema = json!({"allOf": [media["schema"]], "components": DOCUMENT["components"]});
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let errors: Vec<_> = validator
            .iter_errors(&answer.json())
            .map(|error| error.to_string())
            .collect();
        assert!(
            errors.is_empty(),
            "{method} {path}: {errors:#?} in {}",
            answer.text
        );
    }
}

fn resolve(value: &Value) -> &Value {
    match value["$ref"].as_str() {
        Some(reference) => DOCUMENT.pointer(reference.trim_start_matches('#')).unwrap(),
        None => value,
    }
}

/// The item of a path, with any text in the place of `{id}`.
fn find_path(path: &str) -> Option<&'static Value> {
    let path = path.split('?').next().unwrap();
    let path = path
        .strip_suffix('/')
        .filter(|rest| !rest.is_empty())
        .unwrap_or(path);
    let paths = DOCUMENT["paths"].as_object().unwrap();
    if let Some(item) = paths.get(path) {
        return Some(item);
    }
    let (parent, id) = path.rsplit_once('/')?;
    let item = paths.get(&format!("{parent}/{{id}}"));
    item.filter(|_| !id.is_empty())
}
