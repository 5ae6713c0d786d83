//! Codes for tokens, tokens for new ones, and what the tokens are good for.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{BACK, agreed, code, form, post_form, registered};
use crate::support::{Answer, DN, NOW, OTHER_DN, Service, one_file};

async fn token(service: &Service, pairs: &[(&str, &str)]) -> Answer {
    post_form(service, "/oauth2/token", &[], form(pairs)).await
}

fn refused(answer: &Answer, error: &str) {
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert_eq!(answer.json()["error"], error, "{}", answer.text());
    assert_eq!(answer.headers["cache-control"], "no-store");
}

/// The pairs that trade a code in.
fn trade<'a>(id: &'a str, secret: &'a str, code: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("grant_type", "authorization_code"),
        ("client_id", id),
        ("client_secret", secret),
        ("code", code),
        ("redirect_uri", BACK),
    ]
}

/// A token for an application that the user agreed to.
pub(crate) async fn granted(service: &Service, id: &str, secret: &str, scope: &str) -> Value {
    let code = code(service, id, scope).await;
    let answer = token(service, &trade(id, secret, &code)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

#[tokio::test]
async fn a_code_is_traded_in_once() {
    let service = Service::new();
    let (id, secret) = registered(&service, "mover").await;
    let code = code(&service, &id, "transfer").await;
    let answer = token(&service, &trade(&id, &secret, &code)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.headers["cache-control"], "no-store");
    let it = answer.json();
    assert_eq!(
        (&it["token_type"], &it["expires_in"]),
        (&json!("Bearer"), &json!(3600))
    );
    for name in ["access_token", "refresh_token"] {
        assert_eq!(it[name].as_str().unwrap().len(), 40);
    }
    refused(
        &token(&service, &trade(&id, &secret, &code)).await,
        "invalid_grant",
    );
}

#[tokio::test]
async fn trades_that_are_refused() {
    let service = Service::new();
    let (id, secret) = registered(&service, "mover").await;
    let (other, other_secret) = registered(&service, "other").await;
    let code = code(&service, &id, "transfer").await;
    let good = trade(&id, &secret, &code);
    for (name, value, error) in [
        ("grant_type", "", "invalid_request"),
        ("grant_type", "password", "unsupported_grant_type"),
        ("grant_type", "client_credentials", "unsupported_grant_type"),
        ("client_id", "", "invalid_request"),
        ("client_id", "none", "invalid_client"),
        ("client_secret", "", "invalid_request"),
        ("client_secret", "wrong", "invalid_client"),
        ("client_secret", &other_secret, "invalid_client"),
        ("code", "", "invalid_request"),
        ("code", "wrong", "invalid_grant"),
        ("redirect_uri", "", "invalid_request"),
    ] {
        let pairs = good
            .iter()
            .map(|it| if it.0 == name { (name, value) } else { *it });
        let pairs: Vec<_> = pairs.collect();
        refused(&token(&service, &pairs).await, error);
    }
    // Somebody else's code is left alone.
    refused(
        &token(&service, &trade(&other, &other_secret, &code)).await,
        "invalid_grant",
    );
    let answer = token(&service, &good).await;
    assert_eq!(answer.status, 200, "none of that has used the code up");
}

#[tokio::test]
async fn a_code_with_another_redirect_is_lost() {
    let service = Service::new();
    let (id, secret) = registered(&service, "mover").await;
    let code = code(&service, &id, "transfer").await;
    let mut pairs = trade(&id, &secret, &code);
    pairs[4].1 = "http://localhost:8080/";
    refused(&token(&service, &pairs).await, "invalid_grant");
    refused(
        &token(&service, &trade(&id, &secret, &code)).await,
        "invalid_grant",
    );
}

#[tokio::test]
async fn codes_and_tokens_end() {
    let service = Service::new();
    let (id, secret) = registered(&service, "mover").await;
    let late = code(&service, &id, "transfer").await;
    let it = granted(&service, &id, &secret, "transfer").await;
    let access = it["access_token"].as_str().unwrap();
    service.advance(601);
    refused(
        &token(&service, &trade(&id, &secret, &late)).await,
        "invalid_grant",
    );
    assert_eq!(
        service
            .with_token("GET", "/whoami", access, "")
            .await
            .status,
        200
    );
    service.advance(3600);
    let answer = service.with_token("GET", "/whoami", access, "").await;
    answer.is_error(403, "Invalid credentials (the token has expired)");
    service.advance(8 * 86_400);
    let refresh = it["refresh_token"].as_str().unwrap();
    let pairs = [
        ("grant_type", "refresh_token"),
        ("client_id", &id),
        ("client_secret", &secret),
        ("refresh_token", refresh),
    ];
    refused(&token(&service, &pairs).await, "invalid_grant");
}

#[tokio::test]
async fn a_token_acts_for_its_user_within_its_scope() {
    let mut service = Service::new();
    let (id, secret) = registered(&service, "mover").await;
    let it = granted(&service, &id, &secret, "transfer").await;
    let access = it["access_token"].as_str().unwrap().to_owned();
    // The application has a connection of its own, without any certificate.
    service.caller = None;
    let me = service
        .with_token("GET", "/whoami", &access, "")
        .await
        .json();
    assert_eq!(
        (&me["method"], &me["user_dn"]),
        (&json!("oauth2"), &json!(DN))
    );
    assert_eq!(me["delegation_id"], crate::support::DLG);
    assert_eq!(me["level"], json!({"transfer": "vo"}));
    assert_eq!(
        (&me["oauth2_scope"], &me["wlcg_profile"]),
        (&json!("transfer"), &json!(false))
    );
    let answer = service
        .with_token("POST", "/jobs", &access, one_file())
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = service
        .with_token("GET", "/dm/stat?surl=mock://h/f", &access, "")
        .await;
    answer.is_error(403, "Not enough permissions");
    let answer = service.with_token("GET", "/oauth2/apps", &access, "").await;
    answer.is_error(403, "Certificate required");
    let refresh = it["refresh_token"].as_str().unwrap();
    let answer = service.with_token("GET", "/whoami", refresh, "").await;
    assert_eq!(answer.status, 403, "a refresh token is no access token");
}

#[tokio::test]
async fn a_token_is_renewed_once_and_the_old_one_ends() {
    let service = Service::new();
    let (id, secret) = registered(&service, "mover").await;
    let first = granted(&service, &id, &secret, "transfer,datamanagement").await;
    let renew = |refresh: &str, scope: &str| {
        form(&[
            ("grant_type", "refresh_token"),
            ("client_id", &id),
            ("client_secret", &secret),
            ("refresh_token", refresh),
            ("redirect_uri", BACK),
            ("scope", scope),
        ])
    };
    let refresh = first["refresh_token"].as_str().unwrap();
    let answer = post_form(&service, "/oauth2/token", &[], renew(refresh, "transfer")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let second = answer.json();
    let old = first["access_token"].as_str().unwrap();
    assert_eq!(
        service.with_token("GET", "/whoami", old, "").await.status,
        403
    );
    let new = second["access_token"].as_str().unwrap();
    let me = service.with_token("GET", "/whoami", new, "").await.json();
    assert_eq!(me["level"], json!({"transfer": "vo"}));
    let answer = post_form(&service, "/oauth2/token", &[], renew(refresh, "transfer")).await;
    refused(&answer, "invalid_grant");
    // What was given up does not come back.
    let refresh = second["refresh_token"].as_str().unwrap();
    let more = renew(refresh, "transfer,datamanagement");
    refused(
        &post_form(&service, "/oauth2/token", &[], more).await,
        "invalid_scope",
    );
}

#[tokio::test]
async fn applications_may_say_who_they_are_in_a_header_or_in_a_query() {
    let service = Service::new();
    let (id, secret) = registered(&service, "mover").await;
    let by_header = code(&service, &id, "transfer").await;
    let basic = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
    let pairs = [
        ("grant_type", "authorization_code"),
        ("code", by_header.as_str()),
        ("redirect_uri", BACK),
    ];
    let headers = [("authorization", basic.as_str())];
    let answer = post_form(&service, "/oauth2/token", &headers, form(&pairs)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let by_query = code(&service, &id, "transfer").await;
    let query = form(&trade(&id, &secret, &by_query));
    let answer = service.get(&format!("/oauth2/token?{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn a_challenge_must_be_met() {
    let service = Service::new();
    let (id, secret) = registered(&service, "mover").await;
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let asked = [
        ("client_id", id.as_str()),
        ("redirect_uri", BACK),
        ("scope", "transfer"),
        ("response_type", "code"),
        (
            "code_challenge",
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        ),
        ("code_challenge_method", "S256"),
    ];
    for (given, status) in [(None, 400), (Some("wrong"), 400), (Some(verifier), 200)] {
        let place = agreed(&service, &asked).await;
        let code = place.split("code=").nth(1).unwrap();
        let mut pairs = trade(&id, &secret, code);
        pairs.extend(given.map(|it| ("code_verifier", it)));
        assert_eq!(token(&service, &pairs).await.status, status, "{given:?}");
    }
}

#[tokio::test]
async fn users_take_back_what_they_agreed_to() {
    let mut service = Service::new();
    let (id, secret) = registered(&service, "mover").await;
    let mine = granted(&service, &id, &secret, "transfer").await;
    let list = service.get("/oauth2/apps").await.json();
    let authorized = &list["authorized"][0];
    assert_eq!(
        (&authorized["name"], &authorized["scope"]),
        (&json!("mover"), &json!("transfer"))
    );
    assert_eq!(authorized["website"], "https://app.example");
    let end = causeway_model::Timestamp::from_seconds(NOW + 3600).to_string();
    assert_eq!(authorized["expires"], end);
    service.acting_as(|it| it.user_dn = OTHER_DN.into());
    let other = granted(&service, &id, &secret, "transfer").await;
    service.acting_as(|_| ());
    let answer = service.get(&format!("/oauth2/revoke/{id}")).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.headers["location"]),
        (303, &"/oauth2/apps".parse().unwrap())
    );
    let status = |token: &Value| {
        let token = token["access_token"].as_str().unwrap().to_owned();
        let service = &service;
        async move {
            service
                .with_token("GET", "/whoami", &token, "")
                .await
                .status
                .as_u16()
        }
    };
    assert_eq!((status(&mine).await, status(&other).await), (403, 200));
    let list = service.get("/oauth2/apps").await.json();
    assert_eq!(list["authorized"], json!([]));
}
