//! Asking the user: nobody agrees without seeing it, and nobody is sent to a strange place.

use serde_json::json;

use super::{BACK, agreed, asked, form, post_form, registered};
use crate::support::Service;

#[tokio::test]
async fn the_page_says_who_wants_what_and_carries_a_token() {
    let service = Service::new();
    let mut body = super::application("<b>mover");
    body["description"] = json!("\"><script>alert(1)</script>");
    let id = service.post("/oauth2/register", body).await.json();
    let id = id.as_str().unwrap();
    let pairs = [
        ("client_id", id),
        ("redirect_uri", BACK),
        ("scope", "transfer"),
        ("response_type", "code"),
        ("state", "\"><x"),
    ];
    let mut page = http::Request::builder()
        .uri(format!("/oauth2/authorize?{}", form(&pairs)))
        .header("host", "fts.example.org:8446")
        .header("accept", "text/html")
        .body(axum::body::Body::empty())
        .unwrap();
    *page.method_mut() = http::Method::GET;
    let page = service.send(page).await;
    let text = page.text();
    assert_eq!(page.status, 200, "{text}");
    assert!(text.contains("&lt;b&gt;mover") && text.contains("transfer") && text.contains(BACK));
    assert!(
        !text.contains("<script>") && !text.contains("\"><x"),
        "{text}"
    );
    let cookie = page.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("fts3oauth2_csrf="), "{cookie}");
    for part in ["Max-Age=300", "HttpOnly", "Secure", "SameSite=Strict"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let token = cookie.split(['=', ';']).nth(1).unwrap();
    assert!(token.len() > 30 && text.contains(token));
    assert_eq!(page.headers["cache-control"], "no-store");
}

#[tokio::test]
async fn questions_that_make_no_sense() {
    let service = Service::new();
    let (id, _) = registered(&service, "mover").await;
    let good = [
        ("client_id", id.as_str()),
        ("redirect_uri", BACK),
        ("scope", "transfer"),
        ("response_type", "code"),
    ];
    for (name, value, message) in [
        ("client_id", "", "Missing parameter: client_id"),
        ("client_id", "none", "Invalid client_id"),
        ("redirect_uri", "", "Missing parameter: redirect_uri"),
        (
            "redirect_uri",
            "https://evil.example/",
            "Invalid redirect_uri",
        ),
        (
            "redirect_uri",
            "https://app.example/back/",
            "Invalid redirect_uri",
        ),
        (
            "redirect_uri",
            "https://app.example/back?x=1",
            "Invalid redirect_uri",
        ),
        (
            "redirect_uri",
            "https://app.example/bac",
            "Invalid redirect_uri",
        ),
        ("scope", "", "Missing parameter: scope"),
        ("scope", ",", "Invalid scope"),
        ("scope", "config", "Invalid scope"),
        ("scope", "transfer,config", "Invalid scope"),
        ("response_type", "", "Missing parameter: response_type"),
        ("response_type", "token", "Invalid response_type"),
    ] {
        let pairs = good
            .iter()
            .map(|it| if it.0 == name { (name, value) } else { *it });
        let pairs: Vec<_> = pairs.collect();
        let (answer, cookie) = asked(&service, &form(&pairs)).await;
        answer.is_error(400, message);
        assert!(cookie.is_empty() && !answer.headers.contains_key("location"));
    }
    let mut pairs = good.to_vec();
    pairs.extend([("code_challenge", "x"), ("code_challenge_method", "plain")]);
    assert_eq!(asked(&service, &form(&pairs)).await.0.status, 400);
}

#[tokio::test]
async fn an_answer_needs_the_page_it_answers() {
    let service = Service::new();
    let (id, _) = registered(&service, "mover").await;
    let pairs = vec![
        ("client_id", id.as_str()),
        ("redirect_uri", BACK),
        ("scope", "transfer"),
        ("response_type", "code"),
        ("accept", "yes"),
    ];
    let (page, cookie) = asked(&service, &form(&pairs)).await;
    let csrf = page.json()["CSRFToken"].as_str().unwrap().to_owned();
    let with = |token: &str| {
        let mut all = pairs.clone();
        all.push(("CSRFToken", token));
        form(&all)
    };
    for (cookie, body) in [
        ("", form(&pairs)),
        ("", with(&csrf)),
        ("", with("")),
        ("fts3oauth2_csrf=", with("")),
        (&*cookie, form(&pairs)),
        (&*cookie, with("other")),
        ("fts3oauth2_csrf=other", with(&csrf)),
        ("xfts3oauth2_csrf=other", with("other")),
    ] {
        let answer = post_form(&service, "/oauth2/authorize", &[("cookie", cookie)], body).await;
        answer.is_error(403, "Cross-site request forgery token mismatch");
    }
    let strange = [("cookie", &*cookie), ("origin", "https://evil.example")];
    let answer = post_form(&service, "/oauth2/authorize", &strange, with(&csrf)).await;
    answer.is_error(403, "Host and Origin do not match");
    // What was agreed to is judged again, not taken from the page.
    let mut all = pairs.clone();
    all[1].1 = "https://evil.example/";
    all.push(("CSRFToken", &csrf));
    let cookies = [("cookie", &*cookie)];
    let answer = post_form(&service, "/oauth2/authorize", &cookies, form(&all)).await;
    answer.is_error(400, "Invalid redirect_uri");
    let answer = post_form(&service, "/oauth2/authorize", &cookies, with(&csrf)).await;
    assert_eq!(answer.status, 303);
}

#[tokio::test]
async fn the_user_is_sent_back_with_the_answer() {
    let service = Service::new();
    let (id, _) = registered(&service, "mover").await;
    let pairs = [
        ("client_id", id.as_str()),
        ("redirect_uri", "http://localhost:8080/"),
        ("scope", "transfer"),
        ("response_type", "code"),
        ("state", "a b&c"),
    ];
    let place = agreed(&service, &pairs).await;
    assert!(place.starts_with("http://localhost:8080/?code="), "{place}");
    assert!(place.ends_with("&state=a%20b%26c"), "{place}");

    let (page, cookie) = asked(&service, &form(&pairs)).await;
    let csrf = page.json()["CSRFToken"].as_str().unwrap().to_owned();
    for decision in [
        vec![],
        vec![("reject", "yes")],
        vec![("accept", "")],
        vec![("accept", "no")],
    ] {
        let mut all = pairs.to_vec();
        all.push(("CSRFToken", &csrf));
        all.extend(decision);
        let cookies = [("cookie", &*cookie)];
        let answer = post_form(&service, "/oauth2/authorize", &cookies, form(&all)).await;
        assert_eq!(answer.status, 303);
        let place = "http://localhost:8080/?error=access_denied&state=a%20b%26c";
        assert_eq!(answer.headers["location"], place);
    }
}

#[tokio::test]
async fn a_code_can_be_carried_over_by_hand() {
    let service = Service::new();
    let (id, _) = registered(&service, "mover").await;
    let pairs = [
        ("client_id", id.as_str()),
        ("redirect_uri", "urn:ietf:wg:oauth:2.0:oob"),
        ("scope", "transfer"),
        ("response_type", "code"),
    ];
    let (page, cookie) = asked(&service, &form(&pairs)).await;
    let csrf = page.json()["CSRFToken"].as_str().unwrap().to_owned();
    let mut all = pairs.to_vec();
    all.extend([("accept", "yes"), ("CSRFToken", &csrf)]);
    let cookies = [("cookie", &*cookie)];
    let answer = post_form(&service, "/oauth2/authorize", &cookies, form(&all)).await;
    assert_eq!(answer.json()["code"].as_str().unwrap().len(), 40);
}
