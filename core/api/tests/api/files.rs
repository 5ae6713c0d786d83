//! `GET /files`

use causeway_model::{FileState, Level, Timestamp};
use serde_json::{Value, json};

use crate::support::{NOW, OTHER_DN, Service, one_file};

async fn ended(service: &Service, state: FileState, hours_ago: i64) {
    let id = service.submit(one_file()).await;
    let end = Timestamp::from_seconds(NOW - hours_ago * 3600);
    service
        .change(
            &id,
            |job| job.job_finished = Some(end),
            |file| {
                file.state = state;
                file.finish_time = Some(end);
            },
        )
        .await;
}

fn states(list: &Value) -> Vec<&str> {
    let mut states: Vec<&str> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["file_state"].as_str().unwrap())
        .collect();
    states.sort_unstable();
    states
}

#[tokio::test]
async fn conditions() {
    let service = Service::new();
    service.submit(one_file()).await;
    ended(&service, FileState::Failed, 1).await;
    ended(&service, FileState::Finished, 5).await;
    let list = |query: &'static str| {
        let service = &service;
        async move { service.get(&format!("/files?{query}")).await.json() }
    };
    assert_eq!(states(&list("").await), ["SUBMITTED"]);
    assert_eq!(states(&list("state_in=FAILED").await), ["FAILED"]);
    assert_eq!(
        states(&list("state_in=FAILED,SUBMITTED").await),
        ["FAILED", "SUBMITTED"]
    );
    assert_eq!(states(&list("time_window=2").await), ["FAILED"]);
    assert_eq!(
        states(&list("time_window=6:00").await),
        ["FAILED", "FINISHED"]
    );
    assert_eq!(list("state_in=NONSENSE").await, json!([]));
    assert_eq!(list("dest_surl=mock://b.example.org/none").await, json!([]));
    assert_eq!(
        states(&list("dest_surl=mock://b.example.org/file").await),
        ["SUBMITTED"]
    );
    assert_eq!(
        states(&list("source_se=mock://a.example.org&limit=0").await),
        ["SUBMITTED"]
    );
    assert_eq!(list("vo_name=othervo").await, json!([]));
    for query in ["time_window=x", "limit=x"] {
        assert_eq!(service.get(&format!("/files?{query}")).await.status, 400);
    }
}

#[tokio::test]
async fn visibility() {
    let mut service = Service::new();
    service.submit(one_file()).await;
    for (level, vo, files) in [
        (Level::Private, "testvo", 1),
        (Level::Vo, "othervo", 0),
        (Level::All, "othervo", 1),
    ] {
        service.acting_as(|it| {
            it.user_dn = OTHER_DN.into();
            it.vos = vec![vo.into()];
            it.level.insert("transfer".into(), level);
        });
        let list = service.get("/files").await.json();
        assert_eq!(list.as_array().unwrap().len(), files, "{level:?}");
    }
    service.acting_as(|it| it.level.clear());
    service
        .get("/files")
        .await
        .is_error(403, "Not enough permissions");
}
