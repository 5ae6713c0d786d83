//! Ids of jobs that clients can work out by themselves.

use causeway_model::ports::HistoryStore;
use causeway_model::{FileState, Job, JobState, Timestamp, Transfer};
use serde_json::json;

use crate::support::{NOW, Service, with_params};

/// VO, sid, id of the VO, id of the job.
const VECTORS: [[&str; 4]; 2] = [
    [
        "dteam",
        "6067830a-8596-4093-86f4-3ab940ebf876",
        "6b10f4e4-8fdc-5555-baa2-7d4850d4f406",
        "76810c8e-abcc-54fc-bde2-cba789e1c898",
    ],
    [
        "testvo",
        "sid-1",
        "477b9065-8416-5b27-be32-ff1573788e71",
        "0f9499ed-ed7c-5af5-aae6-a92f3cca308f",
    ],
];

#[tokio::test]
async fn ids_that_a_client_can_work_out() {
    let mut service = Service::new();
    for [vo, sid, vo_id, job_id] in VECTORS {
        service.acting_as(|it| it.vos = vec![vo.into(), "second".into()]);
        let me = service.get("/whoami").await.json();
        assert_eq!(me["vos_id"][0], vo_id);
        let body = with_params(json!({"id_generator": "deterministic", "sid": sid}));
        assert_eq!(service.submit(body.clone()).await, job_id);
        let again = service.post("/jobs", body).await;
        again.is_error(409, "The sid provided by the user is duplicated");
    }
    // A number is its text; without a generator the sid means nothing.
    let number = with_params(json!({"id_generator": "deterministic", "sid": 7}));
    let text = with_params(json!({"id_generator": "deterministic", "sid": "7"}));
    service.submit(number).await;
    assert_eq!(service.post("/jobs", text).await.status, 409);
    for _ in 0..2 {
        service.submit(with_params(json!({"sid": "twice"}))).await;
        service
            .submit(with_params(
                json!({"sid": "twice", "id_generator": "other"}),
            ))
            .await;
    }
}

#[tokio::test]
async fn an_id_stays_taken_when_the_job_is_archived() {
    let service = Service::new();
    let body = with_params(json!({"id_generator": "deterministic", "sid": "old"}));
    let id = service.submit(body.clone()).await;
    let over = Timestamp::from_seconds(NOW - 10);
    let end = |job: &mut Job| {
        job.state = JobState::Finished;
        job.job_finished = Some(over);
    };
    let file_end = |file: &mut Transfer| {
        file.state = FileState::Finished;
        file.finish_time = Some(over);
    };
    service.change(&id, end, file_end).await;
    let retired = service.store.retire(Timestamp::from_seconds(NOW), 10, true);
    assert_eq!(retired.await.unwrap(), 1);
    assert_eq!(service.get(&format!("/jobs/{id}")).await.status, 404);
    let again = service.post("/jobs", body).await;
    again.is_error(409, "The sid provided by the user is duplicated");
}
