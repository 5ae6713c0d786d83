//! `/oauth2`: applications, agreements, and tokens.

mod agreement;
mod apps;
mod tokens;

use http::Request;
use serde_json::{Value, json};

use crate::support::{Answer, Service};

pub(crate) use tokens::granted;

pub(crate) const BACK: &str = "https://app.example/back";

pub(crate) fn application(name: &str) -> Value {
    json!({
        "name": name, "website": "https://app.example", "description": "moves data",
        "redirect_to": format!("{BACK}\nhttp://localhost:8080/\nurn:ietf:wg:oauth:2.0:oob"),
        "scope": "transfer,datamanagement",
    })
}

/// Registers an application and gives its id and secret.
pub(crate) async fn registered(service: &Service, name: &str) -> (String, String) {
    registered_as(service, application(name)).await
}

/// The same for one that says more of itself.
pub(crate) async fn registered_as(service: &Service, application: Value) -> (String, String) {
    let answer = service.post("/oauth2/register", application).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let id = answer.json().as_str().unwrap().to_owned();
    let app = service.get(&format!("/oauth2/apps/{id}")).await.json();
    (id, app["client_secret"].as_str().unwrap().to_owned())
}

/// Names and values as a form or a query.
pub(crate) fn form(pairs: &[(&str, &str)]) -> String {
    let encode = |text: &str| -> String {
        let bytes = text.bytes();
        bytes.map(|it| format!("%{it:02X}")).collect()
    };
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(k, v)| format!("{k}={}", encode(v)))
        .collect();
    pairs.join("&")
}

/// Asks for the agreement of the user; gives what is asked for, and the cookie.
pub(crate) async fn asked(service: &Service, query: &str) -> (Answer, String) {
    let answer = service.get(&format!("/oauth2/authorize?{query}")).await;
    let cookie = answer
        .headers
        .get("set-cookie")
        .map(|it| it.to_str().unwrap());
    let cookie = cookie
        .unwrap_or("")
        .split(';')
        .next()
        .unwrap_or("")
        .to_owned();
    (answer, cookie)
}

/// Posts a form with headers.
pub(crate) async fn post_form(
    service: &Service,
    path: &str,
    headers: &[(&str, &str)],
    body: String,
) -> Answer {
    let mut request = Request::builder()
        .method("POST")
        .uri(path)
        .header("host", "fts.example.org:8446")
        .header("content-type", "application/x-www-form-urlencoded");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    service.send(request.body(body.into()).unwrap()).await
}

/// Lets the user agree; gives where they are sent.
pub(crate) async fn agreed(service: &Service, pairs: &[(&str, &str)]) -> String {
    let (page, cookie) = asked(service, &form(pairs)).await;
    let csrf = page.json()["CSRFToken"].as_str().unwrap().to_owned();
    let mut all = pairs.to_vec();
    all.extend([("accept", "yes"), ("CSRFToken", csrf.as_str())]);
    let answer = post_form(
        service,
        "/oauth2/authorize",
        &[("cookie", &cookie)],
        form(&all),
    )
    .await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    assert_eq!(answer.headers["cache-control"], "no-store");
    answer.headers["location"].to_str().unwrap().to_owned()
}

/// A code for an application.
pub(crate) async fn code(service: &Service, client_id: &str, scope: &str) -> String {
    let pairs = [
        ("client_id", client_id),
        ("redirect_uri", BACK),
        ("scope", scope),
        ("response_type", "code"),
    ];
    let place = agreed(service, &pairs).await;
    let code = place.strip_prefix(&format!("{BACK}?code=")).unwrap();
    assert_eq!(code.len(), 40, "{place}");
    code.to_owned()
}
