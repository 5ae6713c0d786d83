//! Traps of real clients, in what they submit and change. The number is that of the list in
//! `docs/compatibility.md`; the rest of the list is in `traps_reading.rs` and in `tests/traps.rs`.

use serde_json::{Value, json};

use crate::support::{DLG, DN, Service, one_file, with_params};

async fn job_of(service: &Service, body: Value) -> Value {
    let id = service.submit(body).await;
    let mut job = service
        .get(&format!(
            "/jobs/{id}?files=checksum,activity,user_filesize,file_metadata"
        ))
        .await
        .json();
    for unique in ["job_id", "submit_time"] {
        job.as_object_mut().unwrap().remove(unique);
    }
    job
}

#[tokio::test]
async fn trap_02_unknown_params_and_unknown_file_keys_are_ignored() {
    let service = Service::new();
    let plain = job_of(&service, one_file()).await;
    let mut body = one_file();
    body["s3"] = json!({});
    body["params"] = json!({"account": "root", "credential": "x", "s3_credentials": {"a": [1]}});
    body["files"][0]["Recoverable"] = json!(true);
    assert_eq!(job_of(&service, body).await, plain);
}

#[tokio::test]
async fn trap_03_explicit_nulls_equal_absent() {
    let service = Service::new();
    let plain = job_of(&service, one_file()).await;
    let params = [
        "verify_checksum",
        "overwrite",
        "overwrite_on_retry",
        "overwrite_hop",
        "reuse",
        "multihop",
        "overwrite_when_only_on_disk",
        "bring_online",
        "copy_pin_lifetime",
        "archive_timeout",
        "target_qos",
        "dst_file_report",
        "job_metadata",
        "retry",
        "retry_delay",
        "priority",
        "max_time_in_queue",
        "source_spacetoken",
        "spacetoken",
        "destination_spacetoken",
        "gridftp",
        "nostreams",
        "timeout",
        "buffer_size",
        "strict_copy",
        "disable_cleanup",
        "ipv4",
        "ipv6",
        "s3alternate",
        "id_generator",
        "sid",
        "credential",
        "unmanaged_tokens",
        "fail_nearline",
    ];
    let files = [
        "checksum",
        "filesize",
        "metadata",
        "activity",
        "selection_strategy",
        "priority",
        "scitag",
        "staging_metadata",
        "archive_metadata",
        "source_tokens",
        "destination_tokens",
    ];
    let mut all = one_file();
    for name in params {
        let one = with_params(json!({ name: null }));
        assert_eq!(job_of(&service, one).await, plain, "params.{name}");
        all["params"][name] = Value::Null;
    }
    for name in files {
        let mut one = one_file();
        one["files"][0][name] = Value::Null;
        assert_eq!(job_of(&service, one).await, plain, "files[].{name}");
        all["files"][0][name] = Value::Null;
    }
    all["delete"] = Value::Null;
    assert_eq!(job_of(&service, all).await, plain);
    let mut nothing = one_file();
    nothing["params"] = Value::Null;
    assert_eq!(job_of(&service, nothing).await, plain);
}

#[tokio::test]
async fn trap_04_files_and_params_with_capitals() {
    let service = Service::new();
    let body = json!({"Files": one_file()["files"], "Params": {"priority": 5}});
    assert_eq!(job_of(&service, body).await["priority"], 5);
}

#[tokio::test]
async fn trap_05_verify_checksum_as_bool_word_letter() {
    let service = Service::new();
    for (given, stored) in [
        (json!(true), "b"),
        (json!(false), "n"),
        (json!("both"), "b"),
        (json!("target"), "t"),
        (json!("source"), "s"),
        (json!("none"), "n"),
        (json!("b"), "b"),
        (json!("t"), "t"),
        (json!("s"), "s"),
        (json!("n"), "n"),
    ] {
        let job = job_of(&service, with_params(json!({"verify_checksum": given}))).await;
        assert_eq!(job["verify_checksum"], stored, "{given}");
    }
}

#[tokio::test]
async fn trap_08_metadata_comes_back_as_the_type_that_was_sent() {
    let service = Service::new();
    let given =
        json!({"request_id": "r", "n": 1.5, "list": [1, null, {"a": "ü"}], "deep": {"b": true}});
    let mut body =
        with_params(json!({"job_metadata": {"issuer": "rucio", "multi_sources": false}}));
    body["files"][0]["metadata"] = given.clone();
    let id = service.submit(body).await;
    let job = service
        .get(&format!("/jobs/{id}?files=file_metadata"))
        .await
        .json();
    assert!(job["job_metadata"].is_object());
    assert_eq!(job["job_metadata"]["multi_sources"], false);
    assert_eq!(job["files"], json!([{"file_metadata": given}]));
    let field = service
        .get(&format!("/jobs/{id}/job_metadata"))
        .await
        .json();
    assert_eq!(field["issuer"], "rucio");
    let files = service.get(&format!("/jobs/{id}/files")).await.json();
    assert_eq!(files[0]["file_metadata"], given);
    let files = service.get("/files").await.json();
    assert_eq!(files[0]["file_metadata"], given);
}

#[tokio::test]
async fn trap_10_priority_is_never_null() {
    let service = Service::new();
    for priority in [json!(null), json!(0), json!(-3), json!(99)] {
        let job = job_of(&service, with_params(json!({"priority": priority}))).await;
        assert!(
            (1..=5).contains(&job["priority"].as_i64().unwrap()),
            "{job}"
        );
    }
    let deletion = job_of(&service, json!({"delete": ["mock://a/f"]})).await;
    assert_eq!(deletion["priority"], 3);
}

#[tokio::test]
async fn trap_13_delete_with_a_body() {
    let service = Service::new();
    let id = service.submit(one_file()).await;
    let body = r#"{"storage":"x","status":"CANCEL"}"#;
    for path in [format!("/jobs/{id}"), format!("/delegation/{DLG}")] {
        let answer = service.ask("DELETE", &path, "application/json", body).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.text());
    }
    assert_eq!(service.view(&id).await.job.state.name(), "CANCELED");
}

#[tokio::test]
async fn trap_14_the_status_of_a_ban_in_capitals() {
    let service = Service::of_operator();
    for (status, more) in [("CANCEL", json!({})), ("WAIT", json!({"timeout": 3600}))] {
        let mut body = json!({"storage": "mock://a", "message": "down", "status": status});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        assert_eq!(service.post("/ban/se", &body).await.status, 200, "{status}");
        let bans = service.get("/ban/se").await.json();
        assert_eq!(bans[0]["status"], status);
        // The client that bans like this sends a body when it takes the ban back, too.
        let path = "/ban/se?storage=mock://a";
        let text = body.to_string();
        let answer = service.ask("DELETE", path, "application/json", text).await;
        assert_eq!(answer.status, 204);
    }
}

#[tokio::test]
async fn trap_17_deterministic_ids_are_the_uuid5_chain() {
    let mut service = Service::new();
    let body = |sid| with_params(json!({"id_generator": "deterministic", "sid": sid}));
    let id = service.submit(body("sid-1")).await;
    assert_eq!(id, "0f9499ed-ed7c-5af5-aae6-a92f3cca308f");
    let again = service.post("/jobs", body("sid-1")).await;
    again.is_error(409, "The sid provided by the user is duplicated");
    service.acting_as(|it| it.vos = vec!["dteam".into(), "testvo".into()]);
    let id = service
        .submit(body("6067830a-8596-4093-86f4-3ab940ebf876"))
        .await;
    assert_eq!(id, "76810c8e-abcc-54fc-bde2-cba789e1c898");
}

#[tokio::test]
async fn trap_19_modifying_a_terminal_job_is_no_error() {
    let service = Service::new();
    let id = service.submit(one_file()).await;
    service.delete(&format!("/jobs/{id}")).await;
    let live = service.submit(one_file()).await;
    let body = json!({"params": {"priority": 1}});
    let answer = service.post(&format!("/jobs/{id}"), &body).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["http_status"], "304 Not Modified");
    assert_eq!(
        answer.json()["http_message"],
        "The job is in a terminal state"
    );
    let both = service.post(&format!("/jobs/{id},{live}"), &body).await;
    assert_eq!(both.status, 200);
    assert_eq!(both.json()[1]["http_status"], "200 Ok");
    assert!(
        both.json()[1]
            .as_object()
            .unwrap()
            .contains_key("http_message"),
        "clients index it"
    );
    assert_eq!(both.json()[1]["user_dn"], DN);
}
