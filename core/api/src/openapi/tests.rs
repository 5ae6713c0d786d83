//! The descriptions against the route table, and against each other.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::*;

fn described() -> Vec<(&'static str, &'static str)> {
    let groups = groups();
    let docs = groups.iter().flat_map(|it| &it.docs);
    docs.map(|it| (it.method, it.path)).collect()
}

#[test]
fn every_route_is_described_and_everything_described_is_served() {
    let served: BTreeSet<(&str, &str)> = ROUTES
        .iter()
        .map(|it| (it.method.as_str(), it.path))
        .collect();
    let described: BTreeSet<(&str, &str)> = described().into_iter().collect();
    let silent: Vec<_> = served.difference(&described).collect();
    assert!(
        silent.is_empty(),
        "describe these in core/api/src/openapi/groups: {silent:?}"
    );
    let missing: Vec<_> = described.difference(&served).collect();
    assert!(missing.is_empty(), "described and not served: {missing:?}");
}

#[test]
fn nothing_is_described_twice() {
    let mut seen = BTreeSet::new();
    for it in described() {
        assert!(seen.insert(it), "{it:?}");
    }
    let mut models = BTreeMap::new();
    for (name, schema) in groups().iter().flat_map(|it| it.models.clone()) {
        assert!(models.insert(name, schema).is_none(), "{name}");
    }
    for doc in groups().iter().flat_map(|it| &it.docs) {
        let statuses: BTreeSet<u16> = doc.answers.iter().map(|it| it.status).collect();
        assert_eq!(
            statuses.len(),
            doc.answers.len(),
            "{} {}",
            doc.method,
            doc.path
        );
        let good = doc.answers.iter().any(|it| it.status < 400);
        assert!(good, "{} {} never succeeds", doc.method, doc.path);
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let mut references = BTreeSet::new();
    collect(openapi(), &mut references);
    assert!(references.len() > 50, "{}", references.len());
    for reference in references {
        let pointer = reference.trim_start_matches('#');
        assert!(openapi().pointer(pointer).is_some(), "{reference}");
    }
}

/// All `$ref`; on the way every `type` is looked at.
fn collect(value: &Value, references: &mut BTreeSet<String>) {
    const TYPES: [&str; 7] = [
        "string", "integer", "number", "boolean", "object", "array", "null",
    ];
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                references.insert(reference.clone());
            }
            let kinds = match members.get("type") {
                Some(Value::String(kind)) => vec![kind.as_str()],
                Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
                _ => Vec::new(),
            };
            let scheme = members.contains_key("scheme") || kinds == ["mutualTLS"];
            assert!(
                scheme || kinds.iter().all(|it| TYPES.contains(it)),
                "{kinds:?}"
            );
            members.values().for_each(|it| collect(it, references));
        }
        Value::Array(elements) => elements.iter().for_each(|it| collect(it, references)),
        _ => {}
    }
}

#[test]
fn the_older_listing_has_every_resource_and_every_route() {
    let list = resources();
    let mut routes = 0;
    for resource in list["apis"].as_array().unwrap() {
        let id = resource["id"].as_str().unwrap();
        assert_eq!(resource["path"], format!("/{id}"));
        let resource = super::resource(id).unwrap();
        for api in resource["apis"].as_array().unwrap() {
            routes += api["operations"].as_array().unwrap().len();
        }
        // Every model that is named is there, also those that only models name.
        let mut named = BTreeSet::new();
        references(&resource, &mut named);
        for name in named {
            assert!(resource["models"].get(&name).is_some(), "{id}: {name}");
        }
    }
    assert_eq!(routes, described().len());
}

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                if let (true, Some(text)) = (name == "$ref" || name == "type", value.as_str())
                    && text.starts_with(|it: char| it.is_ascii_uppercase())
                {
                    found.insert(text.to_owned());
                }
                references(value, found);
            }
        }
        Value::Array(elements) => elements.iter().for_each(|it| references(it, found)),
        _ => {}
    }
}

#[test]
fn the_page_names_every_route() {
    let page = page();
    for route in ROUTES {
        let line = format!("<code>{} {}</code>", route.method, route.path);
        assert!(page.contains(&line), "{line}");
    }
}
