//! `POST /jobs`: what good submissions become, and what the service says to others.

use causeway_api::ApiConfig;
use causeway_model::AuthMethod;
use causeway_model::ports::StoreError;
use serde_json::json;

use crate::support::{NOW, Service, entry, one_file, rows, with_params};

#[tokio::test]
async fn both_methods_and_all_content_types() {
    let service = Service::new();
    let body = one_file().to_string();
    for (method, kind) in [
        ("POST", "application/json"),
        ("POST", "application/json; charset=utf-8"),
        ("PUT", ""),
        ("PUT", "text/plain"),
        ("PUT", "application/x-www-form-urlencoded"),
    ] {
        let answer = service.ask(method, "//jobs", kind, body.clone()).await;
        assert_eq!(answer.status, 200, "{method} {kind}");
        assert_eq!(answer.json()["job_id"].as_str().unwrap().len(), 36);
    }
    let quoted = body.replace('"', "%22");
    let both = "application/json, application/x-www-form-urlencoded";
    assert_eq!(service.ask("POST", "/jobs", both, quoted).await.status, 200);
    assert_eq!(service.stored_jobs(), 6);
}

#[tokio::test]
async fn the_delegated_credential_must_last() {
    let mut service = Service::new();
    service.delegate(3599);
    let short = service.post("/jobs", one_file()).await;
    short.is_error(
        419,
        "The delegated credentials has less than one hour left (92fbce05ea766c17)",
    );
    service.delegate(-120);
    let expired = service.post("/jobs", one_file()).await;
    expired.is_error(
        419,
        "The delegated credentials expired 120 seconds ago (92fbce05ea766c17)",
    );
    service.forget_delegation();
    let none = service.post("/jobs", one_file()).await;
    none.is_error(
        419,
        "No delegation found for \"/DC=ch/DC=cern/CN=Test User\"",
    );
    assert_eq!(none.json()["status"], "419 Authentication Timeout");
    assert_eq!(service.stored_jobs(), 0);
    service.acting_as(|it| it.method = AuthMethod::Oauth2);
    assert_eq!(service.post("/jobs", one_file()).await.status, 200);
}

#[tokio::test]
async fn an_operator_may_do_without_delegation() {
    let service = Service::with(ApiConfig {
        require_delegation: false,
        ..ApiConfig::default()
    });
    service.forget_delegation();
    assert_eq!(service.post("/jobs", one_file()).await.status, 200);
}

#[tokio::test]
async fn parameters_are_kept() {
    let service = Service::new();
    let (job, files) = rows(
        &service,
        with_params(json!({
            "overwrite": "Y", "retry": 3, "retry_delay": 600, "priority": 9,
            "max_time_in_queue": 10, "source_spacetoken": "S", "spacetoken": "D",
            "destination_spacetoken": "other", "nostreams": 4, "timeout": 1800,
            "buffer_size": 1025, "strict_copy": true, "ipv4": true, "ipv6": false,
            "dst_file_report": 1, "account": "unknown", "s3_credentials": {}, "gridftp": "",
        })),
    )
    .await;
    assert_eq!(job.overwrite, causeway_model::Overwrite::Yes);
    assert_eq!((job.retry, job.retry_delay, job.priority), (3, 600, 5));
    assert_eq!(job.max_time_in_queue, Some(NOW + 36_000));
    assert_eq!(
        (job.source_space_token.as_str(), job.space_token.as_str()),
        ("S", "D")
    );
    assert_eq!(
        job.copy_params.to_string(),
        "nostreams:4,timeout:1800,buffersize:1025,strict,ipv4"
    );
    assert!(job.dst_file_report);
    assert_eq!(files[0].priority, 5);
}

#[tokio::test]
async fn overwrite_flags_on_the_wire() {
    let service = Service::new();
    for (params, flag) in [
        (json!({}), json!(false)),
        (json!({"overwrite": true}), json!(true)),
        (json!({"overwrite_on_retry": true}), json!("R")),
        (json!({"overwrite_hop": true, "multihop": true}), json!("M")),
        (
            json!({"overwrite_when_only_on_disk": true, "archive_timeout": 100}),
            json!("D"),
        ),
        (
            json!({"overwrite_when_only_on_disk": true, "overwrite_hop": true, "multihop": true, "archive_timeout": 1}),
            json!("Q"),
        ),
    ] {
        let id = service.submit(with_params(params.clone())).await;
        let job = service.get(&format!("/jobs/{id}")).await.json();
        assert_eq!(job["overwrite_flag"], flag, "{params}");
    }
}

#[tokio::test]
async fn checksums() {
    let service = Service::new();
    for (checksum, verify, letter, stored) in [
        (json!(null), json!(null), 'n', "ADLER32"),
        (json!("ADLER32:1234"), json!(null), 't', "ADLER32:1234"),
        (json!("ADLER32"), json!(false), 't', "ADLER32"),
        (json!(""), json!(false), 'n', "ADLER32"),
        (json!("md5:ff"), json!(true), 'b', "md5:ff"),
        (json!("1234"), json!("source"), 's', "1234"),
        (json!("ADLER32"), json!("n"), 'n', "ADLER32"),
        (json!(null), json!("relaxed"), 'r', "ADLER32"),
    ] {
        let mut body = one_file();
        body["files"][0]["checksum"] = checksum.clone();
        body["params"] = json!({ "verify_checksum": verify });
        let (job, files) = rows(&service, body).await;
        assert_eq!(job.verify_checksum.0, letter, "{checksum} {verify}");
        assert_eq!(files[0].checksum.as_deref(), Some(stored));
    }
    // Any file counts, not only the last one.
    let mut first = entry(&["mock://a/1"], &["mock://b/1"]);
    first["checksum"] = json!("ADLER32:1");
    let second = entry(&["mock://a/2"], &["mock://b/2"]);
    let (job, _) = rows(&service, json!({"files": [first, second]})).await;
    assert_eq!(job.verify_checksum.0, 't');
}

#[tokio::test]
async fn ids_from_names() {
    let service = Service::new();
    let body = with_params(json!({"id_generator": "deterministic", "sid": "sid-1"}));
    assert_eq!(
        service.submit(body.clone()).await,
        "0f9499ed-ed7c-5af5-aae6-a92f3cca308f"
    );
    let again = service.post("/jobs", body).await;
    again.is_error(409, "The sid provided by the user is duplicated");
    let standard = with_params(json!({"id_generator": "standard", "sid": null}));
    service.submit(standard).await;
}

#[tokio::test]
async fn local_files_inside_a_root_are_taken() {
    let service = Service::new();
    let body = json!({"files": [entry(&["local:///data/a"], &["local:///data/b"])]});
    let (job, files) = rows(&service, body).await;
    assert_eq!(files[0].source_surl.as_str(), "local:///data/a");
    assert_eq!(job.source_se.as_deref(), Some("local://"));
    let outside = json!({"files": [entry(&["local:///etc/passwd"], &["mock://b/f"])]});
    service.post("/jobs", outside).await.is_error(
        400,
        "Invalid value within the request: Can not transfer local files (local:///etc/passwd)",
    );
}

#[tokio::test]
async fn urls_come_back_as_they_went_in() {
    let service = Service::new();
    let odd = " root://User@H.Example.org:1094//eos/a%20b/../é?x=1&y=%2F ";
    let (_, files) = rows(&service, json!({"files": [entry(&[odd], &["davs://h/p"])]})).await;
    assert_eq!(files[0].source_surl.as_str(), odd.trim());
    assert_eq!(&*files[0].source_se, "root://h.example.org");
}

#[tokio::test]
async fn trouble_behind_the_service() {
    let service = Service::new();
    for (error, status) in [
        (StoreError::Busy("full".into()), 503),
        (StoreError::Failed("secret detail".into()), 500),
        (StoreError::DuplicateDestination("mock://b/f".into()), 409),
    ] {
        *service.control.fails_with.lock().unwrap() = Some(error);
        let answer = service.post("/jobs", one_file()).await;
        assert_eq!(answer.status, status);
        assert!(!answer.text().contains("secret detail"));
    }
    assert_eq!(service.stored_jobs(), 0);
}

#[tokio::test]
async fn staging_and_expiry_keep_their_distance() {
    let mut config = ApiConfig::default();
    config.submit.staging_expiry_distance_seconds = 3600;
    let service = Service::with(config);
    let close = with_params(json!({"max_time_in_queue": 1, "bring_online": 10}));
    service.post("/jobs", close).await.is_error(
        400,
        "Bringonline and Expiration timeout must be at least 3600 seconds apart",
    );
    service
        .submit(with_params(
            json!({"max_time_in_queue": 2, "bring_online": 10}),
        ))
        .await;
}

#[tokio::test]
async fn large_submissions_are_read_elsewhere() {
    let service = Service::new();
    let mut body = one_file();
    body["padding"] = json!("x".repeat(3 << 20));
    service.submit(body.clone()).await;
    body["files"][0]["filesize"] = json!("x");
    let refused = service.post("/jobs", body).await;
    assert!(
        refused
            .message()
            .starts_with("Invalid value within the request: filesize")
    );
    assert_eq!(service.stored_jobs(), 1);
}
