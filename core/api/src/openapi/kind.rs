//! Schemas in a short notation, so that the documentation of a route reads like a table.
//!
//! | notation | value |
//! |---|---|
//! | `string`, `integer`, `number`, `boolean`, `object`, `null` | of that type |
//! | `uuid` | a string with 36 characters and dashes |
//! | `any` | whatever |
//! | `[X]`, `{X}` | a list of X, an object whose members are X |
//! | `X?`, `X\|Y` | X or null, X or Y |
//! | `Job` | the model of that name |

use serde_json::{Map, Value, json};

/// The JSON schema of a notation.
pub(super) fn schema(kind: &str) -> Value {
    if let Some((one, other)) = split_outside(kind) {
        return either(schema(one), schema(other));
    }
    if let Some(inner) = kind.strip_suffix('?') {
        return nullable(schema(inner));
    }
    if let Some(inner) = inside(kind, '[', ']') {
        return json!({"type": "array", "items": schema(inner)});
    }
    if let Some(inner) = inside(kind, '{', '}') {
        return json!({"type": "object", "additionalProperties": schema(inner)});
    }
    match kind {
        "any" => json!({}),
        "uuid" => json!({"type": "string", "format": "uuid"}),
        name if name.starts_with(|it: char| it.is_ascii_uppercase()) => {
            json!({"$ref": format!("#/components/schemas/{name}")})
        }
        name => json!({ "type": name }),
    }
}

/// An object with these members: name, notation, meaning. A name with `!` behind it is required.
pub(super) fn object(members: &[(&str, &str, &str)]) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (name, kind, about) in members {
        let plain = name.trim_end_matches('!');
        if plain != *name {
            required.push(plain);
        }
        let mut property = schema(kind);
        if !about.is_empty() {
            property["description"] = json!(about);
        }
        properties.insert(plain.to_owned(), property);
    }
    let mut object = json!({"type": "object", "properties": properties});
    if !required.is_empty() {
        object["required"] = json!(required);
    }
    object
}

/// One of these texts.
pub(super) fn one_of(names: impl IntoIterator<Item = &'static str>, about: &str) -> Value {
    let names: Vec<&str> = names.into_iter().collect();
    json!({"type": "string", "enum": names, "description": about})
}

fn inside(kind: &str, open: char, close: char) -> Option<&str> {
    kind.strip_prefix(open)?.strip_suffix(close)
}

/// Cuts at the first `|` that stands in no bracket.
fn split_outside(kind: &str) -> Option<(&str, &str)> {
    let mut depth = 0;
    for (at, letter) in kind.char_indices() {
        match letter {
            '[' | '{' => depth += 1,
            ']' | '}' => depth -= 1,
            '|' if depth == 0 => return Some((&kind[..at], &kind[at + 1..])),
            _ => {}
        }
    }
    None
}

fn nullable(mut schema: Value) -> Value {
    match schema.get("type").and_then(Value::as_str) {
        Some(name) => {
            schema["type"] = json!([name, "null"]);
            schema
        }
        None => either(schema, json!({"type": "null"})),
    }
}

fn either(one: Value, other: Value) -> Value {
    json!({"anyOf": [one, other]})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notations() {
        assert_eq!(schema("string?"), json!({"type": ["string", "null"]}));
        assert_eq!(
            schema("[Job]"),
            json!({"type": "array", "items": {"$ref": "#/components/schemas/Job"}})
        );
        assert_eq!(
            schema("{[integer]}?"),
            json!({"type": ["object", "null"], "additionalProperties":
                {"type": "array", "items": {"type": "integer"}}})
        );
        assert_eq!(
            schema("[string|integer]|Job?"),
            json!({"anyOf": [
                {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "integer"}]}},
                {"anyOf": [{"$ref": "#/components/schemas/Job"}, {"type": "null"}]},
            ]})
        );
        assert_eq!(schema("any"), json!({}));
    }

    #[test]
    fn objects() {
        assert_eq!(
            object(&[("a!", "integer", "A number."), ("b", "boolean", "")]),
            json!({"type": "object", "required": ["a"], "properties": {
                "a": {"type": "integer", "description": "A number."},
                "b": {"type": "boolean"},
            }})
        );
    }
}
