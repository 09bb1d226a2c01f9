//! Renders the OpenAPI document as a page for people. It needs no script; one of the page may add to it.

mod command_line;
mod escape;

use std::fmt::{self, Write as _};

use serde_json::{Map, Value};

use command_line::command_line;
use escape::{Escaped, Prose};

/// The methods that a path may have, in the order of the page.
const METHODS: [&str; 4] = ["get", "post", "put", "delete"];

/// The files of a page that give it its look and let people try operations.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PageParts<'a> {
    /// The path of a style sheet.
    pub(crate) style: Option<&'a str>,
    /// The path of a script, which is a module.
    pub(crate) script: Option<&'a str>,
}

/// The page for this document. A document that is no JSON makes an empty page.
pub(super) fn render(source: &str, parts: PageParts<'_>) -> String {
    let document: Value = serde_json::from_str(source).unwrap_or_default();
    let mut operations: Vec<_> = operations(&document).collect();
    // The parser sorts objects by their keys; the document begins with what matters most.
    operations
        .sort_by_key(|operation| source.find(&format!("\"operationId\": \"{}\"", operation.id())));
    let mut page = String::new();
    match write_page(&mut page, &document, &operations, parts) {
        // Writing to a string cannot fail.
        Ok(()) | Err(fmt::Error) => page,
    }
}

fn write_page(
    page: &mut String,
    document: &Value,
    operations: &[Operation<'_>],
    parts: PageParts<'_>,
) -> fmt::Result {
    write_head(page, parts)?;
    let info = &document["info"];
    writeln!(
        page,
        "<header>\n<h1>{}</h1>\n<p>{} {}</p>\n<p>The same for programs: <a href=\"openapi.json\">OpenAPI</a>, and \
         <a href=\"asyncapi.json\">AsyncAPI</a> for the messages of sockets and event streams.</p>\n</header>",
        Escaped(text(&info["title"])),
        Prose(text(&info["summary"])),
        Prose(text(&info["description"]))
    )?;
    page.push_str("<nav aria-label=\"Operations\">\n<ul>\n");
    for operation in operations {
        let id = Escaped(operation.id());
        writeln!(page, "<li><a href=\"#{id}\">{}</a></li>", operation.title())?;
    }
    page.push_str("</ul>\n</nav>\n<main>\n");
    for operation in operations {
        write_operation(page, document, operation)?;
    }
    page.push_str("</main>\n</body>\n</html>\n");
    Ok(())
}

fn write_head(page: &mut String, parts: PageParts<'_>) -> fmt::Result {
    page.push_str(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>coderun API</title>\n",
    );
    if let Some(style) = parts.style {
        writeln!(
            page,
            "<link rel=\"stylesheet\" href=\"{}\">",
            Escaped(style)
        )?;
    }
    if let Some(script) = parts.script {
        writeln!(
            page,
            "<script type=\"module\" src=\"{}\"></script>",
            Escaped(script)
        )?;
    }
    page.push_str("</head>\n<body>\n");
    Ok(())
}

/// An operation with its method, in upper case, and its path.
struct Operation<'a> {
    method: String,
    path: &'a str,
    value: &'a Value,
}

fn operations(document: &Value) -> impl Iterator<Item = Operation<'_>> {
    entries(&document["paths"]).flat_map(|(path, item)| {
        METHODS.iter().filter_map(move |method| {
            Some(Operation {
                method: method.to_ascii_uppercase(),
                path,
                value: item.get(method)?,
            })
        })
    })
}

impl Operation<'_> {
    fn id(&self) -> &str {
        text(&self.value["operationId"])
    }

    fn title(&self) -> String {
        let path = Escaped(self.path);
        format!(
            "<code><span class=\"method\">{}</span> {path}</code>",
            self.method
        )
    }

    /// The example of its body.
    fn body(&self) -> Option<&Value> {
        self.value.pointer("/requestBody/content").and_then(example)
    }

    /// The answers, with their statuses.
    fn responses(&self) -> impl Iterator<Item = (&str, &Value)> {
        entries(&self.value["responses"])
    }

    /// The first answer of success; a WebSocket has none.
    fn success(&self) -> Option<&Value> {
        let mut successes = self
            .responses()
            .filter(|(status, _)| status.starts_with('2'));
        successes.next().map(|(_, response)| response)
    }
}

fn write_operation(page: &mut String, document: &Value, operation: &Operation<'_>) -> fmt::Result {
    let value = operation.value;
    writeln!(
        page,
        "<section class=\"operation\" id=\"{}\" data-method=\"{}\" data-path=\"{}\">\n<h2>{}</h2>",
        Escaped(operation.id()),
        operation.method,
        Escaped(operation.path),
        operation.title()
    )?;
    for words in ["summary", "description"].map(|name| text(&value[name])) {
        if !words.is_empty() {
            writeln!(page, "<p>{}</p>", Prose(words))?;
        }
    }
    write_parameters(page, document, value)?;
    let body = operation.body();
    if let Some(body) = body {
        writeln!(page, "<h3>Body</h3>\n<pre>{}</pre>", Escaped(&pretty(body)))?;
    }
    if operation.success().is_some() {
        let line = command_line(document, operation, body);
        writeln!(
            page,
            "<h3>Command</h3>\n<pre class=\"command\">{}</pre>",
            Escaped(&line)
        )?;
    }
    page.push_str("<h3>Answers</h3>\n<table>\n<tr><th>status</th><th>meaning</th></tr>\n");
    for (status, response) in operation.responses() {
        let description = Prose(text(&resolved(document, response)["description"]));
        writeln!(page, "<tr><td>{status}</td><td>{description}</td></tr>")?;
    }
    page.push_str("</table>\n");
    let success = operation.success();
    if let Some(answer) = success.and_then(|success| example(&success["content"])) {
        writeln!(page, "<pre>{}</pre>", Escaped(&pretty(answer)))?;
    }
    page.push_str("</section>\n");
    Ok(())
}

fn write_parameters(page: &mut String, document: &Value, operation: &Value) -> fmt::Result {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let mut parameters = parameters
        .map(|parameter| resolved(document, parameter))
        .chain(query_credentials(document, operation))
        .peekable();
    if parameters.peek().is_none() {
        return Ok(());
    }
    page.push_str(
        "<h3>Parameters</h3>\n<table>\n<tr><th>name</th><th>in</th><th>meaning</th></tr>\n",
    );
    for parameter in parameters {
        writeln!(
            page,
            "<tr><td><code>{}</code></td><td>{}</td><td>{}</td></tr>",
            Escaped(text(&parameter["name"])),
            Escaped(text(&parameter["in"])),
            Prose(text(&parameter["description"]))
        )?;
    }
    page.push_str("</table>\n");
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

/// The first example of a content.
fn example(content: &Value) -> Option<&Value> {
    entries(content).find_map(|(_, media)| {
        let first = entries(&media["examples"]).next();
        let first = first.map(|(_, example)| &example["value"]);
        media.get("example").or(first)
    })
}

/// A text as it is, and other values as JSON over several lines.
fn pretty(example: &Value) -> String {
    let json = || serde_json::to_string_pretty(example).unwrap_or_default();
    example.as_str().map_or_else(json, str::to_owned)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_on_the_page() {
        let page = render(super::super::OPENAPI, PageParts::default());
        for operation in ["submit", "status", "watch", "deleteAll", "ready"] {
            assert!(page.contains(&format!("<section class=\"operation\" id=\"{operation}\" ")));
            assert!(page.contains(&format!("<li><a href=\"#{operation}\">")));
        }
        assert!(page.contains("data-method=\"GET\" data-path=\"/api/v1/executions/status/{id}\""));
        let place = |text: &str| page.find(text).unwrap();
        assert!(place("id=\"submit\"") < place("id=\"list\""));
        assert!(page.contains("<code>Prefer</code>"));
        assert!(page.contains("<code>ticket</code></td><td>query"));
        assert!(page.contains("print('Hello World')"));
        assert!(!page.contains("<script") && !page.contains("<link"));
    }

    #[test]
    fn the_page_has_the_look_and_the_script_that_it_is_given() {
        let parts = PageParts {
            style: Some("assets/docs-1.css"),
            script: Some("assets/docs-2.js"),
        };
        let page = render("{}", parts);
        assert!(page.contains("<link rel=\"stylesheet\" href=\"assets/docs-1.css\">"));
        assert!(page.contains("<script type=\"module\" src=\"assets/docs-2.js\"></script>"));
    }

    #[test]
    fn text_of_the_document_is_escaped() {
        let page = render(r#"{"info":{"title":"<b>&\""}}"#, PageParts::default());
        assert!(page.contains("<h1>&lt;b&gt;&amp;&quot;</h1>"), "{page}");
    }
}
