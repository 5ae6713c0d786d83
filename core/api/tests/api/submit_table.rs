//! Every parameter of a submission in every spelling, and what is told of it afterwards.

use serde_json::{Value, json};

use crate::submit_members::members;
use crate::support::{NOW, Service, one_file, with_params};

/// Parameters, the member of the job that tells, its value.
fn params() -> Vec<(Value, &'static str, Value)> {
    let hour = 3600;
    let mut rows = Vec::new();
    let mut add = |params: Value, member, value: Value| rows.push((params, member, value));

    // Flags: booleans, numbers, letters, words; only a `y` in front is true of a text.
    for (given, flag) in [
        (json!(true), true),
        (json!(false), false),
        (json!(1), true),
        (json!(0), false),
        (json!("Y"), true),
        (json!("yes"), true),
        (json!("N"), false),
        (json!("true"), false),
        (json!(""), false),
        (json!(null), false),
    ] {
        add(json!({"overwrite": given}), "overwrite_flag", json!(flag));
        add(
            json!({"dst_file_report": given}),
            "dst_file_report",
            json!(flag),
        );
        let strict = if flag { json!("strict") } else { json!(null) };
        add(json!({"strict_copy": given}), "internal_job_params", strict);
    }
    for (given, letter) in [
        (json!(true), "b"),
        (json!(1), "b"),
        (json!(1234), "b"),
        (json!("both"), "b"),
        (json!("b"), "b"),
        (json!("Target"), "t"),
        (json!("t"), "t"),
        (json!("source"), "s"),
        (json!("s"), "s"),
        (json!("none"), "n"),
        (json!("n"), "n"),
        (json!(false), "n"),
        (json!(0), "n"),
        (json!(null), "n"),
        (json!(""), "n"),
        (json!("relaxed"), "r"),
        (json!("Y"), "Y"),
        (json!("compare"), "c"),
    ] {
        add(
            json!({"verify_checksum": given}),
            "verify_checksum",
            json!(letter),
        );
    }
    for (given, number) in [
        (json!(2), 2),
        (json!("2"), 2),
        (json!(2.0), 2),
        (json!(-1), -1),
        (json!(null), 0),
    ] {
        add(json!({"retry": given}), "retry", json!(number));
        add(json!({"retry_delay": given}), "retry_delay", json!(number));
    }
    for (given, number) in [
        (json!(0), 1),
        (json!(1), 1),
        (json!("4"), 4),
        (json!(5), 5),
        (json!(9), 5),
        (json!(-7), 1),
        (json!(null), 3),
    ] {
        add(json!({"priority": given}), "priority", json!(number));
    }
    for (given, seconds) in [
        (json!(2), Some(2 * hour)),
        (json!("2"), Some(2 * hour)),
        (json!("90s"), Some(90)),
        (json!("5m"), Some(300)),
        (json!("1h"), Some(hour)),
        (json!("3D"), Some(72 * hour)),
        (json!(0), None),
        (json!("0s"), None),
        (json!(null), None),
    ] {
        let until = seconds.map(|it| NOW + it);
        add(
            json!({"max_time_in_queue": given}),
            "max_time_in_queue",
            json!(until),
        );
    }
    for (given, number) in [
        (json!(60), 60),
        (json!("60"), 60),
        (json!(-1), -1),
        (json!(null), -1),
        (json!(0), 0),
    ] {
        for name in ["bring_online", "copy_pin_lifetime", "archive_timeout"] {
            add(json!({name: given}), name, json!(number));
        }
    }
    for name in ["spacetoken", "destination_spacetoken"] {
        add(json!({name: "T"}), "space_token", json!("T"));
        add(json!({name: "T"}), "destination_spacetoken", json!("T"));
        add(json!({name: null}), "space_token", json!(""));
    }
    add(
        json!({"spacetoken": "A", "destination_spacetoken": "B"}),
        "space_token",
        json!("A"),
    );
    add(
        json!({"source_spacetoken": "S"}),
        "source_space_token",
        json!("S"),
    );
    add(
        json!({"source_spacetoken": "S"}),
        "source_spacetoken",
        json!("S"),
    );
    add(json!({"target_qos": null}), "target_qos", json!(null));
    add(json!({"target_qos": "tape"}), "target_qos", json!("tape"));
    add(json!({"target_qos": ""}), "target_qos", json!(null));
    for (given, text) in [
        (
            json!({"nostreams": 4, "timeout": "1800", "buffer_size": 1025, "strict_copy": true, "ipv4": true}),
            json!("nostreams:4,timeout:1800,buffersize:1025,strict,ipv4"),
        ),
        (
            json!({"s3alternate": 1, "ipv6": "y", "disable_cleanup": true, "strict_copy": true}),
            json!("strict,disable-cleanup,ipv6,s3alternate"),
        ),
        (json!({"ipv4": true, "ipv6": true}), json!("ipv4")),
        (json!({"ipv4": false, "ipv6": true}), json!("ipv6")),
        (
            json!({"nostreams": null, "timeout": 0, "buffer_size": null}),
            json!(null),
        ),
        (json!({"nostreams": 1}), json!("nostreams:1")),
    ] {
        add(given, "internal_job_params", text);
    }
    for (given, back) in [
        (
            json!({"a": {"b": null}}),
            json!({"a": {"b": null}, "auth_method": "certificate"}),
        ),
        (json!("text"), json!({"label": "text"})),
        (json!("{\"a\": [1]}"), json!({"a": [1]})),
        (json!(null), json!(null)),
    ] {
        add(json!({"job_metadata": given}), "job_metadata", back);
    }
    // Taken and ignored.
    for name in [
        "gridftp",
        "credential",
        "credentials",
        "fail_nearline",
        "checksum",
        "filesize",
        "account",
    ] {
        for value in [json!(null), json!("x"), json!(7), json!({"a": []})] {
            add(json!({name: value}), "job_state", json!("SUBMITTED"));
        }
    }
    rows
}

#[tokio::test]
async fn parameters_of_a_job() {
    let service = Service::new();
    for (given, member, value) in params() {
        let id = service.submit(with_params(given.clone())).await;
        let job = service.get(&format!("/jobs/{id}")).await.json();
        assert_eq!(job[member], value, "{given}: {member}");
    }
}

/// A null is the same as nothing, for every member at every level.
#[tokio::test]
async fn nulls_are_the_same_as_nothing() {
    let service = Service::new();
    let plain = service.submit(one_file()).await;
    let mut body = json!({
        "files": [{"sources": ["mock://a.example.org/file"], "destinations": ["mock://b.example.org/file"]}],
        "delete": null,
        "params": {},
    });
    for (given, _, _) in members() {
        for name in given.as_object().unwrap().keys() {
            body["files"][0][name] = json!(null);
        }
    }
    for (given, _, _) in params() {
        for name in given.as_object().unwrap().keys() {
            body["params"][name] = json!(null);
        }
    }
    assert!(body["params"].as_object().unwrap().len() > 25);
    let nulls = service.submit(body).await;
    for path in ["", "/files"] {
        let get = |id: String| {
            let service = &service;
            async move { service.get(&format!("/jobs/{id}{path}")).await.json() }
        };
        let own = ["job_id", "file_id", "hashed_id"];
        assert_eq!(
            without(get(plain.clone()).await, &own),
            without(get(nulls.clone()).await, &own)
        );
    }
}

fn without(mut value: Value, names: &[&str]) -> Value {
    match &mut value {
        Value::Array(rows) => rows
            .iter_mut()
            .for_each(|it| *it = without(it.take(), names)),
        Value::Object(members) => members.retain(|name, _| !names.contains(&name.as_str())),
        _ => {}
    }
    value
}
