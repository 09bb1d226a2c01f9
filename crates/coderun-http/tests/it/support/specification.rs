//! Checks answers against the OpenAPI document, and messages against the `AsyncAPI` document.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use jsonschema::Validator;
use parking_lot::Mutex;
use reqwest::Method;
use serde_json::{Value, json};

use super::Server;
use super::page::ASSET;
use super::request::{Answer, Request};

/// The document, in which no object has other fields than those that it names.
static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let text = coderun_http::OPENAPI;
    let mut document: Value = serde_json::from_str(text).unwrap();
    close(&mut document["components"]["schemas"]);
    document
});

static MESSAGES: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(coderun_http::ASYNCAPI).unwrap());

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

/// Checks that the document knows this answer to a request: its status, headers, media type and body. A 429 has all headers that
/// it may have.
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
        let is_refused = [404, 405].contains(&answer.status) || method == Method::OPTIONS;
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
        assert!(
            is_sent || !is_known || answer.status != 429,
            "{method} {path} must send {header} with a 429"
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
        let errors = errors_of(&media["schema"], &answer.json());
        assert!(
            errors.is_empty(),
            "{method} {path}: {errors:#?} in {}",
            answer.text
        );
    }
}

/// Checks that a message is one of those that this operation of the `AsyncAPI` document sends.
pub(crate) fn check_message(operation: &str, message: &Value) {
    let kind = message["type"].as_str().unwrap_or_default();
    let known = &MESSAGES["components"]["messages"][kind];
    let is_sent = known.is_object() && messages_of(operation).contains(&payload(known));
    assert!(is_sent, "`{operation}` may not send {message}");
    let errors = errors_of(&payload(known), message);
    assert!(errors.is_empty(), "{errors:#?} in {message}");
}

/// What is wrong with a value of this schema.
pub(crate) fn errors_of(schema: &Value, value: &Value) -> Vec<String> {
    /// Each is made once, which takes longer than to use it.
    static VALIDATORS: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> =
        LazyLock::new(Mutex::default);
    let mut validators = VALIDATORS.lock();
    let validator = validators.entry(schema.to_string()).or_insert_with(|| {
        let schema = json!({"allOf": [schema], "components": DOCUMENT["components"]});
        let options = jsonschema::draft202012::options().should_validate_formats(true);
        Arc::new(options.build(&schema).unwrap())
    });
    let validator = Arc::clone(validator);
    drop(validators);
    let errors = validator.iter_errors(value);
    errors.map(|error| error.to_string()).collect()
}

/// An operation of the document.
pub(crate) struct Operation {
    pub(crate) id: &'static str,
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    /// The example of a body.
    pub(crate) body: Option<&'static Value>,
    /// Whether it needs no token.
    pub(crate) is_public: bool,
    responses: &'static Value,
}

/// All operations of the document.
pub(crate) fn operations() -> Vec<Operation> {
    let paths = DOCUMENT["paths"].as_object().unwrap().iter();
    let operations = paths.flat_map(|(path, item)| {
        let operations = item.as_object().unwrap().iter();
        operations.map(move |(method, operation)| Operation {
            id: operation["operationId"].as_str().unwrap(),
            method: method.to_ascii_uppercase().parse().unwrap(),
            path,
            body: operation.pointer("/requestBody/content/application~1json/example"),
            is_public: operation["security"] == json!([]),
            responses: &operation["responses"],
        })
    });
    operations.collect()
}

impl Operation {
    pub(crate) fn of_id(id: &str) -> Self {
        let found = operations().into_iter().find(|it| it.id == id);
        found.unwrap_or_else(|| panic!("no operation {id}"))
    }

    /// A request of this operation for this execution, with its example as the body.
    pub(crate) fn request(&self, server: &Server, id: &str, query: &str) -> Request {
        let path = self.path.replace("{id}", id).replace("{file}", ASSET) + query;
        let request = server.request(self.method.clone(), &path);
        match self.body {
            Some(body) => request
                .header("content-type", "application/json")
                .body(body.to_string()),
            None => request,
        }
    }

    /// Its answers, as `operation status` and, for each header, `operation status header`.
    pub(crate) fn answers(&self) -> Vec<String> {
        let responses = self.responses.as_object().unwrap().iter();
        let answers = responses.flat_map(|(status, response)| {
            let entry = format!("{} {status}", self.id);
            let headers = resolve(response)["headers"].as_object();
            let names = headers.into_iter().flat_map(serde_json::Map::keys);
            let names = names.map(|name| format!(" {}", name.to_ascii_lowercase()));
            let suffixes = std::iter::once(String::new()).chain(names);
            let entries: Vec<_> = suffixes.map(|suffix| entry.clone() + &suffix).collect();
            entries
        });
        answers.collect()
    }
}

/// The schemas of the messages of an operation of the `AsyncAPI` document.
pub(crate) fn messages_of(operation: &str) -> Vec<Value> {
    let messages = &MESSAGES["operations"][operation]["messages"];
    let messages = messages.as_array().unwrap().iter();
    let names = messages.map(|it| it["$ref"].as_str().unwrap().rsplit('/').next().unwrap());
    names
        .map(|name| payload(&MESSAGES["components"]["messages"][name]))
        .collect()
}

/// The schemas that a schema is one of.
pub(crate) fn references(schema: &str) -> Vec<Value> {
    let schema = &DOCUMENT["components"]["schemas"][schema];
    schema["oneOf"].as_array().unwrap().clone()
}

/// All examples of both documents, each with its schema.
pub(crate) fn examples() -> Vec<(Value, Value)> {
    let mut found = Vec::new();
    find_examples(&DOCUMENT, &mut found);
    for message in MESSAGES["components"]["messages"]
        .as_object()
        .unwrap()
        .values()
    {
        for example in message["examples"].as_array().unwrap() {
            found.push((payload(message), example["payload"].clone()));
        }
    }
    found
}

/// Finds the examples of parameters, headers and contents.
fn find_examples(value: &Value, found: &mut Vec<(Value, Value)>) {
    if let Some(schema) = value.get("schema") {
        let named = value["examples"].as_object();
        let named = named.into_iter().flat_map(serde_json::Map::values);
        let examples = named
            .map(|named| &named["value"])
            .chain(value.get("example"));
        found.extend(examples.map(|example| (schema.clone(), example.clone())));
    }
    match value {
        Value::Object(fields) => fields.values().for_each(|it| find_examples(it, found)),
        Value::Array(entries) => entries.iter().for_each(|it| find_examples(it, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The schema of a message, which is one of the other document.
fn payload(message: &Value) -> Value {
    let reference = message["payload"]["$ref"].as_str().unwrap();
    json!({ "$ref": reference.strip_prefix("openapi.json").unwrap() })
}

fn resolve(value: &Value) -> &Value {
    match value["$ref"].as_str() {
        Some(reference) => DOCUMENT.pointer(reference.trim_start_matches('#')).unwrap(),
        None => value,
    }
}

/// The item of a path, with any text in the place of `{id}` or `{file}`.
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
    let (parent, name) = path.rsplit_once('/')?;
    let mut names = ["id", "file"].into_iter();
    let item = names.find_map(|it| paths.get(&format!("{parent}/{{{it}}}")));
    item.filter(|_| !name.is_empty())
}
