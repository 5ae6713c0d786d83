//! `DELETE /jobs…`

use causeway_model::{FileState, JobState};
use serde_json::json;

use crate::support::{OTHER_DN, Service, one_file};

const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

#[tokio::test]
async fn an_active_job_is_cancelled() {
    let service = Service::new();
    let id = service.submit(one_file()).await;
    let answer = service.delete(&format!("/jobs/{id}")).await;
    assert_eq!(answer.status, 200);
    let job = answer.json();
    assert_eq!(job["job_state"], "CANCELED");
    assert_eq!(job["http_status"], "200 Ok");
    assert_eq!(job["http_message"], json!(null));
    assert!(job.as_object().unwrap().contains_key("http_message"));
    assert_eq!(job["cancel_job"], true);
    assert_eq!(job["reason"], "Job canceled by the user");
    assert_eq!(job["job_finished"], "2026-11-22T00:00:00");

    let again = service.delete(&format!("/jobs/{id}")).await;
    assert_eq!(again.status, 200);
    assert_eq!(again.json()["http_status"], "304 Not Modified");
    assert_eq!(
        again.json()["http_message"],
        "The job is in a terminal state"
    );
    assert_eq!(
        service.delete(&format!("/jobs/{id},{id}")).await.status,
        200
    );
}

#[tokio::test]
async fn a_body_makes_no_difference() {
    let service = Service::new();
    let id = service.submit(one_file()).await;
    let answer = service
        .ask(
            "DELETE",
            &format!("/jobs/{id}"),
            "application/json",
            "{\"a\":",
        )
        .await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn missing_and_forbidden_jobs() {
    let mut service = Service::new();
    let id = service.submit(one_file()).await;
    let missing = service.delete(&format!("/jobs/{NOBODY}")).await;
    missing.is_error(
        404,
        &format!("No job with the id \"{NOBODY}\" has been found"),
    );
    let list = service.delete(&format!("/jobs/{NOBODY},{id}")).await;
    assert_eq!(list.status, 207);
    assert_eq!(list.json()[0]["http_status"], "404 Not Found");
    assert_eq!(list.json()[1]["job_state"], "CANCELED");

    let id = service.submit(one_file()).await;
    service.acting_as(|it| {
        it.user_dn = OTHER_DN.into();
        it.vos = vec!["othervo".into()];
    });
    let text = format!("Not enough permissions to check the job \"{id}\"");
    service
        .delete(&format!("/jobs/{id}"))
        .await
        .is_error(403, &text);
    assert_eq!(
        service.delete(&format!("/jobs/{id}/files/1")).await.status,
        403
    );
    assert_eq!(service.view(&id).await.job.state, JobState::Submitted);
}

#[tokio::test]
async fn single_files() {
    let service = Service::new();
    let entry = |name: &str| json!({"sources": [format!("mock://a/{name}")], "destinations": [format!("mock://b/{name}")]});
    let id = service
        .submit(json!({"files": [entry("1"), entry("2"), entry("3")]}))
        .await;
    let files = service.view(&id).await.files;
    let (one, two) = (files[0].file_id, files[1].file_id);
    let path = format!("/jobs/{id}/files");
    let answer = service.delete(&format!("{path}/{one}")).await;
    assert_eq!(
        (answer.status.as_u16(), answer.text()),
        (200, "\"CANCELED\"")
    );
    let answer = service
        .delete(&format!("{path}/{one},999999,x,{two}"))
        .await;
    let foreign = "File does not belong to the job";
    assert_eq!(
        answer.json(),
        json!(["CANCELED", foreign, foreign, "CANCELED"])
    );
    assert_eq!(
        service.delete(&format!("{path}/{two},")).await.text(),
        "[\"CANCELED\"]"
    );
    assert_eq!(
        service.delete(&format!("{path}/999999")).await.json(),
        foreign
    );
    let view = service.view(&id).await;
    assert_eq!(view.job.state, JobState::Submitted);
    assert_eq!(view.files[2].state, FileState::Submitted);
    let nobody = service.delete(&format!("/jobs/{NOBODY}/files/1")).await;
    assert_eq!(nobody.status, 404);
}

#[tokio::test]
async fn files_of_other_types_go_together() {
    let service = Service::new();
    let mut body = one_file();
    body["params"] = json!({"reuse": true});
    let id = service.submit(body.clone()).await;
    let text = "Multihop or reuse jobs must be cancelled at once (Y)";
    service
        .delete(&format!("/jobs/{id}/files/1"))
        .await
        .is_error(400, text);
    body["params"] = json!({"multihop": true});
    let id = service.submit(body).await;
    let text = "Multihop or reuse jobs must be cancelled at once (H)";
    service
        .delete(&format!("/jobs/{id}/files/1"))
        .await
        .is_error(400, text);
}

#[tokio::test]
async fn everything_by_root_alone() {
    let mut service = Service::new();
    service.submit(one_file()).await;
    service.submit(one_file()).await;
    let denied = "User does not have root privileges";
    service.delete("/jobs/all").await.is_error(403, denied);
    service
        .delete("/jobs/vo/testvo")
        .await
        .is_error(403, denied);
    service.acting_as(|it| it.is_root = true);
    let counts = service.delete("/jobs/vo/othervo").await;
    assert_eq!(
        counts.json(),
        json!({"affected_files": 0, "affected_dm": 0, "affected_jobs": 0})
    );
    let counts = service.delete("/jobs/vo/testvo").await;
    assert_eq!(
        counts.json(),
        json!({"affected_files": 2, "affected_dm": 0, "affected_jobs": 2})
    );
    service.submit(json!({"delete": ["mock://a/f"]})).await;
    let counts = service.delete("/jobs/all").await;
    assert_eq!(
        counts.json(),
        json!({"affected_files": 0, "affected_dm": 1, "affected_jobs": 1})
    );
}
