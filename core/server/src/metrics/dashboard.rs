//! Holds `docs/grafana/causeway.json` against what is exported.

use std::collections::BTreeSet;

use serde_json::Value;

use super::families::Families;

const DASHBOARD: &str = include_str!("../../../../docs/grafana/causeway.json");
const REFERENCE: &str = include_str!("../../../../docs/metrics.md");

/// Names of samples that may be exported.
fn samples() -> BTreeSet<String> {
    let all = Families::exported().into_iter();
    all.flat_map(|(names, _)| names).collect()
}

/// Words that begin like our metrics.
fn names(text: &str) -> BTreeSet<String> {
    let words = text.split(|it: char| !(it.is_ascii_alphanumeric() || it == '_'));
    let ours = words.filter(|it| it.starts_with("causeway_"));
    ours.map(str::to_owned).collect()
}

#[test]
fn the_dashboard_asks_for_what_there_is() {
    let known = samples();
    let asked = names(DASHBOARD);
    assert!(asked.len() > 40, "{asked:?}");
    let unknown: Vec<_> = asked.difference(&known).collect();
    assert!(unknown.is_empty(), "the dashboard asks for {unknown:?}");
}

#[test]
fn the_reference_names_every_metric_and_no_other() {
    let all = Families::exported().into_iter();
    // A histogram is one line of the reference.
    let one = |(names, _): (Vec<String>, _)| names[0].trim_end_matches("_bucket").to_owned();
    let families: BTreeSet<String> = all.map(one).collect();
    assert_eq!(names(REFERENCE), families);
}

#[test]
fn the_dashboard_can_be_imported() {
    let board: Value = serde_json::from_str(DASHBOARD).unwrap();
    assert!(board["uid"].is_string() && board["title"].is_string());
    let panels = board["panels"].as_array().unwrap();
    let ids: BTreeSet<_> = panels.iter().map(|it| it["id"].as_i64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "every panel has an id of its own");
    for panel in panels.iter().filter(|it| it["type"] != "row") {
        let at = &panel["gridPos"];
        let end = at["x"].as_i64().unwrap() + at["w"].as_i64().unwrap();
        assert!(end <= 24, "{}", panel["title"]);
        assert_eq!(panel["datasource"]["uid"], "${datasource}");
        let targets = panel["targets"].as_array().unwrap();
        assert!(!targets.is_empty(), "{}", panel["title"]);
        for target in targets {
            let expression = target["expr"].as_str().unwrap();
            let (open, close) = (
                expression.matches('(').count(),
                expression.matches(')').count(),
            );
            assert_eq!(open, close, "{expression}");
        }
    }
}
