//! Starting transfers ahead of all limits, by number.

use causeway_model::{FileState, Level};
use serde_json::json;

use crate::support::{Service, one_file};

fn administrator() -> Service {
    let mut service = Service::new();
    service.acting_as(|it| {
        it.level.insert("admin".into(), Level::All);
    });
    service
}

#[tokio::test]
async fn each_transfer_has_its_answer() {
    let service = administrator();
    let queued = service.submit(one_file()).await;
    let queued = service.view(&queued).await.files[0].file_id.0;
    let running = service.submit(one_file()).await;
    service
        .change(&running, |_| (), |file| file.state = FileState::Active)
        .await;
    let running = service.view(&running).await.files[0].file_id.0;
    let asked = json!([running, queued, -1, 99_999_999]);
    let answer = service.post("/admin/force-start", asked).await.ok();
    let unknown = "No such transfer is under way";
    let expected = json!([
        {"file_id": running, "error": "The transfer is ACTIVE, not SUBMITTED"},
        {"file_id": queued, "error": null},
        {"file_id": -1, "error": unknown},
        {"file_id": 99_999_999, "error": unknown},
    ]);
    assert_eq!(answer, expected);
    assert_eq!(service.audited().await, ["force-start"]);
    let none = service.post("/admin/force-start", json!([])).await.ok();
    assert_eq!(none, json!([]));
}

#[tokio::test]
async fn a_long_list_goes_in_parts() {
    let service = administrator();
    let asked: Vec<u64> = (0..450).collect();
    let answer = service.post("/admin/force-start", json!(asked)).await.ok();
    let ids = answer.as_array().unwrap().iter();
    let ids: Vec<_> = ids.map(|it| it["file_id"].as_u64().unwrap()).collect();
    assert_eq!(ids, asked);
    assert_eq!(service.audited().await, ["force-start"; 3]);
}

#[tokio::test]
async fn other_bodies_are_refused() {
    let service = administrator();
    for body in ["{}", "1", "[\"1\"]", "[1.5]", "[null]", "[true]", "[1", ""] {
        let answer = service.post("/admin/force-start", body).await;
        answer.is_error(400, "The body must be a list of integers");
    }
    assert!(service.audited().await.is_empty());
}
