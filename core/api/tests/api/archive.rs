//! `/archive`: jobs that left the history.

use causeway_model::ports::HistoryStore;
use causeway_model::{FileState, JobState, Timestamp};
use serde_json::{Value, json};

use crate::support::{NOW, OTHER_DN, Service, one_file};

/// A job that ended and was retired.
async fn archived(service: &Service, body: Value) -> String {
    let id = service.submit(body).await;
    let end = Timestamp::from_seconds(NOW);
    service
        .change(
            &id,
            |job| {
                job.state = JobState::Finished;
                job.job_finished = Some(end);
            },
            |file| {
                file.state = FileState::Finished;
                file.finish_time = Some(end);
                file.transfer_host = Some("node1".into());
                file.retry = 2;
            },
        )
        .await;
    let path = format!("/archive/{id}");
    let text = format!("No job with the id \"{id}\" has been found in the archive");
    service.get(&path).await.is_error(404, &text);
    let after = end.plus_millis(1);
    assert_eq!(service.store.retire(after, 9, true).await.unwrap(), 1);
    id
}

#[tokio::test]
async fn a_job_with_its_files() {
    let service = Service::new();
    let id = archived(&service, one_file()).await;
    assert_eq!(service.get(&format!("/jobs/{id}")).await.status, 404);
    let job = service.get(&format!("/archive/{id}")).await.ok();
    assert_eq!(
        (&job["job_id"], &job["job_state"]),
        (&json!(id), &json!("FINISHED"))
    );
    assert_eq!(
        (&job["reuse_job"], &job["job_params"]),
        (&json!(false), &json!(""))
    );
    assert!(job.get("job_type").is_none() && job.get("retry_delay").is_none());
    for name in [
        "cred_id",
        "user_dn",
        "retry",
        "cancel_job",
        "submit_host",
        "priority",
        "job_metadata",
        "source_space_token",
        "source_se",
        "max_time_in_queue",
        "bring_online",
        "reason",
        "space_token",
        "submit_time",
        "dest_se",
        "internal_job_params",
        "vo_name",
        "copy_pin_lifetime",
        "verify_checksum",
        "job_finished",
        "overwrite_flag",
    ] {
        assert!(job.get(name).is_some(), "{name}");
    }
    let file = job["files"][0].as_object().unwrap();
    let mut names: Vec<_> = file.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "bringonline_token",
            "checksum",
            "current_failures",
            "dest_se",
            "dest_surl",
            "file_id",
            "file_index",
            "file_metadata",
            "file_state",
            "filesize",
            "finish_time",
            "internal_file_params",
            "job_finished",
            "job_id",
            "pid",
            "reason",
            "retry",
            "selection_strategy",
            "source_se",
            "source_surl",
            "staging_finished",
            "staging_host",
            "staging_start",
            "start_time",
            "throughput",
            "transferhost",
            "tx_duration",
            "user_filesize",
        ]
    );
    assert!(file["file_id"].is_string());
    assert_eq!(
        (&file["transferhost"], &file["current_failures"]),
        (&json!("node1"), &json!(2))
    );
    assert_eq!(file["job_finished"], "2026-11-22T00:00:00");
    assert_eq!(job["dm"], json!([]));
}

#[tokio::test]
async fn members_alone() {
    let service = Service::new();
    let mut body = one_file();
    body["params"] = json!({"reuse": true, "job_metadata": {"a": 1}});
    let id = archived(&service, body).await;
    let member = async |name: &str| service.get(&format!("/archive/{id}/{name}")).await;
    assert_eq!(member("job_state").await.ok(), json!("FINISHED"));
    assert_eq!(member("reuse_job").await.ok(), json!(true));
    assert_eq!(member("job_metadata").await.ok()["a"], 1);
    assert_eq!(member("files").await.ok().as_array().unwrap().len(), 1);
    member("job_type").await.is_error(404, "No such field");
    member("nosuchfield").await.is_error(404, "No such field");
}

#[tokio::test]
async fn only_who_may_see_it() {
    let mut service = Service::new();
    let id = archived(&service, one_file()).await;
    let unknown = "00000000-0000-4000-8000-000000000000";
    for text in [unknown, "x"] {
        let message = format!("No job with the id \"{text}\" has been found in the archive");
        let path = format!("/archive/{text}");
        service.get(&path).await.is_error(404, &message);
        service
            .get(&format!("{path}/job_state"))
            .await
            .is_error(404, &message);
    }
    service.acting_as(|it| {
        it.user_dn = OTHER_DN.into();
        it.vos = vec!["other".into()];
    });
    let text = format!("Not enough permissions to check the job \"{id}\"");
    service
        .get(&format!("/archive/{id}"))
        .await
        .is_error(403, &text);
    service.caller = None;
    let answer = service.get(&format!("/archive/{id}")).await;
    answer.is_error(403, "Not enough permissions");
    assert_eq!(
        service.get("/archive/").await.ok(),
        json!({"_links": {
            "curies": [{"name": "fts", "href": "https://localhost:8446/"}],
            "fts:archivedJob": {"href": "/archive/{id}", "title": "Archived job information",
                                "templated": true},
        }})
    );
}
