//! `/delegation`: the whole conversation with real keys, and every refusal.

use causeway_identity::issue::{
    Authority, Credential, ProxyOptions, sign_delegation, write_trust_directory,
};
use causeway_model::AuthMethod;
use causeway_model::ports::CredentialVault;
use serde_json::json;

use crate::support::{DLG, DN, NOW, OTHER_DN, Service};

const DAY: u64 = 86_400;

/// A user of a CA that the service trusts.
fn trusted_user(service: &Service, dn: &str) -> Credential {
    let begin = NOW as u64 - DAY;
    let authority = Authority::new("/DC=ch/DC=cern/CN=Test CA", begin, 30 * DAY).unwrap();
    write_trust_directory(&service.trust_path.0, &authority).unwrap();
    service.trust.reload().unwrap();
    authority.user(dn, begin, 20 * DAY).unwrap()
}

fn path(rest: &str) -> String {
    format!("/delegation/{DLG}{rest}")
}

#[tokio::test]
async fn the_whole_conversation() {
    let service = Service::new();
    service.forget_delegation();
    let user = trusted_user(&service, DN);
    let before = service.get(&path("")).await;
    assert_eq!((before.status.as_u16(), before.text()), (200, "null"));
    service
        .delete(&path(""))
        .await
        .is_error(404, "Delegated credentials not found");

    let request = service.get(&path("/request")).await;
    assert_eq!(request.status, 200);
    assert_eq!(request.headers["x-delegation-id"], DLG);
    assert!(
        request.headers["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/plain")
    );
    let again = service.get(&path("/request")).await;
    assert_eq!(request.text(), again.text());

    let lasting = ProxyOptions::lasting(12 * 3600);
    let proxy = sign_delegation(&user, &request.body, lasting, NOW as u64).unwrap();
    let put = service
        .ask("PUT", &path("/credential"), "", proxy.clone())
        .await;
    assert_eq!((put.status.as_u16(), put.text()), (201, ""));
    let post = service
        .ask("POST", &path("/credential"), "text/plain", proxy)
        .await;
    assert_eq!(post.status, 201);

    let after = service.get(&path("")).await;
    assert_eq!(
        after.json(),
        json!({
            "termination_time": "2026-11-22T12:00:00",
            "voms_attrs": ["/testvo/Role=NULL/Capability=NULL"],
        })
    );
    let stored = service.vault.credential(DLG, DN).await.unwrap().unwrap();
    assert!(stored.proxy_pem.expose().contains("PRIVATE KEY"));
    assert!(!after.text().contains("PRIVATE KEY"));

    assert_eq!(service.delete(&path("")).await.status, 204);
    assert_eq!(service.get(&path("")).await.text(), "null");
}

#[tokio::test]
async fn a_proxy_that_does_not_fit_is_refused() {
    let service = Service::new();
    let user = trusted_user(&service, OTHER_DN);
    let put = |body: String| async { service.ask("PUT", &path("/credential"), "", body).await };
    put("x".into())
        .await
        .is_error(400, "No credential cache found");

    let request = service.get(&path("/request")).await;
    put("x".into())
        .await
        .is_error(400, "Could not process the proxy: Malformed proxy");
    put(user.chain_pem())
        .await
        .is_error(400, "Could not process the proxy: Malformed proxy");
    let lasting = ProxyOptions::lasting(3600);
    let foreign = sign_delegation(&user, &request.body, lasting, NOW as u64).unwrap();
    let answer = put(foreign).await;
    assert_eq!(answer.status, 400);
    assert!(
        answer
            .message()
            .starts_with("Could not process the proxy: ")
    );
    let other_key = user
        .proxy(ProxyOptions::lasting(3600), NOW as u64)
        .unwrap()
        .chain_pem();
    let answer = put(other_key).await;
    assert!(
        answer
            .message()
            .contains("does not match the stored associated private key")
    );
}

#[tokio::test]
async fn only_the_owner_and_only_with_a_certificate() {
    let mut service = Service::new();
    let mismatch = "The requested ID and the credentials ID do not match";
    for (method, rest) in [
        ("GET", ""),
        ("DELETE", ""),
        ("GET", "/request"),
        ("PUT", "/credential"),
        ("POST", "/credential"),
        ("POST", "/voms"),
    ] {
        let path = format!("/delegation/1234567890abcdef{rest}");
        service
            .ask(method, &path, "", "")
            .await
            .is_error(403, mismatch);
    }
    service.acting_as(|it| it.method = AuthMethod::Oauth2);
    assert_eq!(service.get(&path("")).await.status, 200);
    service
        .delete(&path(""))
        .await
        .is_error(403, "Certificate required");
    service
        .get(&path("/request"))
        .await
        .is_error(403, "Certificate required");
    service.caller = None;
    service.get(&path("")).await.is_error(403, mismatch);
}

#[tokio::test]
async fn an_id_with_an_encoded_slash_is_one_segment() {
    let mut service = Service::new();
    service.acting_as(|it| it.delegation_id = Some("a/b".into()));
    assert_eq!(service.get("/delegation/a%2Fb").await.text(), "null");
}

#[tokio::test]
async fn the_index_is_negotiated() {
    let service = Service::new();
    let json = service.get("/delegation").await;
    assert_eq!(
        json.json(),
        json!({"delegation_id": DLG, "vos": ["testvo"]})
    );
    let ask = |accept: &'static str| {
        let request = http::Request::get("/delegation").header("accept", accept);
        service.send(request.body(axum::body::Body::empty()).unwrap())
    };
    let page = ask("text/html").await;
    assert!(
        page.headers["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/html")
    );
    assert!(page.text().contains(DLG));
    ask("image/png")
        .await
        .is_error(406, "Neither application/json nor text/html is acceptable");
}

#[tokio::test]
async fn attributes_of_vos_fail_honestly() {
    let service = Service::new();
    let answer = service.post(&path("/voms"), "{").await;
    assert_eq!(answer.status, 400);
    let answer = service.post(&path("/voms"), "{}").await;
    assert_eq!(answer.status, 400);
    let failed = service.post(&path("/voms"), r#"["dteam"]"#).await;
    failed.is_error(424, "No VOMS client is configured on this server");
    assert_eq!(failed.json()["status"], "424 Failed Dependency");
    service.forget_delegation();
    let gone = service.post(&path("/voms"), r#"["dteam"]"#).await;
    gone.is_error(403, "Delegated proxy already expired");
}
