//! Callers of open connections, while the world changes around them.

use std::sync::{Arc, Mutex};

use causeway_identity::issue::{
    Authority, Credential, Extension, ProxyOptions, write_trust_directory,
};
use causeway_model::settings::{AuthorizationRow, Change};
use causeway_model::{AuthMethod, Level, Settings};

use super::*;

const DAY: u64 = 86_400;
const NOW: u64 = 1_800_000_000;
const CA: &str = "/DC=ch/CN=CA";
const HOST: &str = "/DC=ch/CN=fts.example.org";
const SERVER: &str = "/DC=ch/CN=voms.example.org";

fn at(seconds: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

/// A gateway's certificates on disk.
struct Site {
    dir: tempfile::TempDir,
    ca: Authority,
    tls: TlsConfig,
    trust: Trust,
}

impl Site {
    fn new(begin: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let ca = Authority::new(CA, begin, u64::MAX).unwrap();
        for name in ["certificates", "vomsdir/testvo"] {
            std::fs::create_dir_all(path(name)).unwrap();
        }
        write_trust_directory(&path("certificates"), &ca).unwrap();
        let host = ca
            .host(HOST, &["fts.example.org"], begin, u64::MAX)
            .unwrap();
        std::fs::write(path("host.pem"), host.to_pem().expose()).unwrap();
        let described = format!("{SERVER}\n{CA}\n");
        std::fs::write(path("vomsdir/testvo/voms.example.org.lsc"), described).unwrap();
        let tls = TlsConfig {
            cert: path("host.pem"),
            key: path("host.pem"),
            ca_dir: path("certificates"),
            voms_dir: path("vomsdir"),
            ..TlsConfig::default()
        };
        let trust = Trust::open(&tls).unwrap();
        Self {
            dir,
            ca,
            tls,
            trust,
        }
    }

    fn callers(&self, auth: &AuthConfig) -> Callers {
        Callers::new(&self.trust, &self.tls, auth, "fts.example.org").unwrap()
    }

    fn live(&self) -> Arc<LiveCallers> {
        LiveCallers::new(self.callers(&AuthConfig::default()))
    }

    /// A proxy of a person with attributes that last so long.
    fn member(&self, live: Arc<LiveCallers>, person: &Credential, attributes_end: u64) -> Peer {
        let server = self
            .ca
            .host(SERVER, &["voms"], NOW - DAY, 90 * DAY)
            .unwrap();
        let holder = &person.chain()[0];
        let role = "/testvo/Role=lcgadmin";
        let validity = NOW - DAY..attributes_end;
        let said = server.attributes(holder, "testvo", "voms.example.org:1", &[role], validity);
        let said = said.unwrap().sign(server.key()).unwrap();
        let lasting = ProxyOptions::lasting(DAY);
        let key = person.key().public_key();
        let mut fields = person.proxy_fields(key, lasting, NOW).unwrap();
        fields.extensions.push(Extension::vo_attributes(&[said]));
        let proxy = person.proxy_from(&fields, person.key().clone()).unwrap();
        Peer::holder(live, proxy.chain().to_vec())
    }
}

/// A person whose certificate is good up to and with that second.
pub(crate) fn person(valid_until: u64) -> Peer {
    let site = Site::new(0);
    let me = site.ca.user("/DC=ch/CN=me", 0, valid_until).unwrap();
    Peer::holder(site.live(), me.chain().to_vec())
}

fn who(peer: &Peer, seconds: u64) -> (String, AuthMethod) {
    let caller = peer.caller_at(at(seconds));
    (caller.principal.user_dn, caller.principal.method)
}

fn nobody() -> (String, AuthMethod) {
    ("anon".to_owned(), AuthMethod::Unauthenticated)
}

fn me() -> (String, AuthMethod) {
    ("/DC=ch/CN=me".to_owned(), AuthMethod::Certificate)
}

#[test]
fn a_caller_ends_with_the_certificate() {
    let peer = person(100);
    assert_eq!(who(&peer, 100), me());
    assert_eq!(who(&peer, 101), nobody());
    assert_eq!(who(&Peer::anonymous(), 101), nobody());
}

#[test]
fn a_caller_ends_with_a_revocation() {
    let site = Site::new(NOW - DAY);
    let user = site.ca.user("/DC=ch/CN=me", NOW - DAY, 90 * DAY).unwrap();
    let peer = Peer::holder(site.live(), user.chain().to_vec());
    assert_eq!(who(&peer, NOW), me());
    let crl = site
        .ca
        .crl(&[&user.chain()[0]], NOW - DAY, NOW + DAY)
        .unwrap();
    std::fs::write(site.tls.ca_dir.join("aaaaaaaa.r0"), crl).unwrap();
    assert_eq!(who(&peer, NOW), me());
    site.trust.reload();
    assert_eq!(who(&peer, NOW), nobody());
    std::fs::remove_file(site.tls.ca_dir.join("aaaaaaaa.r0")).unwrap();
    site.trust.reload();
    assert_eq!(who(&peer, NOW), me());
}

#[test]
fn membership_ends_before_the_certificate() {
    let site = Site::new(NOW - DAY);
    let user = site.ca.user("/DC=ch/CN=me", NOW - DAY, 90 * DAY).unwrap();
    let peer = site.member(site.live(), &user, NOW + 3600);
    let vos = |seconds| peer.caller_at(at(seconds)).principal.vos;
    assert_eq!(vos(NOW), ["testvo"]);
    let caller = peer.caller_at(at(NOW)).principal;
    assert_eq!(
        (caller.level("config"), caller.roles),
        (Some(Level::All), vec!["lcgadmin".to_owned()])
    );
    // Clocks may differ by five minutes.
    assert_eq!(vos(NOW + 3600 + 300), ["testvo"]);
    assert_eq!(vos(NOW + 3600 + 301), ["me@ch"]);
}

#[test]
fn a_vomsdir_that_is_read_again_counts_at_once() {
    let site = Site::new(NOW - DAY);
    let user = site.ca.user("/DC=ch/CN=me", NOW - DAY, 90 * DAY).unwrap();
    let peer = site.member(site.live(), &user, NOW + DAY);
    let vos = || peer.caller_at(at(NOW)).principal.vos;
    let lsc = site.dir.path().join("vomsdir/testvo/voms.example.org.lsc");
    let text = std::fs::read(&lsc).unwrap();
    std::fs::remove_file(&lsc).unwrap();
    site.trust.reload();
    assert_eq!(vos(), ["me@ch"]);
    std::fs::write(&lsc, text).unwrap();
    site.trust.reload();
    assert_eq!(vos(), ["testvo"]);
}

#[test]
fn attributes_that_are_not_believed_cost_the_membership_or_everything() {
    let site = Site::new(NOW - DAY);
    let user = site.ca.user("/DC=ch/CN=me", NOW - DAY, 90 * DAY).unwrap();
    let live = site.live();
    let peer = site.member(live.clone(), &user, NOW - 3600);
    let caller = peer.caller_at(at(NOW));
    assert_eq!(
        (caller.principal.vos, caller.refusal),
        (vec!["me@ch".to_owned()], None)
    );
    let strict = AuthConfig {
        reject_invalid_voms: true,
        ..AuthConfig::default()
    };
    live.replace(site.callers(&strict));
    let refusal = peer.caller_at(at(NOW)).refusal;
    assert_eq!(
        refusal.as_deref(),
        Some("verify vo attributes of testvo: expired")
    );
}

#[test]
fn another_configuration_counts_at_once() {
    let site = Site::new(NOW - DAY);
    let user = site.ca.user("/DC=ch/CN=me", NOW - DAY, 90 * DAY).unwrap();
    let live = site.live();
    let peer = Peer::holder(live.clone(), user.chain().to_vec());
    let caller = |peer: &Peer| peer.caller_at(at(NOW)).principal;
    assert!(!caller(&peer).is_root);
    assert_eq!(caller(&peer).level("config"), None);
    let map = site.dir.path().join("vo.map");
    std::fs::write(&map, "\"/DC=ch/CN=me\" atlas\n").unwrap();
    let roles = [("Public".to_owned(), "all:config".to_owned())];
    live.replace(site.callers(&AuthConfig {
        roles: roles.into(),
        vo_map: Some(map),
        ..AuthConfig::default()
    }));
    assert_eq!(caller(&peer).level("config"), Some(Level::All));
    assert_eq!(caller(&peer).level("transfer"), None);
    assert_eq!(caller(&peer).vos, ["atlas"]);
    live.replace(site.callers(&AuthConfig {
        root_dns: vec!["CN=me,DC=ch".to_owned()],
        unmapped_vo: crate::config::UnmappedVo::DelegationId,
        ..AuthConfig::default()
    }));
    let root = caller(&peer);
    assert!(root.is_root);
    assert_eq!(Some(root.primary_vo()), root.delegation_id.as_deref());
}

/// The service itself calls, with its host certificate.
#[test]
fn the_host_is_root() {
    let site = Site::new(NOW - DAY);
    let host = pki::parse_chain_pem(&std::fs::read(&site.tls.cert).unwrap()).unwrap();
    let peer = Peer::holder(site.live(), host);
    let caller = peer.caller_at(at(NOW)).principal;
    assert!(
        caller.is_root && caller.may("admin", Some("/CN=x"), Some("y")),
        "{caller:?}"
    );
}

#[test]
fn rights_given_to_a_user_count_at_once() {
    let site = Site::new(NOW - DAY);
    let user = site.ca.user("/DC=ch/CN=me", NOW - DAY, 90 * DAY).unwrap();
    let live = site.live();
    let settings = Arc::new(Mutex::new(Settings::default()));
    let known = settings.clone();
    live.heed(move || known.lock().unwrap().clone());
    let peer = Peer::holder(live, user.chain().to_vec());
    let level = |operation| peer.caller_at(at(NOW)).principal.level(operation);
    assert_eq!(
        (level("transfer"), level("config")),
        (Some(Level::Vo), None)
    );
    let row = |dn: &str| AuthorizationRow {
        dn: dn.into(),
        operation: "config".into(),
    };
    settings
        .lock()
        .unwrap()
        .apply(&Change::Authorize(row("/DC=ch/CN=other")));
    assert_eq!(level("config"), None);
    settings
        .lock()
        .unwrap()
        .apply(&Change::Authorize(row("/DC=ch/CN=me")));
    assert_eq!(
        (level("transfer"), level("config")),
        (Some(Level::Vo), Some(Level::All))
    );
    settings
        .lock()
        .unwrap()
        .apply(&Change::Revoke(row("/DC=ch/CN=me")));
    assert_eq!(level("config"), None);
}
