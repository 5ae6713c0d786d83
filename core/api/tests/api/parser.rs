//! The parser of submissions on its own, with whatever bytes there are.

use causeway_api::config::SubmitConfig;
use causeway_api::fts::submit::{Context, Submission, parse};
use causeway_api::{ApiError, NoBans, NobodyKnown};
use causeway_model::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::storages::FakeStorages;
use crate::support::{NOW, user};

fn parsed(body: &[u8]) -> Result<Submission, ApiError> {
    let config = SubmitConfig {
        metadata_limit: 0,
        ..SubmitConfig::default()
    };
    let principal = user();
    parse(
        body,
        Context {
            principal: &principal,
            storages: &FakeStorages::default(),
            identity: &NobodyKnown,
            bans: &NoBans,
            config: &config,
            submit_host: "node",
            now: Timestamp::from_seconds(NOW),
        },
    )
}

/// JSON of any shape, with the names that the parser looks for.
fn any_json() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        Just("files".to_owned()),
        Just("sources".to_owned()),
        Just("destinations".to_owned()),
        Just("params".to_owned()),
        Just("metadata".to_owned()),
        Just("delete".to_owned()),
        Just("surl".to_owned()),
        Just("max_time_in_queue".to_owned()),
        Just("retry".to_owned()),
        ".{0,8}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|it| json!(it)),
        ".{0,20}".prop_map(Value::from),
        "[a-z]{1,8}://[a-z]{0,8}(:[0-9]{1,7})?(/[a-z%?=]{0,8})?".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(name.clone(), inner, 0..6)
                .prop_map(|it| Value::Object(it.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(body in prop::collection::vec(any::<u8>(), 0..400)) {
        if let Err(error) = parsed(&body) {
            prop_assert_eq!(error.status(), 400);
        }
    }

    #[test]
    fn arbitrary_json_never_panics(body in any_json()) {
        if let Err(error) = parsed(body.to_string().as_bytes()) {
            prop_assert!(error.status().is_client_error());
        }
    }

    #[test]
    fn damaged_submissions_never_panic(at in 0usize..200, with in any::<u8>()) {
        let mut body = json!({
            "files": [{"sources": ["mock://a/f"], "destinations": ["mock://b/f"], "filesize": 1,
                       "metadata": {"a": "\u{1F600}"}}],
            "params": {"retry": 1, "sid": "x", "id_generator": "deterministic"},
        })
        .to_string()
        .into_bytes();
        let at = at % body.len();
        body[at] = with;
        if let Err(error) = parsed(&body) {
            prop_assert!(error.status().is_client_error());
        }
    }

    #[test]
    fn metadata_round_trips(metadata in any_json()) {
        prop_assume!(metadata.is_object());
        let text = metadata.to_string();
        let body = format!(
            r#"{{"files":[{{"sources":["mock://a/f"],"destinations":["mock://b/f"],"metadata":{text}}}]}}"#
        );
        let submission = parsed(body.as_bytes()).unwrap();
        prop_assert_eq!(&submission.files[0].file_metadata.as_ref().unwrap().0, &text);
    }
}

#[test]
fn the_product_of_urls_is_limited() {
    let urls = |scheme: &str| {
        (0..1000)
            .map(|n| format!("{scheme}://h/{n}"))
            .collect::<Vec<_>>()
    };
    let body = json!({"files": [{"sources": urls("mock"), "destinations": urls("mock")}]});
    let error = parsed(body.to_string().as_bytes()).unwrap_err();
    assert!(error.message().contains("more than 100000 transfers"));
}

#[test]
fn a_thousand_transfers_are_all_there() {
    let entry = |n: usize| {
        json!({
            "sources": [format!("mock://a.example.org:1094//eos/vo/data/file-{n}")],
            "destinations": [format!("mock://b.example.org//store/vo/data/file-{n}")],
            "filesize": n, "metadata": {"request_id": n}, "activity": "Production",
        })
    };
    let entries: Vec<Value> = (0..1000).map(entry).collect();
    let submission = parsed(json!({ "files": entries }).to_string().as_bytes()).unwrap();
    assert_eq!(submission.files.len(), 1000);
    assert_eq!(submission.files[999].user_filesize, 999);
    let view = submission.into_view(5000);
    assert_eq!(view.files[0].file_id.0, 5000);
    assert_eq!(view.files[999].file_id.0, 5999);
}
