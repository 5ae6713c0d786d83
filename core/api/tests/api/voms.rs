//! `POST /delegation/{id}/voms` with real keys and a server of a VO that is asked in the test, and
//! what callers see when their attributes are not accepted.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use causeway_api::{VoAnswer, VoServers};
use causeway_identity::issue::{
    Authority, Credential, Extension, ProxyOptions, sign_delegation, write_trust_directory,
};
use causeway_identity::pki::parse_chain_pem;
use causeway_identity::voms::VomsRequest;
use causeway_model::ports::CredentialVault;
use causeway_sdk::Secret;

use crate::support::{DLG, DN, NOW, Service};

const DAY: u64 = 86_400;

/// Answers what it was told to, whatever is asked.
struct Told {
    answer: Result<Vec<VoAnswer>, String>,
    asked: Mutex<Vec<(Vec<VomsRequest>, u64)>>,
}

#[async_trait]
impl VoServers for Told {
    async fn attributes(
        &self,
        credential: &Secret,
        requests: &[VomsRequest],
        lifetime: u64,
    ) -> Result<Vec<VoAnswer>, String> {
        assert!(credential.expose().contains("PRIVATE KEY"));
        self.asked
            .lock()
            .unwrap()
            .push((requests.to_vec(), lifetime));
        self.answer.clone()
    }
}

/// A service on which the user has left a real proxy for half a day.
async fn delegated() -> (Service, Authority, Credential) {
    let service = Service::new();
    let begin = NOW as u64 - DAY;
    let authority = Authority::new("/DC=ch/DC=cern/CN=Test CA", begin, 30 * DAY).unwrap();
    write_trust_directory(&service.trust_path.0, &authority).unwrap();
    service.trust.reload().unwrap();
    let user = authority.user(DN, begin, 20 * DAY).unwrap();
    service.forget_delegation();
    let request = service.get(&path("/request")).await;
    let lasting = ProxyOptions::lasting(12 * 3600);
    let proxy = sign_delegation(&user, &request.body, lasting, NOW as u64).unwrap();
    let put = service.ask("PUT", &path("/credential"), "", proxy).await;
    assert_eq!(put.status, 201, "{}", put.text());
    (service, authority, user)
}

fn path(rest: &str) -> String {
    format!("/delegation/{DLG}{rest}")
}

/// What a server of a VO says about a person.
fn attributes(authority: &Authority, person: &Credential, vo: &str) -> Vec<u8> {
    let now = NOW as u64;
    let server = authority
        .host("/DC=ch/DC=cern/CN=voms", &["voms"], now - DAY, 9 * DAY)
        .unwrap();
    let role = format!("/{vo}/Role=production");
    let fields = server.attributes(&person.chain()[0], vo, "voms:1", &[&role], now..now + DAY);
    fields.unwrap().sign(server.key()).unwrap()
}

fn answering(service: &mut Service, answer: Result<Vec<VoAnswer>, String>) -> Arc<Told> {
    let told = Arc::new(Told {
        answer,
        asked: Mutex::default(),
    });
    let state = service.state.clone().with_vo_servers(told.clone());
    service.router = causeway_api::router(state);
    told
}

fn one(vo: &str, certificate: Vec<u8>) -> Result<Vec<VoAnswer>, String> {
    Ok(vec![VoAnswer {
        vo: vo.to_owned(),
        certificate,
    }])
}

#[tokio::test]
async fn attributes_get_into_the_stored_proxy() {
    let (mut service, authority, user) = delegated().await;
    let before = service.vault.credential(DLG, DN).await.unwrap().unwrap();
    let certificate = attributes(&authority, &user, "dteam");
    let told = answering(&mut service, one("dteam", certificate.clone()));
    let commands = r#"["dteam","dteam:/dteam/Role=production"]"#;
    let answer = service.post(&path("/voms"), commands).await;
    assert_eq!(answer.status, 203, "{}", answer.text());
    assert_eq!(answer.text(), "2026-11-22T12:00:00");
    assert_eq!(answer.headers["content-type"], "text/plain; charset=utf-8");
    let (requests, lifetime) = told.asked.lock().unwrap()[0].clone();
    assert_eq!(lifetime, 12 * 3600);
    assert_eq!(
        requests[0].path("dteam", lifetime),
        "/generate-ac?fqans=/dteam,/dteam/Role=production&lifetime=43200"
    );

    let after = service.vault.credential(DLG, DN).await.unwrap().unwrap();
    assert_eq!(after.voms_attrs, "dteam dteam:/dteam/Role=production");
    assert_eq!(after.termination_time, before.termination_time);
    let chain = |text: &Secret| parse_chain_pem(text.expose().as_bytes()).unwrap();
    let (old, new) = (chain(&before.proxy_pem), chain(&after.proxy_pem));
    assert_eq!(new[1..], old[..]);
    let holds = new[0]
        .windows(certificate.len())
        .any(|it| it == certificate);
    assert!(holds, "the new proxy carries what the server sent");
    let pem = after.proxy_pem.expose().as_bytes();
    assert!(
        Credential::from_pem(pem, pem).is_ok(),
        "the key is the new proxy's"
    );
    let shown = service.get(&path("")).await.json();
    assert_eq!(shown["voms_attrs"][0], "dteam dteam:/dteam/Role=production");
}

#[tokio::test]
async fn what_the_servers_do_not_give_is_a_failed_dependency_and_changes_nothing() {
    let (mut service, authority, user) = delegated().await;
    let before = service.vault.credential(DLG, DN).await.unwrap().unwrap();
    let other = authority
        .user("/DC=ch/CN=Other", NOW as u64 - DAY, 9 * DAY)
        .unwrap();
    for (answer, part) in [
        (
            Err("VOMS server voms:1 of dteam: no such user".to_owned()),
            "no such user",
        ),
        (
            one("dteam", b"junk".to_vec()),
            "read vo attributes: not a signed structure",
        ),
        (
            one("dteam", attributes(&authority, &other, "dteam")),
            "another certificate",
        ),
        (
            one("dteam", attributes(&authority, &user, "atlas")),
            "dteam was asked for, and the server sent atlas",
        ),
    ] {
        answering(&mut service, answer);
        let failed = service.post(&path("/voms"), r#"["dteam"]"#).await;
        assert_eq!(failed.status, 424, "{}", failed.text());
        assert_eq!(failed.json()["status"], "424 Failed Dependency");
        assert!(failed.message().contains(part), "{}", failed.message());
    }
    let after = service.vault.credential(DLG, DN).await.unwrap().unwrap();
    assert_eq!(after.proxy_pem.expose(), before.proxy_pem.expose());
    assert_eq!(after.voms_attrs, before.voms_attrs);
}

/// The user's own proxy says that none may follow it.
#[tokio::test]
async fn a_proxy_that_may_have_no_successor_stays_as_it_is() {
    let (mut service, authority, user) = delegated().await;
    let request = service.get(&path("/request")).await;
    let last = ProxyOptions {
        path_length: Some(0),
        ..ProxyOptions::lasting(12 * 3600)
    };
    let proxy = sign_delegation(&user, &request.body, last, NOW as u64).unwrap();
    assert_eq!(
        service
            .ask("PUT", &path("/credential"), "", proxy)
            .await
            .status,
        201
    );
    answering(
        &mut service,
        one("dteam", attributes(&authority, &user, "dteam")),
    );
    let failed = service.post(&path("/voms"), r#"["dteam"]"#).await;
    failed.is_error(424, "verify proxy: path length exceeded");
}

#[tokio::test]
async fn commands_are_a_list_of_vos() {
    let (mut service, _, _) = delegated().await;
    let told = answering(&mut service, Err("never asked".to_owned()));
    for (body, part) in [
        ("{", "Expecting a list of strings"),
        (r#"{"vo": 1}"#, "Expecting a list of strings"),
        ("[1]", "Expecting a list of strings"),
        ("[]", "no vo is named"),
        (r#"["dteam:Role=x"]"#, "neither a vo nor of the form"),
        (r#"["dteam&lifetime=9"]"#, "neither a vo nor of the form"),
    ] {
        let answer = service.post(&path("/voms"), body).await;
        assert_eq!(answer.status, 400, "{body}");
        assert!(
            answer.message().contains(part),
            "{body}: {}",
            answer.message()
        );
    }
    assert!(told.asked.lock().unwrap().is_empty());
}

/// Attributes that come with the delegated proxy itself are kept, too.
#[tokio::test]
async fn a_delegated_proxy_keeps_the_attributes_of_its_chain() {
    let (service, authority, user) = delegated().await;
    let certificate = attributes(&authority, &user, "dteam");
    let mut fields = user
        .proxy_fields(
            user.key().public_key(),
            ProxyOptions::lasting(3600),
            NOW as u64,
        )
        .unwrap();
    fields
        .extensions
        .push(Extension::vo_attributes(std::slice::from_ref(&certificate)));
    let member = user.proxy_from(&fields, user.key().clone()).unwrap();
    let request = service.get(&path("/request")).await;
    let lasting = ProxyOptions::lasting(12 * 3600);
    let proxy = sign_delegation(&member, &request.body, lasting, NOW as u64).unwrap();
    assert_eq!(
        service
            .ask("PUT", &path("/credential"), "", proxy)
            .await
            .status,
        201
    );
    let kept = service.vault.credential(DLG, DN).await.unwrap().unwrap();
    let chain = parse_chain_pem(kept.proxy_pem.expose().as_bytes()).unwrap();
    assert_eq!(chain.len(), 3);
    assert!(
        chain[1]
            .windows(certificate.len())
            .any(|it| it == certificate)
    );
    // The chain ends with the earliest of its proxies.
    assert_eq!(kept.termination_time.seconds(), NOW + 3600);
}

#[tokio::test]
async fn whoever_presents_what_is_not_accepted_is_refused_everywhere() {
    let mut service = Service::new();
    let reason = "verify vo attributes of testvo: expired";
    if let Some(caller) = &mut service.caller {
        caller.refusal = Some(reason.to_owned());
    }
    for path in ["/", "/whoami", "/jobs"] {
        let answer = service.get(path).await;
        answer.is_error(403, &format!("Invalid credentials ({reason})"));
    }
}

#[tokio::test]
async fn authorized_vos_change_at_once() {
    let service = Service::new();
    assert_eq!(service.get("/jobs").await.status, 200);
    service.state.set_authorized_vos(&["othervo".to_owned()]);
    let text = "The user does not belong to any authorized vo";
    service.get("/whoami").await.is_error(403, text);
    service.state.set_authorized_vos(&["testvo".to_owned()]);
    assert_eq!(service.get("/jobs").await.status, 200);
}
