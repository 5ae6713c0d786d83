//! The document as a page for people: no script, and the style of all our pages.

use serde_json::Value;

use crate::error::escape_html;

/// A page of an OpenAPI document.
pub(super) fn page(document: &Value) -> String {
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Causeway REST</title>\
         <link rel=\"stylesheet\" href=\"/css/causeway.css\"><h1>Causeway REST</h1><p>{}</p>\
         <p>For programs: <a href=\"/openapi.json\">/openapi.json</a></p>\n",
        text(&document["info"]["description"])
    );
    for tag in list(&document["tags"]) {
        section(&mut page, tag, document);
    }
    page
}

fn section(page: &mut String, tag: &Value, document: &Value) {
    let name = text(&tag["name"]);
    page.push_str(&format!(
        "<h2 id=\"{name}\">{name}</h2><p>{}</p>\n",
        text(&tag["description"])
    ));
    for (path, methods) in members(&document["paths"]) {
        for (method, operation) in members(methods) {
            if operation["tags"][0] == tag["name"] {
                route(page, path, &method.to_uppercase(), operation);
            }
        }
    }
}

fn route(page: &mut String, path: &str, method: &str, operation: &Value) {
    let mut rows = String::new();
    for parameter in list(&operation["parameters"]) {
        row(
            &mut rows,
            &text(&parameter["name"]),
            &parameter["description"],
        );
    }
    if let Some(body) = operation.get("requestBody") {
        row(&mut rows, "body", &body["description"]);
    }
    for (status, response) in members(&operation["responses"]) {
        row(&mut rows, status, &response["description"]);
    }
    page.push_str(&format!(
        "<details><summary><code>{method} {}</code> {}</summary><p>{}</p><table>{rows}</table></details>\n",
        escape_html(path),
        text(&operation["summary"]),
        text(&operation["description"]),
    ));
}

/// A row; answers that are alike everywhere have no text of their own and are left out.
fn row(rows: &mut String, name: &str, about: &Value) {
    if about.is_string() {
        rows.push_str(&format!(
            "<tr><td><code>{name}</code></td><td>{}</td></tr>",
            text(about)
        ));
    }
}

fn text(value: &Value) -> String {
    let text = escape_html(value.as_str().unwrap_or_default());
    text.replace("\n\n", "<br>")
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}
