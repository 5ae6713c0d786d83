//! What the sentences say.

use std::sync::Arc;

use super::*;
use crate::FileId;

fn every_reason() -> Vec<Wait> {
    let storage: Arc<str> = "x://a".into();
    let at = Timestamp::from_seconds(1_558_516_162);
    vec![
        Wait::Closed {
            why: Closure::LowMemory,
        },
        Wait::Ban {
            storage: storage.clone(),
            vo: Some("dteam".into()),
            message: Some("disk server exchanged.".into()),
        },
        Wait::Ban {
            storage: storage.clone(),
            vo: None,
            message: None,
        },
        Wait::Breaker {
            storage: storage.clone(),
            until: Some(at),
        },
        Wait::Trial {
            storage: storage.clone(),
        },
        Wait::NoShare { vo: "cms".into() },
        Wait::OnlyPriority { own: 3, only: 5 },
        Wait::Total {
            active: 400,
            limit: 400,
        },
        Wait::LinkLimit {
            source: storage.clone(),
            destination: "x://b".into(),
            active: 2,
            limit: 2,
        },
        Wait::StorageLimit {
            storage: storage.clone(),
            side: Side::Inbound,
            active: 200,
            limit: 200,
        },
        Wait::Throughput {
            storage,
            side: Side::Outbound,
            current: 512.25,
            limit: 500.0,
        },
        Wait::Priority {
            own: 3,
            highest: 5,
            ahead: 1,
        },
        Wait::Share {
            vo: "atlas".into(),
            weight: 80.0,
            probability: 0.8,
        },
        Wait::Activity {
            activity: "User Subscriptions".into(),
            weight: 0.25,
            probability: 0.25,
        },
        Wait::Activity {
            activity: "express".into(),
            weight: 0.0,
            probability: 0.0,
        },
        Wait::Position {
            ahead: 12,
            exact: true,
        },
        Wait::Position {
            ahead: 120_000,
            exact: false,
        },
        Wait::Next,
        Wait::RetryAt { at },
        Wait::Credential { expires: Some(at) },
        Wait::Credential { expires: None },
        Wait::Staging { since: Some(at) },
        Wait::Staging { since: None },
        Wait::NotEnabled {
            waits_for: FileId(7),
            sibling: Sibling::Hop,
        },
        Wait::NotEnabled {
            waits_for: FileId(7),
            sibling: Sibling::Replica,
        },
        Wait::OtherNode {
            host: Some("node-2".into()),
        },
        Wait::OtherNode { host: None },
        Wait::Token,
        Wait::Delayed {
            what: "its turn".into(),
        },
    ]
}

#[test]
fn every_reason_is_a_sentence_and_survives_the_wire() {
    for wait in every_reason() {
        let text = wait.to_string();
        assert!(text.starts_with(|it: char| it.is_uppercase() || it.is_ascii_digit()));
        assert!(text.ends_with('.') && !text.ends_with(".."), "{text}");
        assert!(!text.contains("  "), "{text}");
        let wire = serde_json::to_string(&wait).unwrap();
        let back: Wait = serde_json::from_str(&wire).unwrap();
        assert_eq!(back, wait);
    }
}

#[test]
fn numbers_and_names_are_in_the_sentence() {
    let said: Vec<String> = every_reason().iter().map(ToString::to_string).collect();
    for sentence in [
        "The storage x://a is banned for the VO dteam: disk server exchanged.",
        "The storage x://a keeps failing and is left alone until 2019-05-22T09:09:22.",
        "The link from x://a to x://b is full: 2 of 2 transfers run.",
        "The storage x://a is full inbound: 200 of 200 transfers run.",
        "The storage x://a moves 512.2 MiB/s outbound, more than its limit of 500.0 MiB/s.",
        "1 transfer of a higher priority, up to 5, comes first; this one has priority 3.",
        "The VO atlas shares the link with others: its weight of 80 gives it 80.0% of the slots.",
        "About 120000 transfers of the same VO on this link come first.",
        "The hop before it, transfer 7, has to finish.",
    ] {
        assert!(said.iter().any(|it| it == sentence), "{sentence}");
    }
}
