//! Credentials of every kind, and that none of them is seen.

use super::*;
use crate::accounts::Accounts;

fn keys(access: &str, secret: &str) -> Credential {
    Credential::Keys {
        access: access.into(),
        secret: Secret::new(secret),
        token: None,
        region: None,
    }
}

fn bearer(text: &str) -> Credential {
    Credential::Bearer(Secret::new(text))
}

fn signed(login: &Login) -> (String, HeaderMap) {
    let mut url: Url = "https://acct.blob.core.windows.net/c/a%20b?comp=list"
        .parse()
        .unwrap();
    let mut headers = HeaderMap::new();
    login
        .sign("acct", &Method::GET, &mut url, &mut headers)
        .unwrap();
    (url.to_string(), headers)
}

#[test]
fn azure_takes_keys_signatures_and_tokens() {
    // "canary", in Base64.
    let key = Login::azure(&keys("acct", "Y2FuYXJ5")).unwrap();
    let (_, headers) = signed(&key);
    let text = headers["authorization"].to_str().unwrap().to_owned();
    assert!(text.starts_with("SharedKey acct:"), "{text}");
    assert!(!format!("{headers:?} {key:?}").contains("SharedKey"));
    let sas = "?sv=2022-11-02&sp=r&sig=can%2Bary%3D";
    for given in [bearer(sas), keys("acct", sas), keys(sas, "")] {
        let login = Login::azure(&given).unwrap();
        let (url, headers) = signed(&login);
        assert!(
            url.contains("comp=list&sv=2022-11-02&sp=r&sig=can%2Bary%3D"),
            "{url}"
        );
        assert!(!headers.contains_key("authorization"));
        assert!(!format!("{login:?}").contains("ary"));
    }
    let token = Login::azure(&bearer("token")).unwrap();
    assert_eq!(signed(&token).1["authorization"], "Bearer token");
    let proxy = Credential::X509(Secret::new("pem"));
    assert!(!Login::azure(&proxy).unwrap().is_somebody());
}

#[test]
fn what_fits_nothing_is_refused_without_showing_it() {
    for outcome in [
        Login::azure(&keys("a", "canary!")),
        Login::azure(&keys("a", "canary&sig=")),
        Login::azure(&bearer("canary canary")),
        Login::google(&keys("GOOG1", "canary")),
        Login::google(&bearer("{\"canary\"")),
        Login::google(&bearer(
            "{\"type\":\"authorized_user\",\"refresh_token\":\"canary\"}",
        )),
        Login::drive(&bearer("canary\n canary")),
        Login::drive(&bearer("")),
    ] {
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AuthRequired);
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    }
}

#[test]
fn drives_take_the_first_of_a_pair() {
    for given in [bearer("token"), keys("token", "other")] {
        let login = Login::drive(&given).unwrap();
        assert_eq!(signed(&login).1["authorization"], "Bearer token");
    }
}

#[tokio::test]
async fn a_service_account_signs_its_tokens_itself() {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let json = serde_json::json!({
        "type": "service_account",
        "client_email": "lab@example.org",
        "private_key_id": "1",
        "private_key": key.serialize_pem(),
        "token_uri": "https://evil.example.org/token",
    });
    let login = Login::google(&bearer(&json.to_string())).unwrap();
    let accounts = Accounts::default();
    let one = accounts.settle(login.clone()).await.unwrap();
    let (_, headers) = signed(&one);
    let text = headers["authorization"].to_str().unwrap();
    assert_eq!(text.split('.').count(), 3, "{text}");
    let again = signed(&accounts.settle(login).await.unwrap()).1;
    assert_eq!(
        headers["authorization"], again["authorization"],
        "it is kept"
    );

    let broken = Secret::new(r#"{"client_email":"a","private_key_id":"1","private_key":"canary"}"#);
    let error = accounts
        .settle(Login::account(&broken).unwrap())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AuthRequired);
    assert!(!format!("{error:?}").contains("canary"));
}

#[test]
fn a_repeated_signature_is_removed() {
    let login = Login::azure(&bearer("sv=1&sig=can%2Bary%3D")).unwrap();
    let said = login.scrub("no: sig=can%2Bary%3D, that is can+ary=");
    assert_eq!(said, "no: sig=<redacted>, that is <redacted>");
}
