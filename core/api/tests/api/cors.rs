//! Pages of other hosts: those of the list may act for their user, others get nowhere.

use axum::body::Body;
use causeway_api::ApiConfig;
use http::Request;

use crate::support::{Answer, DLG, Service, one_file};

const PAGE: &str = "https://webfts.example.org";

fn service() -> Service {
    Service::with(ApiConfig {
        // The slash is how people copy it out of the address bar.
        cors_origins: vec![format!("{PAGE}/")],
        ..ApiConfig::default()
    })
}

async fn ask(service: &Service, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    request = request.header("host", "fts.example.org:8446");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    service.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_listed_page_may_do_what_its_user_may() {
    let service = service();
    let id = service.submit(one_file()).await;
    for (method, path) in [
        ("GET", "/whoami".to_owned()),
        ("GET", format!("/delegation/{DLG}/request")),
        ("DELETE", format!("/jobs/{id}")),
        ("DELETE", format!("/delegation/{DLG}")),
    ] {
        let answer = ask(&service, method, &path, &[("origin", PAGE)]).await;
        assert!(answer.status.is_success(), "{method} {path}");
        let headers = &answer.headers;
        assert_eq!(headers["access-control-allow-origin"], PAGE);
        assert_eq!(headers["access-control-allow-credentials"], "true");
        assert_eq!(headers["vary"], "Origin");
        let exposed = headers["access-control-expose-headers"].to_str().unwrap();
        assert!(exposed.contains("X-Delegation-ID"));
    }
}

#[tokio::test]
async fn errors_can_be_read_too() {
    let answer = ask(&service(), "GET", "/nothing", &[("origin", PAGE)]).await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.headers["access-control-allow-origin"], PAGE);
}

#[tokio::test]
async fn a_browser_asks_first() {
    let mut service = service();
    // Such a question carries no credentials.
    service.caller = None;
    for (path, method) in [
        ("/jobs", "PUT"),
        ("/jobs/1", "DELETE"),
        ("/dm/unlink", "POST"),
    ] {
        let asking = [
            ("origin", PAGE),
            ("access-control-request-method", method),
            ("access-control-request-headers", "content-type"),
        ];
        let answer = ask(&service, "OPTIONS", path, &asking).await;
        assert_eq!(answer.status, 200);
        let headers = &answer.headers;
        let methods = headers["access-control-allow-methods"].to_str().unwrap();
        assert!(methods.split(", ").any(|it| it == method), "{methods}");
        assert_eq!(
            headers["access-control-allow-headers"],
            "Content-Type, Authorization"
        );
        assert_eq!(headers["access-control-max-age"], "600");
        assert_eq!(headers["access-control-allow-origin"], PAGE);
        assert_eq!(headers["access-control-allow-credentials"], "true");
    }
}

#[tokio::test]
async fn any_other_page_is_refused_before_anything_happens() {
    let service = service();
    let id = service.submit(one_file()).await;
    for origin in [
        "https://evil.example.org",
        "http://webfts.example.org",
        "https://webfts.example.org:8443",
        "https://webfts.example.org.evil.example",
        "https://WEBFTS.example.org/",
        "*",
        "null",
    ] {
        let asking = [("origin", origin), ("access-control-request-method", "PUT")];
        for (method, path) in [
            ("DELETE", format!("/jobs/{id}")),
            ("OPTIONS", "/jobs".into()),
        ] {
            let answer = ask(&service, method, &path, &asking).await;
            answer.is_error(403, "Host and Origin do not match");
            assert!(!answer.headers.contains_key("access-control-allow-origin"));
            assert_eq!(answer.headers["vary"], "Origin", "caches must not mix them");
        }
    }
    assert_eq!(service.view(&id).await.job.state.name(), "SUBMITTED");
}

#[tokio::test]
async fn a_star_in_the_list_is_no_page() {
    let service = Service::with(ApiConfig {
        cors_origins: vec!["*".into()],
        ..ApiConfig::default()
    });
    let answer = ask(&service, "GET", "/whoami", &[("origin", PAGE)]).await;
    answer.is_error(403, "Host and Origin do not match");
}

#[tokio::test]
async fn without_a_list_nothing_is_said_about_origins() {
    let service = Service::new();
    let answer = ask(&service, "GET", "/whoami", &[]).await;
    assert!(!answer.headers.contains_key("vary"));
    let own = [("origin", "https://fts.example.org:8446")];
    let answer = ask(&service, "GET", "/whoami", &own).await;
    assert_eq!(answer.status, 200);
    assert!(!answer.headers.contains_key("access-control-allow-origin"));
}
