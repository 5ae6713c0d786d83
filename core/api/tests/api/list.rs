//! `GET /jobs`: conditions, and who sees what.

use causeway_model::{FileState, JobState, Level, Timestamp};
use serde_json::{Value, json};

use crate::support::{DLG, DN, NOW, OTHER_DN, Service, one_file};

fn ids(list: &Value) -> Vec<&str> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|it| it["job_id"].as_str().unwrap())
        .collect()
}

async fn finished(service: &Service, hours_ago: i64) -> String {
    let id = service.submit(one_file()).await;
    service
        .change(
            &id,
            |job| {
                job.state = JobState::Finished;
                job.job_finished = Some(Timestamp::from_seconds(NOW - hours_ago * 3600));
            },
            |file| {
                file.state = FileState::Finished;
                file.finish_time = Some(Timestamp::from_seconds(NOW - hours_ago * 3600));
            },
        )
        .await;
    id
}

#[tokio::test]
async fn the_list_shows_unfinished_jobs() {
    let service = Service::new();
    let live = service.submit(one_file()).await;
    let recent = finished(&service, 1).await;
    let old = finished(&service, 30).await;
    let list = |query: &'static str| {
        let service = &service;
        async move { service.get(&format!("/jobs?{query}")).await.json() }
    };
    assert_eq!(ids(&list("").await), [live.as_str()]);
    assert_eq!(list("limit=10").await, list("").await);
    assert_eq!(list("state_in=FINISHED").await, json!([]));
    assert_eq!(list("state_in=NONSENSE").await, json!([]));
    assert_eq!(
        ids(&list("state_in=SUBMITTED,ACTIVE").await),
        [live.as_str()]
    );
    let mut all = list("state_in=FINISHED&limit=10").await;
    assert_eq!(all.as_array().unwrap().len(), 2);
    all = list("state_in=FINISHED&time_window=2").await;
    assert_eq!(ids(&all), [recent.as_str()]);
    all = list("state_in=FINISHED&time_window=48:30").await;
    assert!(ids(&all).contains(&old.as_str()));
    assert_eq!(list("source_se=mock://nowhere").await, json!([]));
    assert_eq!(
        ids(&list("dest_se=mock://b.example.org").await),
        [live.as_str()]
    );
    assert_eq!(list("vo_name=othervo").await, json!([]));
    assert_eq!(
        list("fields=job_state,nonsense").await,
        json!([{"job_state": "SUBMITTED"}])
    );
}

#[tokio::test]
async fn filters_that_are_refused() {
    let mut service = Service::new();
    service.submit(one_file()).await;
    for query in [
        "limit=-1",
        "limit=501",
        "state_in=FINISHED&time_window=x",
        "user_dn=/CN=you",
    ] {
        assert_eq!(
            service.get(&format!("/jobs?{query}")).await.status,
            400,
            "{query}"
        );
    }
    assert_eq!(service.get("/jobs?limit=abc").await.status, 200);
    assert_eq!(
        service.get("/jobs?dlg_id=0000000000000000").await.status,
        403
    );
    assert_eq!(
        service.get(&format!("/jobs?dlg_id={DLG}")).await.status,
        200
    );
    let own = service
        .get(&format!("/jobs?user_dn={}", DN.replace(' ', "%20")))
        .await;
    assert_eq!(own.json().as_array().unwrap().len(), 1);
    service.acting_as(|it| {
        it.level.insert("transfer".into(), Level::All);
    });
    assert_eq!(service.get("/jobs?user_dn=/CN=you").await.text(), "[]");
}

#[tokio::test]
async fn what_each_level_sees() {
    let mut service = Service::new();
    service.submit(one_file()).await;
    let other = |level: Option<Level>, vo: &'static str| {
        move |it: &mut causeway_model::Principal| {
            it.user_dn = OTHER_DN.into();
            it.delegation_id = Some("other".into());
            it.vos = vec![vo.into()];
            it.level = level
                .map(|it| ("transfer".to_owned(), it))
                .into_iter()
                .collect();
        }
    };
    for (level, vo, jobs) in [
        (Level::Private, "testvo", 0),
        (Level::Vo, "testvo", 1),
        (Level::Vo, "othervo", 0),
        (Level::All, "othervo", 1),
    ] {
        service.acting_as(other(Some(level), vo));
        let list = service.get("/jobs").await.json();
        assert_eq!(list.as_array().unwrap().len(), jobs, "{level:?} {vo}");
    }
    service.acting_as(other(None, "testvo"));
    service
        .get("/jobs")
        .await
        .is_error(403, "Not enough permissions");
}
