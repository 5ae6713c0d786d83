//! Logs of attempts and the page of a job.

use std::path::Path;

use causeway_api::ApiConfig;
use causeway_model::RetryLog;
use causeway_model::Timestamp;
use causeway_model::ports::{JobStore as _, Transaction};

use crate::support::{NOW, OTHER_DN, Scratch, Service, one_file};

fn logs() -> (Scratch, Service) {
    let dir =
        Scratch(std::env::temp_dir().join(format!("log-{}", causeway_model::JobId::random())));
    std::fs::create_dir_all(dir.0.join("logs")).unwrap();
    let config = ApiConfig {
        log_dir: Some(dir.0.join("logs")),
        ..ApiConfig::default()
    };
    (dir, Service::with(config))
}

/// A job whose transfer has its log at a path; gives the route of the log.
async fn job_with_log(service: &Service, path: &Path) -> String {
    let id = service.submit(one_file()).await;
    let path = path.to_str().unwrap();
    service
        .change(&id, |_| {}, |file| file.log_file = Some(path.to_owned()))
        .await;
    let file = service.view(&id).await.files[0].file_id;
    format!("/jobs/{id}/files/{file}/log")
}

#[tokio::test]
async fn the_log_is_sent_as_it_is() {
    let (dir, service) = logs();
    let path = dir.0.join("logs/a");
    std::fs::write(&path, "INFO one\n<b>two</b>\n").unwrap();
    let route = job_with_log(&service, &path).await;
    let answer = service.get(&route).await;
    assert_eq!(
        (answer.status.as_u16(), answer.text()),
        (200, "INFO one\n<b>two</b>\n")
    );
    assert_eq!(answer.headers["content-type"], "text/plain; charset=utf-8");
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    assert_eq!(answer.headers["content-length"], "20");
}

#[tokio::test]
async fn earlier_attempts_have_logs_too() {
    let (dir, service) = logs();
    for name in ["first", "second"] {
        std::fs::write(dir.0.join("logs").join(name), name).unwrap();
    }
    let route = job_with_log(&service, &dir.0.join("logs/second")).await;
    let id = route.split('/').nth(2).unwrap().to_owned();
    service.change(&id, |_| {}, |file| file.retry = 1).await;
    let view = service.view(&id).await;
    let retry = RetryLog {
        file_id: view.files[0].file_id,
        job_id: view.job.job_id,
        attempt: 1,
        datetime: Timestamp::from_seconds(NOW),
        reason: "late".into(),
        transfer_host: Some("node".into()),
        log_file: dir.0.join("logs/first").to_str().map(str::to_owned),
    };
    let change = Transaction {
        retries: vec![retry],
        ..Transaction::default()
    };
    service.store.apply(change).await.unwrap();
    assert_eq!(
        service.get(&format!("{route}?attempt=1")).await.text(),
        "first"
    );
    assert_eq!(
        service.get(&format!("{route}?attempt=2")).await.text(),
        "second"
    );
    assert_eq!(service.get(&format!("{route}?attempt=3")).await.status, 404);
    assert_eq!(service.get(&format!("{route}?attempt=x")).await.status, 400);
    // While it waits for its next attempt the last one is shown.
    service
        .change(&id, |_| {}, |file| file.log_file = None)
        .await;
    assert_eq!(service.get(&route).await.text(), "first");
}

#[tokio::test]
async fn nothing_but_logs_is_sent() {
    let (dir, service) = logs();
    let outside = dir.0.join("secret");
    std::fs::write(&outside, "secret").unwrap();
    let link = dir.0.join("logs/link");
    std::os::unix::fs::symlink(&outside, &link).unwrap();
    let sly = dir.0.join("logs/../secret");
    for path in [
        &outside,
        &link,
        &sly,
        &dir.0.join("logs"),
        &dir.0.join("logs/none"),
    ] {
        let route = job_with_log(&service, path).await;
        let answer = service.get(&route).await;
        assert_eq!(answer.status, 404, "{}", path.display());
        assert!(!answer.text().contains("secret"));
    }
}

#[tokio::test]
async fn whoever_may_not_read_the_job_may_not_read_its_log() {
    let (dir, mut service) = logs();
    let path = dir.0.join("logs/a");
    std::fs::write(&path, "text").unwrap();
    let route = job_with_log(&service, &path).await;
    service.acting_as(|who| {
        who.user_dn = OTHER_DN.into();
        who.vos = vec!["othervo".into()];
    });
    assert_eq!(service.get(&route).await.status, 403);
    let nothing = format!("/jobs/{}/files/1/log", uuid::Uuid::new_v4());
    assert_eq!(service.get(&nothing).await.status, 404);
}

#[tokio::test]
async fn without_a_log_there_is_none() {
    let service = Service::new();
    let id = service.submit(one_file()).await;
    let file = service.view(&id).await.files[0].file_id;
    let answer = service.get(&format!("/jobs/{id}/files/{file}/log")).await;
    answer.is_error(404, "There is no log");
    assert_eq!(
        service.get(&format!("/jobs/{id}/files/x/log")).await.status,
        404
    );
}

#[tokio::test]
async fn the_page_that_links_lead_to() {
    let mut service = Service::new();
    service.caller = None;
    for path in ["/fts3/ftsmon", "/fts3/ftsmon/"] {
        let page = service.get(path).await;
        assert_eq!(page.status, 200);
        assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
        assert!(page.headers.contains_key("content-security-policy"));
        assert!(page.text().contains("/js/ftsmon.js"));
    }
    let script = service.get("/js/ftsmon.js").await;
    assert_eq!(
        script.headers["content-type"],
        "text/javascript; charset=utf-8"
    );
    let id = uuid::Uuid::new_v4();
    let answer = service.get(&format!("/fts3/ftsmon/job/{id}")).await;
    assert_eq!(answer.status, 302);
    assert_eq!(
        answer.headers["location"],
        format!("/fts3/ftsmon/#/job/{id}")
    );
    assert_eq!(service.get("/fts3/ftsmon/job/x").await.status, 404);
}
