//! `/whoami`

use causeway_model::AuthMethod;
use serde_json::json;

use crate::support::{DLG, DN, Service};

#[tokio::test]
async fn shows_the_caller() {
    let service = Service::new();
    let answer = service.get("//whoami").await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json(),
        json!({
            "method": "certificate",
            "user_dn": DN,
            "dn": [DN, format!("{DN}/CN=1234567")],
            "base_id": "01874efb-4735-4595-bc9c-591aef8240c9",
            "vos": ["testvo"],
            "vos_id": ["477b9065-8416-5b27-be32-ff1573788e71"],
            "voms_cred": ["/testvo/Role=NULL/Capability=NULL"],
            "roles": [],
            "level": {"transfer": "vo", "datamanagement": "all"},
            "delegation_id": DLG,
            "is_root": false,
        })
    );
}

#[tokio::test]
async fn nobody_has_a_list_of_levels() {
    let mut service = Service::new();
    service.caller = None;
    let it = service.get("/whoami").await.json();
    assert_eq!(it["method"], "unauthenticated");
    assert_eq!(it["user_dn"], "anon");
    assert_eq!(it["dn"], json!(["anon"]));
    assert_eq!(it["level"], json!([]));
    assert_eq!(it["delegation_id"], json!(null));
    assert_eq!(it["vos"], json!([]));
}

#[tokio::test]
async fn the_certificate_needs_one() {
    let mut service = Service::new();
    let answer = service.get("/whoami/certificate").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-type"], "application/x-pem-file");
    assert!(answer.text().starts_with("-----BEGIN CERTIFICATE-----"));
    service.acting_as(|it| it.method = AuthMethod::Oauth2);
    service
        .get("/whoami/certificate")
        .await
        .is_error(403, "Certificate required");
    service.caller = None;
    service
        .get("/whoami/certificate")
        .await
        .is_error(403, "Certificate required");
}
