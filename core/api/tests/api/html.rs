//! Pages where a browser asks for them, and JSON for everybody else.

use axum::body::Body;
use http::Request;

use crate::support::{Answer, DLG, Service};

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

async fn ask(service: &Service, path: &str, accept: &str) -> Answer {
    let request = Request::get(path).header("accept", accept);
    service.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_browser_gets_a_page_and_nobody_else_does() {
    let service = Service::new();
    let page = ask(&service, "//delegation", BROWSER).await;
    assert_eq!(page.status, 200);
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    assert_eq!(page.headers["vary"], "Accept");
    assert!(page.text().starts_with("<!doctype html>") && page.text().contains(DLG));
    for accept in ["*/*", "application/json", "application/json, text/html", ""] {
        let json = ask(&service, "/delegation", accept).await;
        assert_eq!(json.json()["delegation_id"], DLG, "{accept}");
    }
    ask(&service, "/delegation", "image/png")
        .await
        .is_error(406, "Neither application/json nor text/html is acceptable");
}

#[tokio::test]
async fn other_routes_stay_json_whatever_is_asked() {
    let service = Service::new();
    for path in ["/whoami", "/jobs", "/", "/files"] {
        for accept in [BROWSER, "image/png"] {
            let answer = ask(&service, path, accept).await;
            assert_eq!(answer.status, 200, "{path} {accept}");
            assert_eq!(answer.headers["content-type"], "application/json");
        }
    }
}

#[tokio::test]
async fn texts_of_users_are_no_markup() {
    let mut service = Service::new();
    let evil = "<script>alert(1)</script>\"'&";
    service.acting_as(|it| it.vos = vec![evil.into()]);
    let page = ask(&service, "/delegation", BROWSER).await;
    assert!(!page.text().contains("<script>alert"), "{}", page.text());
    let shown = "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;";
    assert!(page.text().contains(shown));
}

#[tokio::test]
async fn a_page_is_confined_to_its_own_host() {
    let service = Service::new();
    for path in ["/delegation", "/nothing"] {
        let page = ask(&service, path, BROWSER).await;
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe"));
        assert!(!page.text().contains("http://") && !page.text().contains("https://"));
        assert!(!page.text().contains("<style") && !page.text().contains(" style="));
        for handler in ["onclick", "onload", "onsubmit", "javascript:"] {
            assert!(!page.text().contains(handler));
        }
    }
    let json = ask(&service, "/delegation", "application/json").await;
    assert!(!json.headers.contains_key("content-security-policy"));
}

#[tokio::test]
async fn what_a_page_loads_is_there_for_everybody() {
    let mut service = Service::new();
    let page = ask(&service, "/delegation", BROWSER).await;
    service.caller = None;
    for (path, kind) in [
        ("/css/causeway.css", "text/css"),
        ("/js/forms.js", "text/javascript"),
    ] {
        assert!(page.text().contains(path));
        let answer = service.get(path).await;
        assert_eq!(answer.status, 200);
        assert!(
            answer.headers["content-type"]
                .to_str()
                .unwrap()
                .starts_with(kind)
        );
        assert!(!answer.text().contains("//cdn") && !answer.text().contains("http"));
    }
}

#[tokio::test]
async fn who_may_not_see_the_answer_may_not_see_the_page() {
    let mut service = Service::new();
    service.caller = None;
    let page = ask(&service, "/delegation", BROWSER).await;
    assert_eq!(page.status, 403);
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    assert!(page.text().contains("Certificate required"));
}
