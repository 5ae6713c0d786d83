//! `POST /jobs`: which type a job gets, and in which states its transfers begin.

use causeway_api::ApiConfig;
use causeway_model::{FileState, JobState};
use serde_json::{Value, json};

use crate::support::{Service, entry, one_file, rows, states, with_params};

#[tokio::test]
async fn staging_is_asked_for_by_either_number() {
    let service = Service::new();
    for (params, state) in [
        (json!({"bring_online": 43200}), FileState::Staging),
        (
            json!({"copy_pin_lifetime": 172_800, "bring_online": null}),
            FileState::Staging,
        ),
        (
            json!({"copy_pin_lifetime": -1, "bring_online": -1}),
            FileState::Submitted,
        ),
        (
            json!({"copy_pin_lifetime": 0, "bring_online": 0}),
            FileState::Submitted,
        ),
        (json!({"target_qos": "disk"}), FileState::QosTransition),
    ] {
        let (job, files) = rows(&service, with_params(params.clone())).await;
        assert_eq!(files[0].state, state, "{params}");
        assert_eq!(job.state.name(), state.name());
    }
}

#[tokio::test]
async fn types_of_jobs_and_their_first_states() {
    let service = Service::new();
    let two = json!([
        entry(&["mock://a/1"], &["mock://b/1"]),
        entry(&["mock://b/1"], &["mock://c/1"])
    ]);

    let (job, files) = rows(&service, json!({"files": two})).await;
    assert_eq!(job.job_type.unwrap().letter(), "N");
    assert_eq!(states(&files), ["SUBMITTED", "SUBMITTED"]);
    assert_eq!((files[0].file_index, files[1].file_index), (0, 1));
    assert!(files[0].file_id < files[1].file_id);
    assert_eq!((job.source_se, job.dest_se), (None, None));

    let params = json!({"multihop": true, "reuse": true});
    let (job, files) = rows(&service, json!({"files": two, "params": params})).await;
    assert_eq!(job.job_type.unwrap().letter(), "H");
    assert_eq!(states(&files), ["SUBMITTED", "NOT_USED"]);
    assert_eq!(job.source_se.as_deref(), Some("mock://a"));
    assert_eq!(job.dest_se.as_deref(), Some("mock://c"));
    assert_eq!(files[0].hashed_id, files[1].hashed_id);

    let replicas = entry(&["mock://a/1", "mock://B:80/1"], &["mock://c/1"]);
    let (job, files) = rows(&service, json!({"files": [replicas]})).await;
    assert_eq!(job.job_type.unwrap().letter(), "R");
    assert_eq!(states(&files), ["SUBMITTED", "NOT_USED"]);
    assert_eq!(&*files[1].source_se, "mock://b");
    assert_eq!((files[0].file_index, files[1].file_index), (0, 0));
    assert_eq!(
        (job.source_se.as_deref(), job.dest_se.as_deref()),
        (None, Some("mock://c"))
    );

    let mut several = entry(&["mock://a/1"], &["mock://b/1", "mock://c/1"]);
    several["selection_strategy"] = json!("orderly");
    let (_, files) = rows(&service, json!({"files": [several]})).await;
    assert_eq!(states(&files), ["SUBMITTED", "NOT_USED"]);

    let reuse =
        json!({"files": [entry(&["mock://a/1"], &["mock://b/1"])], "params": {"reuse": true}});
    let (job, _) = rows(&service, reuse).await;
    assert_eq!(job.job_type.unwrap().letter(), "Y");
}

#[tokio::test]
async fn a_hop_may_stand_still() {
    let service = Service::new();
    let hops = json!([
        entry(&["mock://a/1"], &["mock://a/1"]),
        entry(&["mock://a/1"], &["mock://b/1"])
    ]);
    let body = json!({"files": hops, "params": {"multihop": true, "bring_online": 100}});
    let (job, files) = rows(&service, body).await;
    assert_eq!(job.state, JobState::Staging);
    assert_eq!(states(&files), ["STAGING", "NOT_USED"]);
}

#[tokio::test]
async fn the_shortest_queue_is_chosen() {
    let service = Service::new();
    let busy = entry(&["mock://a/x"], &["mock://c/x"]);
    service.submit(json!({"files": [busy]})).await;
    for (strategy, expected) in [
        ("orderly", ["SUBMITTED", "NOT_USED"]),
        ("auto", ["NOT_USED", "SUBMITTED"]),
        ("throughput", ["SUBMITTED", "NOT_USED"]),
    ] {
        let mut replicas = entry(&["mock://a/1", "mock://b/1"], &["mock://c/1"]);
        replicas["selection_strategy"] = json!(strategy);
        let (_, files) = rows(&service, json!({"files": [replicas]})).await;
        assert_eq!(states(&files), expected, "{strategy}");
        let id = files[0].job_id.to_string();
        service.delete(&format!("/jobs/{id}")).await;
    }
}

#[tokio::test]
async fn live_destinations_are_guarded_for_some_vos() {
    let mut config = ApiConfig::default();
    config.submit.duplicate_check_vos = vec!["testvo".into()];
    let service = Service::with(config);
    let (_, files) = rows(
        &service,
        json!({"files": [entry(&["mock://a/f"], &["root://dest.ch/file"])]}),
    )
    .await;
    let id = files[0].dest_surl_uuid.unwrap().to_string();
    assert_eq!(id, "77ff81f8-d9b5-5875-bee9-c553a0b0a787");
    let twice = entry(&["mock://a/g"], &["root://dest.ch/file"]);
    let second = service
        .post("/jobs", json!({"files": [twice.clone()]}))
        .await;
    assert_eq!(second.status, 409);
    assert!(second.message().starts_with("The submission is duplicated"));
    let within = json!({"files": [entry(&["mock://a/1"], &["mock://b/1"]), entry(&["mock://a/2"], &["mock://b/1"])]});
    let within = service.post("/jobs", within).await;
    assert_eq!(within.status, 409);
    assert_eq!(service.stored_jobs(), 1);

    let hops = json!({
        "files": [entry(&["mock://a/1"], &["mock://b/h"]), entry(&["mock://b/h"], &["mock://c/h"])],
        "params": {"multihop": true},
    });
    let (_, files) = rows(&service, hops).await;
    assert!(files[0].dest_surl_uuid.is_none() && files[1].dest_surl_uuid.is_some());
    let replicas = json!({"files": [entry(&["mock://a/r", "mock://b/r"], &["mock://c/r"])]});
    let (_, files) = rows(&service, replicas).await;
    assert_eq!(
        files
            .iter()
            .filter(|it| it.dest_surl_uuid.is_some())
            .count(),
        1
    );
}

#[tokio::test]
async fn small_files_share_a_session_when_that_is_switched_on() {
    let mut config = ApiConfig::default();
    config.submit.auto_reuse.enabled = true;
    let service = Service::with(config);
    let files = |count: usize, size: u64| -> Vec<Value> {
        let one = |n| {
            let mut entry = entry(&[&format!("mock://a/{n}")], &[&format!("mock://b/{n}")]);
            entry["filesize"] = json!(size);
            entry
        };
        (0..count).map(one).collect()
    };
    let letter = |body: Value| async { rows(&service, body).await.0.job_type.unwrap().letter() };
    assert_eq!(letter(json!({"files": files(6, 1)})).await, "Y");
    assert_eq!(letter(json!({"files": files(5, 1)})).await, "N");
    assert_eq!(letter(json!({"files": files(6, 0)})).await, "N");
    assert_eq!(letter(json!({"files": files(6, 200 << 20)})).await, "N");
    assert_eq!(
        letter(json!({"files": files(6, 1), "params": {"reuse": false}})).await,
        "N"
    );
    let mut mixed = files(6, 1);
    mixed[0]["filesize"] = json!(200 << 20);
    assert_eq!(letter(json!({"files": mixed})).await, "Y");
}

#[tokio::test]
async fn banned_storages() {
    let service = Service::new();
    service
        .bans
        .storages
        .lock()
        .unwrap()
        .insert("mock://b.example.org".into(), false);
    let refused = service.post("/jobs", one_file()).await;
    refused.is_error(403, "mock://b.example.org is banned");
    let refused = service
        .post("/jobs", json!({"delete": ["mock://b.example.org/f"]}))
        .await;
    refused.is_error(403, "mock://b.example.org is banned");
    service
        .bans
        .storages
        .lock()
        .unwrap()
        .insert("mock://b.example.org".into(), true);
    let (job, files) = rows(&service, one_file()).await;
    assert_eq!(
        (job.state, files[0].state),
        (JobState::Submitted, FileState::OnHold)
    );
    let (job, files) = rows(&service, with_params(json!({"bring_online": 10}))).await;
    assert_eq!(
        (job.state, files[0].state),
        (JobState::Staging, FileState::OnHoldStaging)
    );
}

#[tokio::test]
async fn deletions() {
    let service = Service::new();
    let body = json!({
        "delete": ["mock://a/1", {"surl": "mock://a/2", "metadata": "label"}, "mock://a/1"],
        "params": {"priority": 5, "overwrite": true, "job_metadata": {"x": 1}},
    });
    let id = service.submit(body).await;
    let view = service.view(&id).await;
    assert_eq!(view.job.state, JobState::Delete);
    assert_eq!((view.job.job_type, view.job.priority), (None, 3));
    assert_eq!(view.job.source_se.as_deref(), Some("mock://a"));
    assert_eq!(view.deletions.len(), 2);
    assert_eq!(
        view.deletions[1].file_metadata.as_ref().unwrap().0,
        r#"{"label":"label"}"#
    );
    let job = service.get(&format!("/jobs/{id}")).await.json();
    assert_eq!(job["overwrite_flag"], false);
    assert_eq!(job["job_type"], json!(null));
}
