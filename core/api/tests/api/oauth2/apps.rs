//! Registering, reading, changing and deleting applications.

use serde_json::json;

use super::{application, code, form, post_form, registered};
use crate::support::{DN, OTHER_DN, Service};

#[tokio::test]
async fn an_application_is_registered_and_shown_to_its_owner() {
    let mut service = Service::new();
    let (id, secret) = registered(&service, "mover").await;
    assert_eq!((id.len(), secret.len()), (22, 43));
    let expected = json!({
        "client_id": id, "client_secret": secret, "owner": DN, "name": "mover",
        "description": "moves data", "website": "https://app.example",
        "redirect_to": "https://app.example/back\nhttp://localhost:8080/\nurn:ietf:wg:oauth:2.0:oob",
        "scope": "datamanagement,transfer",
    });
    assert_eq!(
        service.get(&format!("/oauth2/apps/{id}")).await.json(),
        expected
    );
    let list = service.get("/oauth2/apps").await.json();
    assert_eq!(list, json!({"apps": [expected], "authorized": []}));
    service.acting_as(|it| it.user_dn = OTHER_DN.into());
    let list = service.get("/oauth2/apps").await.json();
    assert_eq!(list, json!({"apps": [], "authorized": []}));
    for method in ["GET", "POST", "DELETE"] {
        let path = format!("/oauth2/apps/{id}");
        let answer = service.ask(method, &path, "application/json", "{}").await;
        answer.is_error(403, "The application belongs to somebody else");
        let answer = service
            .ask(method, "/oauth2/apps/none", "application/json", "{}")
            .await;
        answer.is_error(404, "Application not found");
    }
}

#[tokio::test]
async fn registrations_that_are_refused() {
    let service = Service::new();
    for name in ["name", "website", "redirect_to"] {
        for value in [json!(null), json!(""), json!("  ")] {
            let mut body = application("mover");
            body[name] = value;
            let answer = service.post("/oauth2/register", body).await;
            answer.is_error(400, &format!("Missing parameter: {name}"));
        }
    }
    for (name, value) in [
        ("redirect_to", json!("http://app.example/")),
        ("redirect_to", json!("javascript:alert(1)")),
        ("redirect_to", json!("https://a/\nftp://b/")),
        ("scope", json!("admin")),
        ("scope", json!(["transfer", "everything"])),
        ("name", json!(1)),
        ("name", json!("x".repeat(200))),
    ] {
        let mut body = application("mover");
        body[name] = value.clone();
        let answer = service.post("/oauth2/register", body).await;
        assert_eq!(answer.status, 400, "{name} {value}");
    }
    let answer = service
        .ask("POST", "/oauth2/register", "application/json", "{")
        .await;
    assert_eq!(answer.status, 400);
    registered(&service, "mover").await;
    let answer = service.post("/oauth2/register", application("mover")).await;
    answer.is_error(403, "An application with this name exists already");
    assert_eq!(
        service.get("/oauth2/apps").await.json()["apps"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn browsers_register_with_a_form_and_are_sent_on() {
    let service = Service::new();
    let page = service.get("/oauth2/register").await;
    assert!(
        page.text().contains("action=\"/oauth2/register\""),
        "{}",
        page.text()
    );
    assert!(
        page.headers["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/html")
    );
    let fields = [
        ("name", "mover"),
        ("website", "https://app.example"),
        (
            "redirect_to",
            "https://app.example/back\r\nhttps://app.example/other",
        ),
        ("scope", "transfer"),
    ];
    let headers = [("accept", "text/html")];
    let answer = post_form(&service, "/oauth2/register", &headers, form(&fields)).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    assert_eq!(answer.headers["location"], "/oauth2/apps");
    let list = service.get("/oauth2/apps").await.json();
    let lines = "https://app.example/back\nhttps://app.example/other";
    assert_eq!(list["apps"][0]["redirect_to"], lines);
    let index = service.get("/oauth2").await;
    assert_eq!(index.status, 302);
    assert_eq!(index.headers["location"], "/oauth2/apps");
}

#[tokio::test]
async fn an_application_is_changed_and_deleted() {
    let service = Service::new();
    let (id, _) = registered(&service, "mover").await;
    let path = format!("/oauth2/apps/{id}");
    let change = json!({"description": "", "scope": ["config"], "website": "https://new.example"});
    let answer = service.post(&path, change).await;
    assert_eq!(answer.status, 303);
    let app = service.get(&path).await.json();
    assert_eq!(
        (&app["description"], &app["scope"]),
        (&json!(""), &json!("config"))
    );
    assert_eq!(
        (&app["website"], &app["name"]),
        (&json!("https://new.example"), &json!("mover"))
    );
    for bad in [
        json!({"redirect_to": ""}),
        json!({"scope": "x"}),
        json!({"website": ""}),
    ] {
        assert_eq!(service.post(&path, bad).await.status, 400);
    }
    let answer = service.delete(&path).await;
    assert_eq!((answer.status.as_u16(), answer.text()), (200, "null"));
    service
        .get(&path)
        .await
        .is_error(404, "Application not found");
    let (id, _) = registered(&service, "mover").await;
    let answer = service
        .post(&format!("/oauth2/apps/{id}"), json!({"delete": "yes"}))
        .await;
    assert_eq!(answer.status, 303);
    let list = service.get("/oauth2/apps").await.json();
    assert_eq!(list["apps"], json!([]));
}

#[tokio::test]
async fn a_deleted_application_can_do_nothing_any_more() {
    let service = Service::new();
    let (id, secret) = registered(&service, "mover").await;
    let code = code(&service, &id, "transfer").await;
    service.delete(&format!("/oauth2/apps/{id}")).await;
    let pairs = [
        ("grant_type", "authorization_code"),
        ("client_id", &id),
        ("client_secret", &secret),
        ("code", &code),
        ("redirect_uri", super::BACK),
    ];
    let answer = post_form(&service, "/oauth2/token", &[], form(&pairs)).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json(), json!({"error": "invalid_client"}));
}
