//! Requests with bearer tokens: which way of proving oneself counts, and what a token is good for.

use async_trait::async_trait;
use causeway_api::{Caller, HeaderIdentity, HeaderRefusal, TokenFacts, TokenIssuer};
use causeway_model::oauth::OAuthUser;
use causeway_model::{AuthMethod, Principal, Timestamp};
use serde_json::json;

use crate::support::{DN, OTHER_DN, Service, caller, one_file, user};

/// Knows tokens by their text: `good.SUBJECT.OPERATION`, `away.x.y`, and users by their DN.
pub(crate) struct TestTokens;

#[async_trait]
impl HeaderIdentity for TestTokens {
    async fn holder(&self, token: &str, _now: Timestamp) -> Result<Caller, HeaderRefusal> {
        let parts: Vec<&str> = token.split('.').collect();
        let ["good", subject, operation] = parts[..] else {
            return Err(match parts[0] {
                "away" => HeaderRefusal::Unavailable("the issuer is away".into()),
                _ => HeaderRefusal::Invalid("it is no good".into()),
            });
        };
        let mut principal = user();
        principal.method = AuthMethod::Oauth2;
        principal.user_dn = subject.into();
        principal.dn = vec![subject.into()];
        principal.delegation_id = Some("63013b845a2f75ca".into());
        principal.level.retain(|name, _| name == operation);
        Ok(Caller {
            token: Some(TokenFacts {
                scope: format!("openid fts:{operation}"),
                wlcg_profile: true,
            }),
            ..caller(principal)
        })
    }

    fn signer(&self, header: &str, _now: Timestamp) -> Result<Caller, HeaderRefusal> {
        match header {
            r#"cert="good""# => {
                let mut principal = user();
                principal.user_dn = "/CN=signer".into();
                Ok(caller(principal))
            }
            _ => Err(HeaderRefusal::Invalid("it is not signed".into())),
        }
    }

    fn issuer(&self, name: &str) -> Option<TokenIssuer> {
        match name.trim_end_matches('/') {
            "https://plain.example" => Some(TokenIssuer { renews: false }),
            "https://renewing.example" => Some(TokenIssuer { renews: true }),
            _ => None,
        }
    }

    fn user(&self, known: &OAuthUser) -> Principal {
        let mut principal = user();
        principal.user_dn.clone_from(&known.user_dn);
        principal.dn = vec![known.user_dn.clone()];
        principal.voms_cred.clone_from(&known.voms_cred);
        principal
    }
}

#[tokio::test]
async fn a_token_counts_before_the_certificate_of_the_connection() {
    let service = Service::new();
    let me = service
        .with_token("GET", "/whoami", "good.sub-1.transfer", "")
        .await;
    let me = me.json();
    assert_eq!(me["method"], "oauth2");
    assert_eq!(me["user_dn"], "sub-1");
    assert_eq!(me["dn"], json!(["sub-1"]));
    assert_eq!(me["delegation_id"], "63013b845a2f75ca");
    assert_eq!(me["level"], json!({"transfer": "vo"}));
    assert_eq!(me["oauth2_scope"], "openid fts:transfer");
    assert_eq!(me["wlcg_profile"], true);
    let me = service.get("/whoami").await.json();
    assert_eq!(
        (&me["method"], &me["user_dn"]),
        (&json!("certificate"), &json!(DN))
    );
    assert!(me.get("oauth2_scope").is_none());
}

#[tokio::test]
async fn a_bad_token_is_an_error_and_no_reason_to_look_at_the_certificate() {
    let mut service = Service::new();
    for path in ["/whoami", "/jobs", "/", "/healthz", "/nothing"] {
        let answer = service.with_token("GET", path, "bad.x.y", "").await;
        answer.is_error(403, "Invalid credentials (it is no good)");
    }
    let answer = service
        .with_token("GET", "/whoami", "unknownopaquetoken", "")
        .await;
    answer.is_error(403, "Invalid credentials (it is no good)");
    let answer = service.with_token("GET", "/whoami", "", "").await;
    answer.is_error(403, "Invalid credentials (the token is missing)");
    let answer = service.with_token("GET", "/whoami", "away.x.y", "").await;
    answer.is_error(503, "Try again later: the issuer is away");
    service.caller = None;
    let answer = service.with_token("GET", "/whoami", "bad.x.y", "").await;
    answer.is_error(403, "Invalid credentials (it is no good)");
}

#[tokio::test]
async fn a_signed_certificate_counts_before_everything() {
    let service = Service::new();
    let me = |values: &'static [&'static str]| {
        let mut request = http::Request::builder()
            .uri("/whoami")
            .header("host", "fts.example.org:8446");
        for value in values {
            request = request.header("authorization", *value);
        }
        service.send(request.body(axum::body::Body::empty()).unwrap())
    };
    let answer = me(&["Bearer good.sub-1.transfer", r#"Signed-Cert cert="good""#]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["user_dn"], "/CN=signer");
    assert_eq!(answer.json()["method"], "certificate");
    for bad in [&["Signed-Cert x"] as &'static [_], &["signed-cert"]] {
        let answer = me(bad).await;
        answer.is_error(403, "Invalid credentials (it is not signed)");
    }
}

#[tokio::test]
async fn a_refused_certificate_does_not_hinder_a_good_token() {
    let mut service = Service::new();
    let mut refused = caller(user());
    refused.refusal = Some("the attributes are not believed".into());
    service.caller = Some(refused);
    assert_eq!(service.get("/whoami").await.status, 403);
    let me = service
        .with_token("GET", "/whoami", "good.sub-1.transfer", "")
        .await;
    assert_eq!(me.status, 200);
}

#[tokio::test]
async fn a_token_submits_and_sees_what_its_holder_may_see() {
    let service = Service::new();
    let token = "good.sub-1.transfer";
    let answer = service.with_token("POST", "/jobs", token, one_file()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let id = answer.json()["job_id"].as_str().unwrap().to_owned();
    let job = service
        .with_token("GET", &format!("/jobs/{id}"), token, "")
        .await
        .json();
    assert_eq!(job["user_dn"], "sub-1");
    assert_eq!(job["cred_id"], "63013b845a2f75ca");
    assert_eq!(job["vo_name"], "testvo");
    assert_eq!(job["job_metadata"]["auth_method"], "oauth2");
    // The same VO sees it, as with certificates; another one does not.
    assert_eq!(service.get(&format!("/jobs/{id}")).await.status, 200);
    let mut service = service;
    service.acting_as(|it| {
        it.user_dn = OTHER_DN.into();
        it.vos = vec!["othervo".into()];
    });
    assert_eq!(service.get(&format!("/jobs/{id}")).await.status, 403);
}

#[tokio::test]
async fn without_the_scope_nothing_is_allowed() {
    let service = Service::new();
    let token = "good.sub-1.datamanagement";
    for (method, path) in [("POST", "/jobs"), ("GET", "/jobs"), ("GET", "/files")] {
        let answer = service.with_token(method, path, token, one_file()).await;
        answer.is_error(403, "Not enough permissions");
    }
    assert_eq!(service.stored_jobs(), 0);
}

#[tokio::test]
async fn a_token_is_no_certificate() {
    let service = Service::new();
    let token = "good.sub-1.transfer";
    for (method, path) in [
        ("GET", "/whoami/certificate"),
        ("GET", "/delegation/63013b845a2f75ca/request"),
        ("GET", "/oauth2/apps"),
        ("POST", "/oauth2/register"),
        ("GET", "/oauth2/authorize"),
    ] {
        let answer = service.with_token(method, path, token, "{}").await;
        answer.is_error(403, "Certificate required");
    }
}

#[tokio::test]
async fn bans_and_vo_lists_hold_for_tokens() {
    let service = Service::new();
    service.bans.users.lock().unwrap().push("sub-1".into());
    let answer = service
        .with_token("GET", "/whoami", "good.sub-1.transfer", "")
        .await;
    answer.is_error(403, "The user has been banned");
    service.bans.users.lock().unwrap().clear();
    service.state.set_authorized_vos(&["othervo".into()]);
    let answer = service
        .with_token("GET", "/whoami", "good.sub-1.transfer", "")
        .await;
    answer.is_error(403, "The user does not belong to any authorized vo");
}
