//! Every member of a file of a submission, and what is told of it afterwards.

use serde_json::{Value, json};

use crate::support::{Service, one_file};

/// Members of a file, the member of the transfer that tells, its value.
pub(crate) fn members() -> Vec<(Value, &'static str, Value)> {
    let mut rows = Vec::new();
    let mut add = |given: Value, member, value: Value| rows.push((given, member, value));
    for (given, back) in [
        (json!("ADLER32:1234"), "ADLER32:1234"),
        (json!("adler32"), "adler32"),
        (json!("1234"), "1234"),
        (json!(""), "ADLER32"),
        (json!(null), "ADLER32"),
    ] {
        add(json!({"checksum": given}), "checksum", json!(back));
    }
    for (given, size) in [
        (json!(1024), 1024),
        (json!(1024.0), 1024),
        (json!("7"), 7),
        (json!(0), 0),
        (json!(null), 0),
    ] {
        add(json!({"filesize": given}), "user_filesize", json!(size));
    }
    for (given, back) in [
        (
            json!({"a": [1, {"b": null}]}),
            json!({"a": [1, {"b": null}]}),
        ),
        (json!("text"), json!({"label": "text"})),
        (json!("{\"a\": 1.50}"), json!({"a": 1.50})),
        (json!("[1]"), json!([1])),
        (json!(""), json!({"label": ""})),
        (json!(null), json!(null)),
    ] {
        add(json!({"metadata": given}), "file_metadata", back);
    }
    for name in ["staging_metadata", "archive_metadata"] {
        add(json!({name: {"k": {"v": 1}}}), name, json!({"k": {"v": 1}}));
        add(json!({name: null}), name, json!(null));
    }
    for (given, back) in [
        (json!("Production"), "Production"),
        (json!(null), "default"),
        (json!(""), "default"),
    ] {
        add(json!({"activity": given}), "activity", json!(back));
    }
    for (given, back) in [
        (json!(5), 5),
        (json!("2"), 2),
        (json!(99), 5),
        (json!(null), 3),
    ] {
        add(json!({"priority": given}), "priority", json!(back));
    }
    for (given, back) in [
        (json!(65), json!(65)),
        (json!(65_535), json!(65_535)),
        (json!(null), json!(null)),
    ] {
        add(json!({"scitag": given}), "scitag", back);
    }
    for (given, back) in [
        (json!("orderly"), "orderly"),
        (json!(null), "auto"),
        (json!("queue"), "queue"),
    ] {
        add(
            json!({"selection_strategy": given}),
            "selection_strategy",
            json!(back),
        );
    }
    rows
}

#[tokio::test]
async fn members_of_a_file() {
    let service = Service::new();
    for (given, member, value) in members() {
        let mut body = one_file();
        let entry = body["files"][0].as_object_mut().unwrap();
        entry.extend(given.as_object().unwrap().clone());
        let id = service.submit(body).await;
        let files = service.get(&format!("/jobs/{id}/files")).await.json();
        assert_eq!(files[0][member], value, "{given}: {member}");
    }
}
