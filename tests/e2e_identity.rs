//! Who callers are, with proxies made by the VOMS programs, and what they may do from one request to
//! the next: membership, revocation, rights given by hand, bans, and the VOs that are let in.

use std::path::PathBuf;
use std::time::Duration;

use causeway_tests::data::eventually;
use causeway_tests::programs::{clean, expect};
use causeway_tests::signed_header::signed_header;
use causeway_tests::{Gateway, GatewayOptions, Identity};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);
const HOST: &str = "/DC=org/DC=causeway/CN=localhost";
const CA: &str = "/DC=org/DC=causeway/CN=Causeway Development CA";
const FQANS: [&str; 2] = [
    "/testvo/Role=NULL/Capability=NULL",
    "/testvo/Role=myrole/Capability=NULL",
];

/// A gateway whose own host speaks for `testvo`.
struct Site {
    gateway: Gateway,
    _state: tempfile::TempDir,
}

impl Site {
    fn start() -> Self {
        let state = tempfile::tempdir().unwrap();
        let path = |name: &str| state.path().join(name).display().to_string();
        let options = GatewayOptions::tls_only()
            .env("CAUSEWAY__TLS__VOMS_DIR", path("vomsdir"))
            .env("CAUSEWAY__TLS__VOMSES", path("vomses"));
        let gateway = Gateway::start(state.path(), &options);
        Self {
            gateway,
            _state: state,
        }
    }

    fn lsc(&self) -> PathBuf {
        self.gateway.state().join("vomsdir/testvo/localhost.lsc")
    }

    fn describe(&self) {
        std::fs::create_dir_all(self.lsc().parent().unwrap()).unwrap();
        std::fs::write(self.lsc(), format!("{HOST}\n{CA}\n")).unwrap();
    }

    /// A proxy of a user that says what `testvo` says of them.
    fn member(&self, user: &Identity, fqans: &[&str]) -> Identity {
        let out = user.cert.with_extension("voms");
        let mut fake = clean("voms-proxy-fake");
        fake.args([
            "-q",
            "-rfc",
            "-bits",
            "2048",
            "-voms",
            "testvo",
            "-uri",
            "localhost:15000",
        ])
        .arg("-cert")
        .arg(&user.cert)
        .arg("-key")
        .arg(&user.key)
        .arg("-certdir")
        .arg(self.gateway.pki("certificates"))
        .arg("-hostcert")
        .arg(self.gateway.pki("hostcert.pem"))
        .arg("-hostkey")
        .arg(self.gateway.pki("hostkey.pem"))
        .arg("-out")
        .arg(&out)
        .env("HOME", self.gateway.state());
        for fqan in fqans {
            fake.args(["-fqan", fqan]);
        }
        expect(&mut fake, LIMIT);
        Identity::file(out)
    }

    fn whoami(&self, who: &Identity) -> Value {
        self.gateway
            .rest(Some(who), "GET", "/whoami", None)
            .expect(200)
    }

    /// Has everything read again, and waits until that shows.
    fn reload(&self, what: &str, until: impl Fn() -> bool) {
        self.gateway.signal("HUP");
        eventually(what, LIMIT, until);
    }
}

/// The development user, who may do everything.
fn root(gateway: &Gateway) -> Identity {
    Identity::file(gateway.pki("userproxy.pem"))
}

#[test]
fn members_are_known_by_what_their_vo_says() {
    let site = Site::start();
    let user = site.gateway.user("Member");
    let member = site.member(&user, &FQANS);
    // Nobody speaks for the VO yet: the identity stays, without it.
    let before = site.whoami(&member);
    assert_eq!(before["vos"], json!(["Member@causeway.org"]));
    assert_eq!(
        (&before["voms_cred"], &before["roles"]),
        (&json!([]), &json!([]))
    );
    site.describe();
    site.reload("membership counts", || {
        site.whoami(&member)["vos"] == json!(["testvo"])
    });
    let me = site.whoami(&member);
    assert_eq!(me["method"], "certificate");
    assert_eq!(me["user_dn"], "/DC=org/DC=causeway/CN=Member");
    assert_eq!(me["voms_cred"], json!(FQANS));
    assert_eq!(me["roles"], json!(["myrole"]));
    assert_eq!(
        me["vos_id"],
        json!(["477b9065-8416-5b27-be32-ff1573788e71"])
    );
    assert_eq!(
        me["level"],
        json!({"transfer": "vo", "datamanagement": "all"})
    );
    assert_eq!(me["dn"].as_array().unwrap().len(), 2);
    assert_ne!(me["delegation_id"], before["delegation_id"]);

    // What is delegated is kept under the member's own id, with the attributes.
    let id = me["delegation_id"].as_str().unwrap().to_owned();
    let mut delegate = clean(causeway_tests::programs::causeway());
    delegate.arg("delegate").envs(site.gateway.client_env());
    expect(delegate.env("X509_USER_PROXY", &member.cert), LIMIT);
    let path = format!("/delegation/{id}");
    let kept = site
        .gateway
        .rest(Some(&member), "GET", &path, None)
        .expect(200);
    assert_eq!(kept["voms_attrs"], json!([FQANS.join(" ")]));
    let path = format!("{path}/voms");
    let asked = json!(["nosuchvo"]);
    let refused = site
        .gateway
        .rest(Some(&member), "POST", &path, Some(&asked));
    assert!(
        refused
            .refused(424)
            .starts_with("read the list of voms servers"),
        "{refused:?}"
    );
    std::fs::write(site.gateway.state().join("vomses"), "").unwrap();
    let refused = site
        .gateway
        .rest(Some(&member), "POST", &path, Some(&asked));
    assert_eq!(refused.refused(424), "No VOMS server is known for nosuchvo");

    std::fs::remove_file(site.lsc()).unwrap();
    site.reload("membership is over", || {
        site.whoami(&member)["roles"] == json!([])
    });
    let log = site.gateway.log();
    assert!(
        log.contains("the vomsdir names no issuer localhost for this vo"),
        "{log}"
    );
}

/// A browser has no certificate on its connection, and signs a header instead.
#[test]
fn a_signed_header_counts_like_a_certificate() {
    let site = Site::start();
    site.describe();
    let user = site.gateway.user("Browser");
    let member = site.member(&user, &FQANS);
    let dir = tempfile::tempdir().unwrap();
    let header = signed_header(dir.path(), &user, &member);
    let ask = |header: &str| {
        let mut curl = clean("curl");
        curl.args(["-sS", "--cacert"])
            .arg(site.gateway.pki("ca.pem"));
        curl.args(["-H", &format!("Authorization: {header}")]);
        let url = format!("{}/whoami", site.gateway.endpoint());
        let text = expect(curl.arg(url), LIMIT);
        serde_json::from_str::<Value>(&text).expect("an answer in JSON")
    };
    let mut me = Value::Null;
    eventually("membership counts", LIMIT, || {
        site.gateway.signal("HUP");
        me = ask(&header);
        me["vos"] == json!(["testvo"])
    });
    assert_eq!(me, site.whoami(&member));
    let tampered = ask(&header.replacen("ts=\"2", "ts=\"1", 1));
    let why = tampered["message"].as_str().unwrap();
    assert!(
        why.starts_with("Invalid credentials (the signed certificate is older"),
        "{why}"
    );
}

/// The role of an administrator, of their VO's making.
#[test]
fn roles_grant_what_the_configuration_says() {
    let site = Site::start();
    site.describe();
    site.gateway.signal("HUP");
    let user = site.gateway.user("Operator");
    let plain = site
        .gateway
        .rest(Some(&user), "GET", "/config/authorize", None);
    assert_eq!(plain.refused(403), "Not enough permissions");
    let operator = site.member(&user, &["/testvo/Role=lcgadmin/Capability=NULL"]);
    let granted = || {
        site.gateway
            .rest(Some(&operator), "GET", "/config/authorize", None)
    };
    eventually("the role counts", LIMIT, || granted().status == 200);
    // Names of roles are compared as they are written.
    let shouting = site.member(&user, &["/testvo/Role=LCGADMIN/Capability=NULL"]);
    let refused = site
        .gateway
        .rest(Some(&shouting), "GET", "/config/authorize", None);
    assert_eq!(refused.refused(403), "Not enough permissions");
}

#[test]
fn rights_bans_and_revocations_count_from_the_next_request_on() {
    let site = Site::start();
    let user = site.gateway.user("Someone");
    let dn = "/DC=org/DC=causeway/CN=Someone";
    let root = root(&site.gateway);
    let as_root = |method, path: &str, body: Option<&Value>| {
        site.gateway.rest(Some(&root), method, path, body)
    };
    assert_eq!(site.whoami(&user)["level"].get("config"), None);
    let row = json!({ "dn": dn, "operation": "config" });
    let given = as_root("POST", "/config/authorize", Some(&row));
    assert_eq!(given.status, 200, "{given:?}");
    assert_eq!(site.whoami(&user)["level"]["config"], "all");
    let query = format!(
        "/config/authorize?dn={}&operation=config",
        causeway_tests::rest::encode(dn)
    );
    let revoked = as_root("DELETE", &query, None);
    assert!((200..300).contains(&revoked.status), "{revoked:?}");
    assert_eq!(site.whoami(&user)["level"].get("config"), None);

    let banned = as_root("POST", "/ban/dn", Some(&json!({ "user_dn": dn })));
    assert_eq!(banned.status, 200, "{banned:?}");
    let refused = site.gateway.rest(Some(&user), "GET", "/whoami", None);
    assert_eq!(refused.refused(403), "The user has been banned");
    let query = format!("/ban/dn?user_dn={}", causeway_tests::rest::encode(dn));
    let lifted = as_root("DELETE", &query, None);
    assert!((200..300).contains(&lifted.status), "{lifted:?}");
    assert_eq!(site.whoami(&user)["user_dn"], dn);

    // The authority takes the certificate back; the handshake itself fails then.
    revoke(&site.gateway, &user);
    site.reload("the certificate is revoked", || {
        site.gateway
            .rest(Some(&user), "GET", "/whoami", None)
            .status
            == 0
    });
    assert_eq!(as_root("GET", "/whoami", None).status, 200);
}

/// Writes a revocation list of the development CA with one entry.
fn revoke(gateway: &Gateway, user: &Identity) {
    let dir = gateway.state().join("revoking");
    std::fs::create_dir(&dir).unwrap();
    std::fs::write(dir.join("index.txt"), "").unwrap();
    let settings = "[ca]\ndefault_ca=all\n[all]\ndatabase=index.txt\ndefault_md=sha256\n\
                    default_crl_days=9\ncrl_extensions=more\n[more]\nauthorityKeyIdentifier=keyid\n";
    std::fs::write(dir.join("ca.cnf"), settings).unwrap();
    let ca = || {
        let mut ca = clean("openssl");
        ca.current_dir(&dir)
            .args(["ca", "-config", "ca.cnf", "-cert"]);
        ca.arg(gateway.pki("ca.pem"))
            .arg("-keyfile")
            .arg(gateway.pki("cakey.pem"));
        ca
    };
    expect(ca().arg("-revoke").arg(&user.cert), LIMIT);
    let list = gateway.pki("certificates").join("revoked.r0");
    expect(ca().args(["-gencrl", "-out"]).arg(list), LIMIT);
}
