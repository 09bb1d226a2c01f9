//! Writes requests of the OpenAPI document as command lines.

use serde_json::Value;

use super::Operation;

/// The address of the service in command lines.
const ADDRESS: &str = "http://127.0.0.1:8001";

/// A request of the operation by `curl`, for a shell that has the token and what stands in the path as variables.
pub(super) fn command_line(
    document: &Value,
    operation: &Operation<'_>,
    body: Option<&Value>,
) -> String {
    let path = operation.path.replace('{', "$").replace('}', "");
    let path = path.replace("$id", "$ID").replace("$file", "$FILE");
    let mut parts = vec![format!("curl {ADDRESS}{path}")];
    let has_default_method =
        operation.method == "GET" || operation.method == "POST" && body.is_some();
    if !has_default_method {
        parts.push(format!("-X {}", operation.method));
    }
    let security = operation.value.get("security");
    let security = security.unwrap_or(&document["security"]).as_array();
    if security.is_some_and(|schemes| !schemes.is_empty()) {
        parts.push("-H \"Authorization: Bearer $TOKEN\"".to_owned());
    }
    if let Some(body) = body {
        parts.push("-H 'Content-Type: application/json'".to_owned());
        // A quote ends the text of the shell, stands by itself, and begins it again.
        let body = body.to_string().replace('\'', r"'\''");
        parts.push(format!("-d '{body}'"));
    }
    parts.join(" \\\n  ")
}

#[cfg(test)]
mod tests {
    use super::super::operations;
    use super::*;

    /// The command line of the only operation of a document.
    fn line(method: &str, path: &str, operation: &Value) -> String {
        let document =
            serde_json::json!({"security": [{"bearer": []}], "paths": {path: {method: operation}}});
        let operation = operations(&document).next().unwrap();
        command_line(&document, &operation, operation.body())
    }

    #[test]
    fn a_request_is_shown_as_a_command_of_a_shell() {
        let content = serde_json::json!({"application/json": {"example": {"code": "print('a')"}}});
        assert_eq!(
            line(
                "post",
                "/run",
                &serde_json::json!({"requestBody": {"content": content}})
            ),
            "curl http://127.0.0.1:8001/run \\\n  -H \"Authorization: Bearer $TOKEN\" \\\n  \
             -H 'Content-Type: application/json' \\\n  -d '{\"code\":\"print('\\''a'\\'')\"}'"
        );
        assert_eq!(
            line("delete", "/run/{id}", &serde_json::json!({"security": []})),
            "curl http://127.0.0.1:8001/run/$ID \\\n  -X DELETE"
        );
        let open = serde_json::json!({"security": []});
        assert_eq!(line("get", "/", &open), "curl http://127.0.0.1:8001/");
    }
}
