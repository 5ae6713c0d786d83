//! The same documentation in the older form, Swagger 1.2: a list of resources, and the routes and
//! models of each.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::doc::{Argument, Body, Doc, Group};
use super::document::{names_in, operation_id};
use super::kind::schema;
use super::words;

const VERSION: &str = "1.2";

/// All resources.
pub(super) fn resources(groups: &[Group]) -> Value {
    let mut list: Vec<&Group> = groups.iter().collect();
    list.sort_by_key(|it| it.id);
    let list = list
        .into_iter()
        .map(|it| json!({"id": it.id, "path": format!("/{}", it.id), "description": it.about}));
    json!({
        "swaggerVersion": VERSION,
        "apis": list.collect::<Vec<_>>(),
        "info": {
            "title": "Causeway",
            "description": "The FTS3-compatible REST surface of the Causeway gateway",
            "contact": "",
            "license": "Apache 2.0",
            "licenseUrl": "https://www.apache.org/licenses/LICENSE-2.0",
        },
    })
}

/// One resource.
pub(super) fn resource(group: &Group, all: &[Group]) -> Value {
    let mut apis: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for doc in &group.docs {
        apis.entry(doc.path).or_default().push(operation(doc));
    }
    let apis = apis
        .into_iter()
        .map(|(path, operations)| json!({"path": path, "operations": operations}));
    let apis: Vec<Value> = apis.collect();
    json!({
        "basePath": "/",
        "swaggerVersion": VERSION,
        "produces": ["application/json"],
        "resourcePath": format!("/{}", group.id),
        "authorizations": {},
        "models": models(&json!(apis), all),
        "apis": apis,
    })
}

fn operation(doc: &Doc) -> Value {
    let good = doc.answers.iter().find(|it| it.status < 300);
    let kind = good.and_then(|it| Some(it.content.first()?.1));
    let mut parameters: Vec<Value> = names_in(doc.path).map(in_path).collect();
    parameters.extend(doc.query.iter().map(in_query));
    parameters.extend(doc.body.iter().map(in_body));
    let messages = doc.answers.iter();
    let messages = messages.map(|it| json!({"code": it.status, "message": it.about}));
    let mut operation = json!({
        "method": doc.method,
        "nickname": operation_id(doc),
        "summary": doc.summary,
        "notes": doc.about,
        "parameters": parameters,
        "responseMessages": messages.collect::<Vec<_>>(),
    });
    put_all(
        &mut operation,
        kind.map_or_else(nothing, |it| old(&schema(it), "type")),
    );
    operation
}

fn nothing() -> Map<String, Value> {
    Map::from_iter([("type".to_owned(), json!("void"))])
}

fn in_path(name: &str) -> Value {
    json!({
        "paramType": "path", "name": name, "type": "string", "required": true,
        "description": words::path_part(name),
    })
}

fn in_query(argument: &Argument) -> Value {
    let mut parameter = json!({
        "paramType": "query", "name": argument.name, "required": argument.required,
        "description": argument.about,
    });
    put_all(&mut parameter, old(&schema(argument.kind), "type"));
    parameter
}

fn in_body(body: &Body) -> Value {
    let mut parameter = json!({
        "paramType": "body", "name": "body", "required": body.required, "description": body.about,
    });
    if let Some((_, kind)) = body.content.first() {
        put_all(&mut parameter, old(&schema(kind), "type"));
    }
    parameter
}

/// A schema as the older form can say it: no null, and of several kinds the first one. Models are
/// named by `type` in operations and by `$ref` elsewhere.
fn old(schema: &Value, naming: &str) -> Map<String, Value> {
    if let Some(first) = schema.get("anyOf").and_then(|it| it.get(0)) {
        return old(first, naming);
    }
    if let Some(name) = model_of(schema) {
        return Map::from_iter([(naming.to_owned(), json!(name))]);
    }
    let kind = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.first().and_then(Value::as_str),
        Some(kind) => kind.as_str(),
        None => None,
    };
    let mut old_one = match kind {
        Some("null") => nothing(),
        kind => Map::from_iter([("type".to_owned(), json!(kind.unwrap_or("object")))]),
    };
    if let Some(items) = schema.get("items") {
        old_one.insert("items".to_owned(), Value::Object(old(items, "$ref")));
    }
    old_one
}

fn model_of(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.rsplit('/').next()
}

fn put_all(object: &mut Value, members: Map<String, Value>) {
    for (name, value) in members {
        object[name] = value;
    }
}

/// The models that these routes name, and those that these name in turn.
fn models(apis: &Value, all: &[Group]) -> Map<String, Value> {
    let known: BTreeMap<&str, &Value> = all
        .iter()
        .flat_map(|it| it.models.iter().map(|(name, schema)| (*name, schema)))
        .collect();
    let mut open = BTreeSet::new();
    named(apis, &known, &mut open);
    let mut done = Map::new();
    while let Some(name) = open.pop_first() {
        if let Some(schema) = known.get(name) {
            let model = model(name, schema);
            let mut inner = BTreeSet::new();
            named(&model, &known, &mut inner);
            done.insert(name.to_owned(), model);
            open.extend(inner.into_iter().filter(|it| !done.contains_key(*it)));
        }
    }
    done
}

/// Names of models anywhere in a value.
fn named<'a>(value: &Value, known: &BTreeMap<&'a str, &Value>, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let text = value.as_str().filter(|_| name == "$ref" || name == "type");
                if let Some((known, _)) = text.and_then(|it| known.get_key_value(it)) {
                    found.insert(known);
                }
                named(value, known, found);
            }
        }
        Value::Array(elements) => elements.iter().for_each(|it| named(it, known, found)),
        _ => {}
    }
}

fn model(name: &str, schema: &Value) -> Value {
    let parts = schema.get("allOf").and_then(Value::as_array);
    let own = parts.and_then(|it| it.last()).unwrap_or(schema);
    let members = own.get("properties").and_then(Value::as_object);
    let properties: Map<String, Value> = members
        .into_iter()
        .flatten()
        .map(|(name, schema)| (name.clone(), Value::Object(old(schema, "$ref"))))
        .collect();
    json!({"id": name, "properties": properties})
}
