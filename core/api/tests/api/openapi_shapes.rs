//! As much of JSON Schema as our document uses, and stricter: where members are named, others are
//! an offence.

use causeway_api::openapi::openapi;
use serde_json::Value;

/// The schema of an answer.
#[track_caller]
pub(crate) fn schema_of(method: &str, path: &str, status: u16) -> Value {
    let responses = &openapi()["paths"][path][method]["responses"];
    let response = resolved(&responses[status.to_string()]);
    let schema = &response["content"]["application/json"]["schema"];
    assert!(
        !schema.is_null(),
        "{method} {path} {status} is not documented"
    );
    schema.clone()
}

fn resolved(value: &Value) -> &Value {
    match value["$ref"].as_str() {
        Some(reference) => openapi()
            .pointer(reference.trim_start_matches('#'))
            .unwrap(),
        None => value,
    }
}

/// What is wrong with a value.
pub(crate) fn offences(schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let mut found = Vec::new();
    check(schema, value, at, &mut found);
    found
}

fn check(schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let schema = resolved(schema);
    if let Some(choices) = schema["anyOf"].as_array() {
        let best = choices.iter().map(|it| offences(it, value, at));
        found.extend(best.min_by_key(Vec::len).unwrap_or_default());
        return;
    }
    if let Some(parts) = schema["allOf"].as_array() {
        return check(&merged(parts), value, at, found);
    }
    if !has_type(&schema["type"], value) {
        found.push(format!("{at}: {value} is not {}", schema["type"]));
        return;
    }
    if let Some(names) = schema["enum"].as_array()
        && !names.contains(value)
    {
        found.push(format!("{at}: {value} is none of {names:?}"));
    }
    if let Some(elements) = value.as_array() {
        for (number, element) in elements.iter().enumerate() {
            check(&schema["items"], element, &format!("{at}[{number}]"), found);
        }
    }
    check_members(schema, value, at, found);
}

fn check_members(schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let Some(members) = value.as_object() else {
        return;
    };
    for name in schema["required"].as_array().into_iter().flatten() {
        if !members.contains_key(name.as_str().unwrap()) {
            found.push(format!("{at}: {name} is missing"));
        }
    }
    for (name, member) in members {
        let at = format!("{at}.{name}");
        match (
            schema["properties"].get(name),
            &schema["additionalProperties"],
        ) {
            (Some(schema), _) => check(schema, member, &at, found),
            (None, Value::Null) if schema["properties"].is_null() => {}
            (None, Value::Null) => found.push(format!("{at} is not documented")),
            (None, other) => check(other, member, &at, found),
        }
    }
}

/// Objects that hold together as one.
fn merged(parts: &[Value]) -> Value {
    let mut whole = serde_json::json!({"type": "object", "properties": {}});
    for part in parts {
        for (name, schema) in resolved(part)["properties"].as_object().unwrap() {
            whole["properties"][name] = schema.clone();
        }
    }
    whole
}

fn has_type(kind: &Value, value: &Value) -> bool {
    match kind {
        Value::Null => true,
        Value::Array(kinds) => kinds.iter().any(|it| has_type(it, value)),
        kind => match kind.as_str().unwrap() {
            "null" => value.is_null(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "string" => value.is_string(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            other => panic!("no type: {other}"),
        },
    }
}
