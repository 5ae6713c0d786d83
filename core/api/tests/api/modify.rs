//! `POST /jobs/{ids}`

use serde_json::json;

use crate::support::{Service, one_file};

#[tokio::test]
async fn the_priority_is_changed() {
    let service = Service::new();
    let id = service.submit(one_file()).await;
    let path = format!("/jobs/{id}");
    let answer = service
        .post(&path, json!({"params": {"priority": 5}}))
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["priority"], 5);
    assert_eq!(answer.json()["http_status"], "200 Ok");
    assert_eq!(answer.json()["http_message"], json!(null));
    assert!(
        answer
            .json()
            .as_object()
            .unwrap()
            .contains_key("http_message")
    );
    let unclamped = service
        .post(&path, json!({"params": {"priority": "99"}}))
        .await;
    assert_eq!(unclamped.json()["priority"], 99);
    for body in [
        json!({}),
        json!({"params": null}),
        json!({"params": {"priority": 0}}),
        json!({"params": {"x": 1}}),
    ] {
        let answer = service.post(&path, body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()["priority"].clone()),
            (200, json!(99))
        );
    }
}

#[tokio::test]
async fn bad_priorities_change_nothing() {
    let service = Service::new();
    let id = service.submit(one_file()).await;
    for priority in [
        json!("x"),
        json!([]),
        json!({}),
        json!(1.5),
        json!(99_999_999_999u64),
    ] {
        let body = json!({"params": {"priority": priority}});
        service
            .post(&format!("/jobs/{id}"), body)
            .await
            .is_error(400, "Invalid priority value");
    }
    let answer = service.post(&format!("/jobs/{id}"), "x").await;
    answer.is_error(400, "Badly formatted JSON request");
    assert_eq!(service.view(&id).await.job.priority, 3);
}

#[tokio::test]
async fn terminal_and_missing_jobs() {
    let service = Service::new();
    let id = service.submit(one_file()).await;
    service.delete(&format!("/jobs/{id}")).await;
    let body = json!({"params": {"priority": 5}});
    let answer = service.post(&format!("/jobs/{id}"), &body).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["http_status"], "304 Not Modified");
    assert_eq!(answer.json()["priority"], 3);
    let list = service.post(&format!("/jobs/{id},nothing"), &body).await;
    assert_eq!(list.status, 207);
    assert_eq!(list.json()[1]["http_status"], "404 Not Found");
}
