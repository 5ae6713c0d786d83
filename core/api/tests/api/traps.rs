//! Traps that real clients set: shapes seen on the wire of the programs people use.

use serde_json::{Value, json};

use crate::support::{Service, one_file};

async fn job_of(service: &Service, body: Value) -> Value {
    let id = service.submit(body).await;
    service.get(&format!("/jobs/{id}")).await.json()
}

#[tokio::test]
async fn the_bindings_send_every_parameter_as_null() {
    let service = Service::new();
    let nulls: Vec<&str> = vec![
        "reuse",
        "destination_spacetoken",
        "source_spacetoken",
        "spacetoken",
        "bring_online",
        "archive_timeout",
        "copy_pin_lifetime",
        "priority",
        "timeout",
        "max_time_in_queue",
        "buffer_size",
        "sid",
        "job_metadata",
        "overwrite",
        "target_qos",
        "strict_copy",
        "ipv4",
        "ipv6",
        "s3alternate",
        "dst_file_report",
        "retry_delay",
        "overwrite_hop",
        "multihop",
    ];
    let mut params: serde_json::Map<String, Value> = nulls
        .into_iter()
        .map(|it| (it.to_owned(), Value::Null))
        .collect();
    params.insert("retry".into(), json!(-1));
    params.insert("nostreams".into(), json!(1));
    params.insert("id_generator".into(), json!("standard"));
    params.insert("unmanaged_tokens".into(), json!(false));
    params.insert("verify_checksum".into(), json!(false));
    let body = json!({
        "files": [{
            "sources": ["mock://a/f"], "destinations": ["mock://b/f"], "checksum": "ADLER32",
            "selection_strategy": "auto", "filesize": null, "metadata": null, "activity": null,
            "scitag": null, "staging_metadata": null, "archive_metadata": null,
        }],
        "params": params,
        "delete": null,
    });
    let job = job_of(&service, body).await;
    assert_eq!(job["verify_checksum"], "t");
    assert_eq!(job["retry"], -1);
    assert_eq!(job["internal_job_params"], "nostreams:1");
    assert_eq!(job["bring_online"], -1);
    assert_eq!(job["copy_pin_lifetime"], -1);
    assert_eq!(job["priority"], 3);
    assert_eq!(job["space_token"], "");
    assert_eq!(job["job_type"], "N");
}

#[tokio::test]
async fn the_submit_program_sends_letters_and_minus_ones() {
    let service = Service::new();
    let body = json!({
        "files": [{
            "sources": ["mock://a/f"], "destinations": ["mock://b/f"], "checksum": "ADLER32",
            "filesize": null, "activity": null, "scitag": null, "metadata": null,
        }],
        "params": {
            "verify_checksum": "n", "copy_pin_lifetime": -1, "bring_online": -1,
            "archive_timeout": -1, "gridftp": "", "spacetoken": "", "credential": null,
            "fail_nearline": false, "checksum": "x", "filesize": 7,
        },
    });
    let job = job_of(&service, body).await;
    assert_eq!(job["verify_checksum"], "n");
    assert_eq!(job["job_state"], "SUBMITTED");
}

#[tokio::test]
async fn names_with_capitals() {
    let service = Service::new();
    let file = one_file()["files"].clone();
    let job = job_of(&service, json!({"Files": file, "Params": {"priority": 1}})).await;
    assert_eq!(job["priority"], 1);
    let job = job_of(
        &service,
        json!({"Files": one_file()["files"], "params": null}),
    )
    .await;
    assert_eq!(job["priority"], 3);
}

#[tokio::test]
async fn unknown_members_are_ignored_everywhere() {
    let service = Service::new();
    let mut body = one_file();
    body["unknown"] = json!([{}]);
    body["params"] = json!({"account": "root", "s3_credentials": {"a": []}});
    body["files"][0]["whatever"] = json!(1);
    service.submit(body).await;
}

#[tokio::test]
async fn the_catalogue_client_gets_its_keys() {
    let service = Service::new();
    let mut body = one_file();
    body["files"][0]["metadata"] = json!({"request_id": "r1", "scope": "s", "filesize": 12});
    body["params"] = json!({
        "account": "root", "verify_checksum": "both", "copy_pin_lifetime": null,
        "bring_online": null, "job_metadata": {"issuer": "rucio", "multi_sources": false},
        "overwrite": true, "overwrite_when_only_on_disk": false, "priority": 3,
        "s3alternate": true, "ipv4": true, "ipv6": false, "max_time_in_queue": 168,
    });
    let id = service.submit(body).await;
    let fields = "file_state,dest_surl,finish_time,start_time,staging_start,staging_finished,reason,source_surl,file_metadata";
    let answer = service
        .get(&format!("/jobs/{id},{id}?files={fields}"))
        .await;
    assert_eq!(answer.status, 200);
    let job = &answer.json()[0];
    assert_eq!(job["http_status"], "200 Ok");
    assert_eq!(job["job_metadata"]["issuer"], "rucio");
    assert_eq!(job["job_metadata"]["auth_method"], "certificate");
    let file = job["files"][0].as_object().unwrap();
    let mut keys: Vec<&str> = file.keys().map(String::as_str).collect();
    let mut wanted: Vec<&str> = fields.split(',').collect();
    keys.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(keys, wanted);
    assert_eq!(
        file["file_metadata"],
        json!({"request_id": "r1", "scope": "s", "filesize": 12})
    );
    assert_eq!(job["internal_job_params"], "ipv4,s3alternate");
}

#[tokio::test]
async fn metadata_keeps_its_type() {
    let service = Service::new();
    for (given, back) in [
        (
            json!({"a": {"b": [1, 2.5, null]}}),
            json!({"a": {"b": [1, 2.5, null]}}),
        ),
        (json!("text"), json!({"label": "text"})),
        (json!("{\"a\": 1}"), json!({"a": 1})),
        (json!(null), json!(null)),
    ] {
        let mut body = one_file();
        body["files"][0]["metadata"] = given;
        let id = service.submit(body).await;
        let files = service.get(&format!("/jobs/{id}/files")).await.json();
        assert_eq!(files[0]["file_metadata"], back);
    }
}

#[tokio::test]
async fn big_numbers_in_metadata_lose_nothing() {
    let service = Service::new();
    let body = r#"{"files":[{"sources":["mock://a/f"],"destinations":["mock://b/f"],
        "metadata":{"z": 12345678901234567890123, "a" : 1.10, "a": 1e999}}]}"#;
    let answer = service.post("/jobs", body).await;
    let id = answer.json()["job_id"].as_str().unwrap().to_owned();
    let files = service.get(&format!("/jobs/{id}/files")).await;
    let text = r#""file_metadata":{"z": 12345678901234567890123, "a" : 1.10, "a": 1e999}"#;
    assert!(files.text().contains(text), "{}", files.text());
}
