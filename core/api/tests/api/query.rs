//! `GET /jobs/{ids}` and what is below

use causeway_model::ports::{JobStore, Transaction};
use causeway_model::{RetryLog, Timestamp};
use serde_json::{Value, json};

use crate::support::{DLG, DN, NOW, OTHER_DN, Service, one_file};

const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

fn ids(list: &Value) -> Vec<&str> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|it| it["job_id"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_job_has_exactly_these_members() {
    let service = Service::new();
    let mut body = one_file();
    body["files"][0]["checksum"] = json!("ADLER32:1234");
    body["params"] = json!({"retry": -1, "nostreams": 1});
    let id = service.submit(body).await;
    let answer = service.get(&format!("/jobs/{id}")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json(),
        json!({
            "job_id": id, "job_state": "SUBMITTED", "job_type": "N", "cancel_job": false,
            "source_se": "mock://a.example.org", "dest_se": "mock://b.example.org",
            "user_dn": DN, "cred_id": DLG, "vo_name": "testvo", "submit_host": "localhost",
            "submit_time": "2026-11-22T00:00:00", "job_finished": null, "reason": null,
            "priority": 3, "retry": -1, "retry_delay": 0, "max_time_in_queue": null,
            "space_token": "", "source_space_token": "", "destination_spacetoken": "",
            "source_spacetoken": "", "internal_job_params": "nostreams:1",
            "overwrite_flag": false, "copy_pin_lifetime": -1, "bring_online": -1,
            "verify_checksum": "t", "job_metadata": null, "archive_timeout": -1,
            "target_qos": null, "dst_file_report": false, "os_project_id": null,
            "http_status": "200 Ok",
        })
    );
}

#[tokio::test]
async fn a_file_has_exactly_these_members() {
    let service = Service::new();
    let id = service.submit(one_file()).await;
    let mut files = service.get(&format!("/jobs/{id}/files")).await.json();
    let hash = files[0]["hashed_id"].take();
    assert!((0..=65_535).contains(&hash.as_i64().unwrap()));
    let file_id = files[0]["file_id"].as_u64().unwrap();
    assert_eq!(
        files,
        json!([{
            "file_id": file_id, "job_id": id, "file_state": "SUBMITTED",
            "source_surl": "mock://a.example.org/file", "dest_surl": "mock://b.example.org/file",
            "source_se": "mock://a.example.org", "dest_se": "mock://b.example.org",
            "file_index": 0, "hashed_id": null, "retry": 0, "priority": 3, "pid": null,
            "vo_name": "testvo", "activity": "default", "selection_strategy": "auto",
            "reason": null, "checksum": "ADLER32", "transfer_host": null, "staging_host": null,
            "filesize": null, "user_filesize": 0, "transferred": null, "start_time": null,
            "finish_time": null, "staging_start": null, "staging_finished": null,
            "archive_start_time": null, "archive_finish_time": null, "retry_timestamp": null,
            "internal_file_params": null, "bringonline_token": null, "log_file": null,
            "log_debug": null, "recoverable": null, "tx_duration": null, "throughput": null,
            "file_metadata": null, "dest_surl_uuid": null, "retries": [],
            "staging_metadata": null, "archive_metadata": null, "scitag": null,
            "src_token_id": null, "dst_token_id": null, "file_state_initial": null,
        }])
    );
    assert_eq!(service.get(&format!("/jobs/{id}/dm")).await.text(), "[]");
}

#[tokio::test]
async fn a_deletion_has_these_members() {
    let service = Service::new();
    let id = service
        .submit(json!({"delete": [{"surl": "mock://a/f", "metadata": {"x": 1}}]}))
        .await;
    let rows = service.get(&format!("/jobs/{id}/dm")).await.json();
    let row = rows[0].as_object().unwrap();
    assert_eq!(row.len(), 24);
    assert_eq!(row["source_surl"], "mock://a/f");
    assert_eq!(row["file_state"], "DELETE");
    assert_eq!(row["file_metadata"], json!({"x": 1}));
    assert_eq!(row["dmHost"], json!(null));
    assert_eq!(service.get(&format!("/jobs/{id}/files")).await.text(), "[]");
}

#[tokio::test]
async fn one_missing_job_is_an_object_and_many_are_a_list() {
    let service = Service::new();
    let id = service.submit(one_file()).await;
    let text = format!("No job with the id \"{NOBODY}\" has been found");
    let missing = json!({"job_id": NOBODY, "http_status": "404 Not Found", "http_message": text});

    let answer = service.get(&format!("/jobs/{NOBODY}")).await;
    answer.is_error(404, &text);
    assert_eq!(answer.json()["http_status"], "404 Not Found");
    assert_eq!(answer.json()["http_message"], json!(text));
    assert_eq!(answer.json()["job_id"], NOBODY);

    let all_good = service.get(&format!("/jobs/{id},{id}")).await;
    assert_eq!(all_good.status, 200);
    assert_eq!(ids(&all_good.json()), [id.as_str(), id.as_str()]);
    let comma = service.get(&format!("/jobs/{id},")).await;
    assert_eq!(ids(&comma.json()), [id.as_str()]);

    let mixed = service.get(&format!("/jobs/{NOBODY},{id}")).await;
    assert_eq!(mixed.status, 207);
    assert_eq!(mixed.json()[0], missing);
    assert_eq!(mixed.json()[1]["http_status"], "200 Ok");

    for odd in ["x", "%00", "'; drop table"] {
        let odd = odd.replace(' ', "%20");
        assert_eq!(service.get(&format!("/jobs/{odd}")).await.status, 404);
    }
}

#[tokio::test]
async fn jobs_of_others_are_not_shown() {
    let mut service = Service::new();
    let id = service.submit(one_file()).await;
    service.acting_as(|it| {
        it.user_dn = OTHER_DN.into();
        it.vos = vec!["othervo".into()];
    });
    let text = format!("Not enough permissions to check the job \"{id}\"");
    let answer = service.get(&format!("/jobs/{id}")).await;
    answer.is_error(403, &text);
    assert_eq!(answer.json()["http_status"], "403 Forbidden");
    let list = service.get(&format!("/jobs/{id},{NOBODY}")).await;
    assert_eq!(list.status, 207);
    assert_eq!(
        list.json()[0],
        json!({"job_id": id, "http_status": "403 Forbidden", "http_message": text})
    );
    for rest in ["/files", "/dm", "/job_state", "/files/1/retries"] {
        service
            .get(&format!("/jobs/{id}{rest}"))
            .await
            .is_error(403, &text);
    }
    assert_eq!(service.get("/jobs").await.text(), "[]");
}

#[tokio::test]
async fn files_are_projected() {
    let service = Service::new();
    let id = service.submit(one_file()).await;
    let answer = service
        .get(&format!(
            "/jobs/{id}?files=file_state,dest_surl,finish_time,nonsense"
        ))
        .await;
    assert_eq!(
        answer.json()["files"],
        json!([{"file_state": "SUBMITTED", "dest_surl": "mock://b.example.org/file", "finish_time": null}])
    );
    assert!(
        service
            .get(&format!("/jobs/{id}"))
            .await
            .json()
            .get("files")
            .is_none()
    );
}

#[tokio::test]
async fn one_member_alone() {
    let service = Service::new();
    let mut body = one_file();
    body["params"] = json!({"job_metadata": {"a": [1]}});
    let id = service.submit(body).await;
    let field = |name: &'static str| {
        let path = format!("/jobs/{id}/{name}");
        let service = &service;
        async move { service.get(&path).await }
    };
    assert_eq!(field("job_state").await.text(), "\"SUBMITTED\"");
    assert_eq!(field("priority").await.text(), "3");
    assert_eq!(field("reason").await.text(), "null");
    assert_eq!(field("job_metadata").await.json()["a"], json!([1]));
    field("nonsense").await.is_error(404, "No such field");
    let nobody = service.get(&format!("/jobs/{NOBODY}/job_state")).await;
    nobody.is_error(
        404,
        &format!("No job with the id \"{NOBODY}\" has been found"),
    );
}

#[tokio::test]
async fn retries_of_a_file() {
    let service = Service::new();
    let id = service.submit(one_file()).await;
    let view = service.view(&id).await;
    let file = view.files[0].file_id;
    let path = format!("/jobs/{id}/files/{file}/retries");
    assert_eq!(service.get(&path).await.text(), "[]");
    let retry = RetryLog {
        file_id: file,
        job_id: view.job.job_id,
        attempt: 1,
        datetime: Timestamp::from_seconds(NOW),
        reason: "SOURCE [110] late".into(),
        transfer_host: Some("node".into()),
        log_file: None,
    };
    let change = Transaction {
        retries: vec![retry],
        ..Transaction::default()
    };
    service.store.apply(change).await.unwrap();
    assert_eq!(
        service.get(&path).await.json(),
        json!([{
            "file_id": file.0, "attempt": 1, "datetime": "2026-11-22T00:00:00",
            "reason": "SOURCE [110] late", "transfer_host": "node", "log_file": null,
        }])
    );
    for odd in ["999999", "x", "-1"] {
        let answer = service
            .get(&format!("/jobs/{id}/files/{odd}/retries"))
            .await;
        answer.is_error(
            404,
            &format!("No file with the id \"{odd}\" has been found"),
        );
    }
}
