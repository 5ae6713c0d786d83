//! The OpenAPI 3.1 document, joined from the route table and what the groups say about its routes.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::doc::{Answer, Argument, Body, Doc, Group};
use super::kind::{one_of, schema};
use super::words;
use crate::fts::router::{Auth, Route};

/// The document for these routes. A route that nobody has described is left out.
pub(super) fn document(routes: &[Route], groups: &[Group]) -> Value {
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for route in routes {
        let method = route.method.as_str();
        let found = groups.iter().find_map(|group| {
            let mut docs = group.docs.iter();
            Some((
                group,
                docs.find(|it| it.method == method && it.path == route.path)?,
            ))
        });
        if let Some((group, doc)) = found {
            let operation = operation(doc, group.id, route.auth);
            let methods = paths.entry(route.path).or_default();
            methods.insert(method.to_lowercase(), operation);
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Causeway",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "The FTS3-compatible REST surface of the Causeway gateway",
            "description": words::INFO,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"certificate": []}, {"token": []}],
        "tags": tags(groups, &paths),
        "paths": paths,
        "components": {
            "schemas": schemas(groups),
            "responses": shared_responses(),
            "securitySchemes": {
                "certificate": {"type": "mutualTLS", "description": words::CERTIFICATE},
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": words::TOKEN,
                },
            },
        },
    })
}

/// The groups of which some route is there.
fn tags(groups: &[Group], paths: &BTreeMap<&str, Map<String, Value>>) -> Vec<Value> {
    let present = |it: &&Group| it.docs.iter().any(|doc| paths.contains_key(doc.path));
    let tags = groups.iter().filter(present);
    tags.map(|it| json!({"name": it.id, "description": it.about}))
        .collect()
}

fn schemas(groups: &[Group]) -> Map<String, Value> {
    let mut all = Map::new();
    let models = groups.iter().flat_map(|it| &it.models);
    for (name, schema) in models {
        all.insert((*name).to_owned(), schema.clone());
    }
    all
}

fn operation(doc: &Doc, tag: &str, auth: Auth) -> Value {
    let mut parameters: Vec<Value> = names_in(doc.path).map(in_path).collect();
    parameters.extend(doc.query.iter().map(in_query));
    let rights = words::rights(auth);
    let description = match doc.about {
        "" => rights,
        about => format!("{about}\n\n{rights}"),
    };
    let mut operation = json!({
        "operationId": operation_id(doc),
        "tags": [tag],
        "summary": doc.summary,
        "description": description,
        "responses": responses(doc),
    });
    if !parameters.is_empty() {
        operation["parameters"] = json!(parameters);
    }
    if let Some(body) = &doc.body {
        operation["requestBody"] = request_body(body);
    }
    if matches!(auth, Auth::Public) {
        operation["security"] = json!([]);
    }
    operation
}

/// `get_jobs_job_id_files`
pub(super) fn operation_id(doc: &Doc) -> String {
    let parts = doc.path.split(['/', '-']).filter(|it| !it.is_empty());
    let parts = parts.map(|it| it.trim_matches(['{', '}', '.']).replace('.', "_"));
    std::iter::once(doc.method.to_lowercase())
        .chain(parts)
        .collect::<Vec<_>>()
        .join("_")
}

/// The names in braces.
pub(super) fn names_in(path: &'static str) -> impl Iterator<Item = &'static str> {
    let parts = path.split('/');
    parts.filter_map(|it| it.strip_prefix('{')?.strip_suffix('}'))
}

fn in_path(name: &str) -> Value {
    json!({
        "name": name, "in": "path", "required": true,
        "description": words::path_part(name),
        "schema": {"type": "string", "minLength": 1},
    })
}

fn in_query(argument: &Argument) -> Value {
    json!({
        "name": argument.name, "in": "query", "required": argument.required,
        "description": argument.about,
        "schema": schema(argument.kind),
    })
}

fn request_body(body: &Body) -> Value {
    let mut content = Map::new();
    for (media, kind) in &body.content {
        let mut entry = json!({"schema": schema(kind)});
        if let Some(example) = &body.example {
            entry["example"] = example.clone();
        }
        content.insert((*media).to_owned(), entry);
    }
    json!({"description": body.about, "required": body.required, "content": content})
}

/// The answers a route names, and those that any route of its kind may give.
fn responses(doc: &Doc) -> Map<String, Value> {
    let mut all: Map<String, Value> = doc
        .answers
        .iter()
        .map(|it| (it.status.to_string(), response(it)))
        .collect();
    for (status, name) in words::everywhere(doc) {
        all.entry(status.to_string())
            .or_insert_with(|| json!({"$ref": format!("#/components/responses/{name}")}));
    }
    all
}

fn response(answer: &Answer) -> Value {
    let mut response = json!({"description": answer.about});
    if !answer.content.is_empty() {
        let content = answer.content.iter();
        let content: Map<String, Value> = content
            .map(|(media, kind)| ((*media).to_owned(), json!({"schema": schema(kind)})))
            .collect();
        response["content"] = Value::Object(content);
    }
    response
}

fn shared_responses() -> Map<String, Value> {
    let shared = words::SHARED.iter().map(|(status, name, about)| {
        let answer = Answer {
            status: *status,
            about,
            content: vec![(super::doc::JSON, "Error")],
        };
        ((*name).to_owned(), response(&answer))
    });
    shared.collect()
}

/// The models that no single group owns.
pub(super) fn common_models() -> Vec<(&'static str, Value)> {
    let time = json!({
        "type": "string",
        "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$",
        "description": "A point in time, UTC, without zone and fraction.",
    });
    let error = super::kind::object(&[
        (
            "status!",
            "string",
            "Code and reason, for instance `404 Not Found`.",
        ),
        ("message!", "string", "What is wrong, for people."),
    ]);
    vec![
        ("DateTime", time),
        ("Error", error),
        (
            "Flag",
            json!({
                "description": words::FLAG,
                "anyOf": [
                    {"type": "boolean"}, {"type": "integer"}, {"type": "null"},
                    one_of(["Y", "N", "y", "n"], "A letter."),
                ],
            }),
        ),
    ]
}
