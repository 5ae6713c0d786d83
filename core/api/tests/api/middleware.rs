//! What stands around every request.

use axum::body::Body;
use causeway_api::ApiConfig;
use causeway_api::fts::router::{Auth, ROUTES};
use http::Request;

use crate::support::{DN, Service, one_file};

fn request(method: &str, path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::empty()).unwrap()
}

#[tokio::test]
async fn options_on_every_known_path() {
    let mut service = Service::new();
    service.caller = None;
    for (path, allow) in [
        ("/whoami", "GET, OPTIONS"),
        ("//jobs", "GET, POST, PUT, OPTIONS"),
        ("/jobs/1234", "GET, DELETE, POST, OPTIONS"),
        ("/dm/unlink", "POST, OPTIONS"),
        ("/delegation/1234", "GET, DELETE, OPTIONS"),
        ("/delegation/1234/credential", "PUT, POST, OPTIONS"),
    ] {
        let answer = service.send(request("OPTIONS", path, &[])).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.headers["allow"], allow, "{path}");
        assert!(answer.body.is_empty());
    }
    let unknown = service.send(request("OPTIONS", "/nothing/here", &[])).await;
    unknown.is_error(404, "The resource could not be found");
}

#[tokio::test]
async fn wrong_methods_and_unknown_paths() {
    let service = Service::new();
    let answer = service.ask("PATCH", "/jobs", "", "").await;
    answer.is_error(405, "Method not allowed");
    assert_eq!(answer.json()["status"], "405 Method Not Allowed");
    assert_eq!(answer.headers["allow"], "GET, POST, PUT, OPTIONS");
    for path in [
        "/nothing",
        "/jobs/a/b/c/d/e",
        "/jobs//",
        "/%ff",
        "/whoami/x",
    ] {
        assert_eq!(service.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let service = Service::new();
    let answer = service.ask("HEAD", "/whoami", "", "").await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.is_empty());
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(service.ask("HEAD", "/dm/unlink", "", "").await.status, 405);
}

#[tokio::test]
async fn slashes_in_front_and_at_the_end() {
    let service = Service::new();
    for path in [
        "//",
        "//whoami",
        "///whoami/",
        "/jobs/",
        "//files/",
        "/delegation/",
    ] {
        assert_eq!(service.get(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn pages_of_other_hosts() {
    let config = ApiConfig {
        cors_origins: vec!["https://webfts.example.org".into()],
        ..ApiConfig::default()
    };
    let service = Service::with(config);
    let ask = |origin: &'static str| {
        let headers = [("host", "fts.example.org:8446"), ("origin", origin)];
        service.send(request("GET", "/whoami", &headers))
    };
    assert_eq!(ask("https://fts.example.org:8446").await.status, 200);
    let text = "Host and Origin do not match";
    for origin in [
        "https://evil.example.org",
        "null",
        "https://fts.example.org",
        "",
    ] {
        ask(origin).await.is_error(403, text);
    }
    let allowed = ask("https://webfts.example.org").await;
    assert_eq!(allowed.status, 200);
    assert_eq!(
        allowed.headers["access-control-allow-origin"],
        "https://webfts.example.org"
    );
    assert_eq!(allowed.headers["access-control-allow-credentials"], "true");

    let headers = [
        ("origin", "https://webfts.example.org"),
        ("access-control-request-method", "DELETE"),
    ];
    let preflight = service.send(request("OPTIONS", "/jobs/1", &headers)).await;
    assert_eq!(preflight.status, 200);
    assert_eq!(
        preflight.headers["access-control-allow-methods"],
        "GET, DELETE, POST, OPTIONS"
    );
    assert_eq!(
        preflight.headers["access-control-allow-headers"],
        "Content-Type, Authorization"
    );
}

#[tokio::test]
async fn banned_users_get_nowhere() {
    let service = Service::new();
    service.bans.users.lock().unwrap().push(DN.into());
    for route in ROUTES {
        let path = route.path.replace(['{', '}'], "");
        let answer = service.ask(route.method.as_str(), &path, "", "").await;
        answer.is_error(403, "The user has been banned");
    }
}

#[tokio::test]
async fn only_authorized_vos() {
    let with = |list: &[&str]| {
        Service::with(ApiConfig {
            authorized_vos: list.iter().map(|it| (*it).to_owned()).collect(),
            ..ApiConfig::default()
        })
    };
    let text = "The user does not belong to any authorized vo";
    let mut strict = with(&["othervo"]);
    strict.get("/whoami").await.is_error(403, text);
    strict.caller = None;
    assert_eq!(strict.get("/whoami").await.status, 200);
    assert_eq!(with(&["othervo", "testvo"]).get("/jobs").await.status, 200);
    assert_eq!(with(&["*"]).get("/jobs").await.status, 200);
}

#[tokio::test]
async fn anonymous_callers_reach_public_routes_only() {
    let mut service = Service::new();
    service.caller = None;
    for route in ROUTES {
        let path = route.path.replace(['{', '}'], "");
        let answer = service.ask(route.method.as_str(), &path, "", "").await;
        // What a public route makes of a request without anything in it is its own business.
        let is_reached = ![401, 403].contains(&answer.status.as_u16());
        assert_eq!(
            is_reached,
            route.auth == Auth::Public,
            "{} {path}",
            route.method
        );
    }
}

#[tokio::test]
async fn forms_may_say_delete() {
    let service = Service::new();
    let id = service.submit(one_file()).await;
    let form = "application/x-www-form-urlencoded";
    let answer = service
        .ask("POST", &format!("/jobs/{id}"), form, "_method=delete")
        .await;
    assert_eq!(answer.json()["job_state"], "CANCELED");
    let path = "/delegation/92fbce05ea766c17";
    assert_eq!(
        service
            .ask("POST", path, form, "_method=DELETE")
            .await
            .status,
        204
    );
    // JSON is no form, and a form without the field changes a priority.
    let id = service.submit_again().await;
    let json = service
        .post(&format!("/jobs/{id}"), r#"{"_method":"delete"}"#)
        .await;
    assert_eq!(json.json()["job_state"], "SUBMITTED");
    let plain = service
        .ask("POST", &format!("/jobs/{id}"), form, "a=b")
        .await;
    assert_eq!(plain.json()["job_state"], "SUBMITTED");
}

impl Service {
    async fn submit_again(&self) -> String {
        self.delegate(12 * 3600);
        self.submit(one_file()).await
    }
}

#[tokio::test]
async fn request_ids() {
    let service = Service::new();
    let given = service
        .send(request("GET", "/", &[("x-request-id", "abc-1")]))
        .await;
    assert_eq!(given.headers["x-request-id"], "abc-1");
    let odd = service
        .send(request("GET", "/", &[("x-request-id", "a b")]))
        .await;
    assert_eq!(odd.headers["x-request-id"].len(), 36);
}

#[tokio::test]
async fn errors_are_pages_for_browsers_only() {
    let service = Service::new();
    let browser = service
        .send(request("GET", "/nothing", &[("accept", "text/html")]))
        .await;
    assert!(
        browser.headers["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/html")
    );
    let both = service
        .send(request(
            "GET",
            "/nothing",
            &[("accept", "text/html, application/json")],
        ))
        .await;
    both.is_error(404, "The resource could not be found");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_ends_is_given_up() {
    let service = Service::new();
    let never = Body::from_stream(futures_util::stream::pending::<
        Result<bytes::Bytes, std::io::Error>,
    >());
    let answer = service
        .ask("POST", "/jobs", "application/json", never)
        .await;
    answer.is_error(503, "The request took too long");
}
