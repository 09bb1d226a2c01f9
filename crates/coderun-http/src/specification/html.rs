//! Renders the OpenAPI document as a page for people: plain HTML without scripts.

use std::fmt::{self, Write as _};

use serde_json::{Map, Value};

const HEAD: &str = r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>coderun API</title>
<style>
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
code, pre { font-family: ui-monospace, monospace; font-size: .9em; }
pre { overflow-x: auto; padding: .75rem; border: 1px solid #8886; border-radius: .5rem; }
section { border-top: 1px solid #8886; margin-top: 2rem; }
table { border-collapse: collapse; }
td, th { text-align: left; vertical-align: top; padding: .2rem 1rem .2rem 0; }
</style>
"#;

/// The methods that a path may have, in the order of the page.
const METHODS: [&str; 4] = ["get", "post", "put", "delete"];

/// The page for this document. A document that is no JSON makes an empty page.
pub(super) fn render(document: &str) -> String {
    let document: Value = serde_json::from_str(document).unwrap_or_default();
    let mut page = HEAD.to_owned();
    match write_page(&mut page, &document) {
        // Writing to a string cannot fail.
        Ok(()) | Err(fmt::Error) => page,
    }
}

fn write_page(page: &mut String, document: &Value) -> fmt::Result {
    let info = &document["info"];
    writeln!(page, "<h1>{}</h1>", Escaped(text(&info["title"])))?;
    writeln!(
        page,
        "<p>{} {}</p>",
        Escaped(text(&info["summary"])),
        Escaped(text(&info["description"]))
    )?;
    let links = "The same for programs: <a href=\"openapi.json\">OpenAPI</a>, and \
                 <a href=\"asyncapi.json\">AsyncAPI</a> for the messages of sockets and event streams.";
    writeln!(page, "<p>{links}</p>")?;
    for (path, item) in entries(&document["paths"]) {
        for method in METHODS {
            if let Some(operation) = item.get(method) {
                write_operation(page, document, (method, path), operation)?;
            }
        }
    }
    Ok(())
}

fn write_operation(
    page: &mut String,
    document: &Value,
    (method, path): (&str, &str),
    operation: &Value,
) -> fmt::Result {
    let id = text(&operation["operationId"]);
    writeln!(page, "<section id=\"{}\">", Escaped(id))?;
    let method = method.to_ascii_uppercase();
    writeln!(page, "<h2><code>{method} {}</code></h2>", Escaped(path))?;
    writeln!(page, "<p>{}</p>", Escaped(text(&operation["summary"])))?;
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let mut parameters = parameters
        .map(|parameter| resolved(document, parameter))
        .chain(query_credentials(document, operation))
        .peekable();
    if parameters.peek().is_some() {
        page.push_str("<table><tr><th>parameter<th>in<th>\n");
        for parameter in parameters {
            writeln!(
                page,
                "<tr><td><code>{}</code><td>{}<td>{}",
                Escaped(text(&parameter["name"])),
                Escaped(text(&parameter["in"])),
                Escaped(text(&parameter["description"]))
            )?;
        }
        page.push_str("</table>\n");
    }
    let body = &operation["requestBody"];
    write_example(page, &body["content"])?;
    page.push_str("<table><tr><th>status<th>\n");
    for (status, response) in entries(&operation["responses"]) {
        let description = text(&resolved(document, response)["description"]);
        writeln!(page, "<tr><td>{status}<td>{}", Escaped(description))?;
    }
    page.push_str("</table>\n");
    let answers = entries(&operation["responses"]);
    let mut successes = answers.filter(|(status, _)| status.starts_with('2'));
    if let Some((_, success)) = successes.next() {
        write_example(page, &success["content"])?;
    }
    page.push_str("</section>\n");
    Ok(())
}

/// The credentials of an operation that may stand in the query.
fn query_credentials<'a>(
    document: &'a Value,
    operation: &'a Value,
) -> impl Iterator<Item = &'a Value> {
    let alternatives = operation["security"].as_array().into_iter().flatten();
    let names = alternatives.flat_map(entries).map(|(name, _)| name);
    let schemes =
        names.filter_map(|name| document.pointer(&format!("/components/securitySchemes/{name}")));
    schemes.filter(|scheme| scheme["in"] == "query")
}

/// Writes the first example of a content.
fn write_example(page: &mut String, content: &Value) -> fmt::Result {
    for (_, media) in entries(content) {
        let first = entries(&media["examples"])
            .map(|(_, example)| &example["value"])
            .next();
        let Some(example) = media.get("example").or(first) else {
            continue;
        };
        let pretty = || serde_json::to_string_pretty(example).unwrap_or_default();
        let example = example.as_str().map_or_else(pretty, str::to_owned);
        return writeln!(page, "<pre>{}</pre>", Escaped(&example));
    }
    Ok(())
}

fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let pointer = value["$ref"]
        .as_str()
        .and_then(|reference| reference.strip_prefix('#'));
    pointer
        .and_then(|pointer| document.pointer(pointer))
        .unwrap_or(value)
}

fn entries(object: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let entries = object.as_object().into_iter().flat_map(Map::iter);
    entries.map(|(name, value)| (name.as_str(), value))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Text without the characters that mean something in HTML.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '&' => f.write_str("&amp;")?,
                '"' => f.write_str("&quot;")?,
                letter => f.write_char(letter)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_on_the_page() {
        let page = render(super::super::OPENAPI);
        for operation in ["submit", "status", "watch", "deleteAll", "ready"] {
            assert!(
                page.contains(&format!("<section id=\"{operation}\">")),
                "{operation}"
            );
        }
        assert!(page.contains("<code>Prefer</code>"));
        assert!(page.contains("<code>ticket</code><td>query"));
        assert!(page.contains("print('Hello World')"));
        assert!(!page.contains("<script"));
    }

    #[test]
    fn text_of_the_document_is_escaped() {
        let page = render(r#"{"info":{"title":"<b>&\""}}"#);
        assert!(page.contains("<h1>&lt;b&gt;&amp;&quot;</h1>"), "{page}");
    }
}
