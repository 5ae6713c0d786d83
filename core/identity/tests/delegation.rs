//! The delegation protocol from both sides: what is accepted, and every refusal with its text.

#[allow(
    dead_code,
    reason = "each test program uses its own part of the support"
)]
mod support;

use causeway_identity::delegation::{
    DelegatedCredential, DelegationError, DelegationRequest, accept,
};
use causeway_identity::issue::{Credential, IssuingKey, ProxyOptions, sign_delegation};
use causeway_identity::pki::{chain_to_pem, parse_chain_pem, parse_key_pem};
use support::{HOUR, NOW, USER_DN, World, at, trust_directory, verifier, world};

const FQANS: [&str; 2] = [
    "/testvo/Role=NULL/Capability=NULL",
    "/testvo/Role=x/Capability=NULL",
];

fn request() -> &'static DelegationRequest {
    static REQUEST: std::sync::OnceLock<DelegationRequest> = std::sync::OnceLock::new();
    REQUEST
        .get_or_init(|| DelegationRequest::create(Some(2048), &FQANS.map(str::to_owned)).unwrap())
}

fn accept_body(body: &str, now: u64) -> Result<DelegatedCredential, DelegationError> {
    let trust = trust_directory(&[&world().ca]);
    accept(
        Some(request()),
        body.as_bytes(),
        USER_DN,
        &verifier(trust.path()),
        at(now),
    )
}

fn signed_by(credential: &Credential) -> String {
    sign_delegation(
        credential,
        request().csr_pem.as_bytes(),
        ProxyOptions::lasting(12 * HOUR),
        NOW,
    )
    .unwrap()
}

/// A proxy on the request's own key, signed by the user after a change of its fields.
fn forged(
    world: &World,
    change: impl FnOnce(&mut causeway_identity::issue::CertificateFields),
) -> String {
    let key = IssuingKey::from_pem(request().private_key.expose().as_bytes()).unwrap();
    let mut fields = world
        .user
        .proxy_fields(key.public_key(), ProxyOptions::lasting(HOUR), NOW)
        .unwrap();
    change(&mut fields);
    world.user.proxy_from(&fields, key).unwrap().chain_pem()
}

#[test]
fn a_delegated_proxy_is_stored_with_its_key() {
    let stored = accept_body(&signed_by(&world().proxy()), NOW).unwrap();
    let chain = parse_chain_pem(stored.proxy.expose().as_bytes()).unwrap();
    assert_eq!(chain.len(), 3);
    assert!(parse_key_pem(stored.proxy.expose().as_bytes()).is_ok());
    let blocks: Vec<&str> = stored
        .proxy
        .expose()
        .lines()
        .filter(|line| line.starts_with("-----BEGIN"))
        .collect();
    assert!(
        blocks[0].contains("CERTIFICATE")
            && blocks[1].contains("PRIVATE KEY")
            && blocks[2].contains("CERTIFICATE")
    );
    assert_eq!(stored.termination, NOW + 12 * HOUR);
    assert_eq!(stored.voms_attrs, FQANS.join(" "));
    // What is stored can be used: as a credential of its own it makes further proxies.
    let pem = stored.proxy.expose().as_bytes();
    let usable = Credential::from_pem(pem, pem).unwrap();
    let trust = trust_directory(&[&world().ca]);
    let next = world().proxy_with(&usable, |_| {});
    assert_eq!(
        verifier(trust.path())
            .verify(next.chain(), at(NOW))
            .unwrap()
            .user_dn(),
        USER_DN
    );
}

#[test]
fn termination_is_the_earliest_end_of_the_chain() {
    let short = world().proxy_with(&world().user, |fields| fields.not_after = NOW + HOUR);
    assert_eq!(
        accept_body(&signed_by(&short), NOW).unwrap().termination,
        NOW + HOUR
    );
}

#[test]
fn a_request_is_reused_for_the_same_key_length_only() {
    assert!(request().is_reusable_for(Some(2048)));
    assert!(request().is_reusable_for(None));
    assert!(request().is_reusable_for(Some(1024)));
    assert!(!request().is_reusable_for(Some(4096)));
}

#[test]
fn the_request_survives_storage_and_shows_no_key() {
    let text = serde_json::to_string(request()).unwrap();
    let again: DelegationRequest = serde_json::from_str(&text).unwrap();
    assert_eq!(again.private_key, request().private_key);
    assert!(!format!("{:?}", request()).contains("PRIVATE KEY"));
}

fn refusal(body: &str) -> String {
    accept_body(body, NOW).unwrap_err().to_string()
}

#[test]
fn no_request() {
    let trust = trust_directory(&[&world().ca]);
    let error = accept(None, b"", USER_DN, &verifier(trust.path()), at(NOW)).unwrap_err();
    assert_eq!(error.to_string(), "No credential cache found");
}

#[test]
fn malformed_bodies() {
    let full = signed_by(&world().user);
    let first = chain_to_pem(&parse_chain_pem(full.as_bytes()).unwrap()[..1]);
    for body in [
        "",
        "hello",
        "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n",
        &first,
    ] {
        assert_eq!(
            refusal(body),
            "Could not process the proxy: Malformed proxy"
        );
    }
}

#[test]
fn wrong_key() {
    assert!(
        refusal(&world().proxy().chain_pem())
            .contains("does not match the stored associated private key")
    );
}

#[test]
fn wrong_signer() {
    let chain = parse_chain_pem(signed_by(&world().user).as_bytes()).unwrap();
    let body = chain_to_pem(&[chain[0].clone(), world().other.chain()[0].clone()]);
    assert!(refusal(&body).contains("Failed to verify the proxy"));
}

#[test]
fn wrong_names() {
    let unrelated = forged(world(), |fields| {
        fields.subject = causeway_identity::dn::encode("/DC=org/CN=x").unwrap()
    });
    assert!(refusal(&unrelated).contains("subject and the issuer of the proxy do not match"));
    let not_a_cn = forged(world(), |fields| {
        fields.subject = causeway_identity::dn::encode(&format!("{USER_DN}/OU=1")).unwrap();
    });
    assert!(refusal(&not_a_cn).contains("Missing trailing Common Name"));
}

#[test]
fn somebody_elses_proxy() {
    let text = refusal(&signed_by(&world().other));
    assert!(
        text.contains("belongs to /DC=ch/DC=test/OU=Users/CN=Somebody Else"),
        "{text}"
    );
}

#[test]
fn expired_and_untrusted() {
    let body = signed_by(&world().user);
    let expired = accept_body(&body, NOW + 13 * HOUR).unwrap_err().to_string();
    assert!(
        expired.starts_with("Could not process the proxy: ") && expired.contains("expired"),
        "{expired}"
    );
    let nobody = tempfile::tempdir().unwrap();
    let error = accept(
        Some(request()),
        body.as_bytes(),
        USER_DN,
        &verifier(nobody.path()),
        at(NOW),
    )
    .unwrap_err();
    assert!(matches!(error, DelegationError::Chain(_)), "{error}");
}

#[test]
fn limited_proxies_pass_on_limited_ones_only() {
    let limited = world()
        .user
        .proxy(ProxyOptions::lasting(HOUR).limited(), NOW)
        .unwrap();
    // Our own client makes a limited one of itself.
    assert!(accept_body(&signed_by(&limited), NOW).is_ok());
    let key = IssuingKey::from_pem(request().private_key.expose().as_bytes()).unwrap();
    let mut fields = limited
        .proxy_fields(key.public_key(), ProxyOptions::lasting(HOUR), NOW)
        .unwrap();
    fields.extensions[0] =
        causeway_identity::issue::Extension::proxy_info("1.3.6.1.5.5.7.21.1", None);
    let full = limited.proxy_from(&fields, key).unwrap();
    assert!(refusal(&full.chain_pem()).contains("limited proxy cannot delegate"));
}

#[test]
fn a_plain_certificate_is_not_a_delegation() {
    // Right name, right signature, right key, but nothing that makes it a proxy.
    let bare = forged(world(), |fields| {
        fields.extensions.remove(0);
    });
    assert!(accept_body(&bare, NOW).is_err());
}
