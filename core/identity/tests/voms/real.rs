//! Attributes made by the programs people use; what those read of them is what we read.

use std::path::PathBuf;
use std::sync::Arc;

use causeway_identity::issue::{
    AttributeFields, Authority, Credential, DAY, Extension, ProxyOptions, write_trust_directory,
};
use causeway_identity::pki::parse_chain_pem;
use causeway_identity::verify::{VerifiedChain, Verifier};
use causeway_identity::voms::{Attributes, VomsDirectory, VomsVerifier};
use causeway_identity::{TrustDirectory, pki};
use rustls_pki_types::UnixTime;

use crate::tools::{run, try_run};

const CA: &str = "/DC=ch/DC=real/CN=CA";
const HOST_DN: &str = "/DC=ch/DC=real/CN=voms.example.org";
const USER: &str = "/DC=ch/DC=real/CN=Grid User";
/// Where the programs look when nobody tells them.
const TRUSTED: &str = ".globus/certificates";
const LSC: &str = "testvo/voms.example.org.lsc";

/// A home for the programs: an authority, a person, a VOMS server's certificate, a vomsdir.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        // The programs stamp what they make with the real time.
        let begin = UnixTime::now().as_secs() - DAY;
        let ca = Authority::new(CA, begin, 30 * DAY).unwrap();
        std::fs::create_dir_all(home.path(TRUSTED)).unwrap();
        write_trust_directory(&home.path(TRUSTED), &ca).unwrap();
        home.keep("user", &ca.user(USER, begin, 20 * DAY).unwrap());
        home.keep(
            "host",
            &ca.host(HOST_DN, &["voms.example.org"], begin, 20 * DAY)
                .unwrap(),
        );
        home.keep(
            "other",
            &ca.host("/DC=ch/DC=real/CN=other", &["o"], begin, 20 * DAY)
                .unwrap(),
        );
        home.write(".rnd", &"seed".repeat(256));
        home.write(&format!("vomsdir/{LSC}"), &format!("{HOST_DN}\n{CA}\n"));
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn credential(&self, name: &str) -> Credential {
        let read = |kind: &str| std::fs::read(self.path(&format!("{name}.{kind}"))).unwrap();
        Credential::from_pem(&read("pem"), &read("key")).unwrap()
    }

    fn keep(&self, name: &str, credential: &Credential) {
        self.write(
            &format!("{name}.pem"),
            &pki::chain_to_pem(credential.chain()),
        );
        self.write(&format!("{name}.key"), credential.key_pem().expose());
    }

    /// Has `voms-proxy-fake` make a proxy with attributes.
    fn fake(&self, options: &str) {
        let words = format!(
            "-q -bits 1024 -cert user.pem -key user.key -certdir {TRUSTED} -voms testvo \
             -uri voms.example.org:15000 -out proxy.pem {options}"
        );
        let arguments: Vec<&str> = words.split_whitespace().collect();
        // With `-target` the program crashes about every fourth time, without a word.
        for _ in 0..20 {
            let (succeeded, text) = try_run(self.0.path(), "voms-proxy-fake", &arguments);
            match succeeded {
                true => return,
                false => assert!(text.is_empty(), "voms-proxy-fake {words}: {text}"),
            }
        }
        panic!("voms-proxy-fake {words}: fails and does not say why");
    }

    /// What `voms-proxy-info -all` shows. It shows what it does not believe, too.
    fn info(&self) -> String {
        run(
            self.0.path(),
            "voms-proxy-info",
            &["-all", "-file", "proxy.pem"],
        )
    }

    fn chain(&self) -> (VerifiedChain, VomsVerifier) {
        let trust = TrustDirectory::open(self.path(TRUSTED)).unwrap();
        let verifier = Verifier::new(Arc::new(trust));
        let text = std::fs::read(self.path("proxy.pem")).unwrap();
        let chain = verifier
            .verify(&parse_chain_pem(&text).unwrap(), UnixTime::now())
            .unwrap();
        let directory = VomsDirectory::open(self.path("vomsdir"));
        (chain, VomsVerifier::new(Arc::new(directory), verifier))
    }

    fn ours(&self) -> Attributes {
        let (chain, voms) = self.chain();
        assert_eq!(chain.user_dn(), USER);
        voms.attributes(&chain, UnixTime::now())
    }

    /// What the VOMS library says: that it believes, and the attributes; or why not.
    fn reference(&self) -> (bool, String) {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/voms/reference.py");
        let arguments = [script, "vomsdir", TRUSTED, "proxy.pem"];
        try_run(self.0.path(), "python3", &arguments)
    }

    /// The library believes it, too, and reads the same.
    fn agrees(&self) -> Attributes {
        let (believed, text) = self.reference();
        assert!(believed, "{text}");
        let ours = self.ours();
        assert!(ours.refused.is_empty(), "{:?}", ours.refused);
        assert_eq!(ours.fqans(), text.lines().collect::<Vec<_>>());
        ours
    }

    /// Neither believes it. Returns our reason.
    fn refuses(&self) -> String {
        let (believed, text) = self.reference();
        assert!(!believed, "{text}");
        let ours = self.ours();
        assert!(ours.accepted.is_empty(), "{:?}", ours.accepted);
        ours.refused[0].to_string()
    }
}

/// The values of `key : value` lines.
fn values(text: &str, key: &str) -> Vec<String> {
    let pairs = text.lines().filter_map(|line| line.split_once(':'));
    let found = pairs.filter(|(name, _)| name.trim() == key);
    found.map(|(_, value)| value.trim().to_owned()).collect()
}

const HOST: &str = "-hostcert host.pem -hostkey host.key";
const TWO: &str =
    "-fqan /testvo/Role=NULL/Capability=NULL -fqan /testvo/prod/Role=production/Capability=NULL";

#[test]
fn we_read_what_the_programs_read() {
    let home = Home::new();
    home.fake(&format!("-rfc {HOST} {TWO}"));
    let two = home.agrees();
    let shown = home.info();
    assert_eq!(two.fqans(), values(&shown, "attribute"), "{shown}");
    assert_eq!(
        values(&shown, "VO"),
        [two.accepted[0].vo.as_str()],
        "{shown}"
    );
    assert_eq!(
        values(&shown, "uri"),
        [two.accepted[0].server.as_str()],
        "{shown}"
    );
    let (now, ends) = (UnixTime::now().as_secs(), two.accepted[0].not_after);
    assert!(
        (now + 11 * 3600..=now + 12 * 3600).contains(&ends),
        "{now} {ends}"
    );
    for options in [
        // Newer servers leave the empty parts out.
        "-rfc -fqan /testvo -fqan /testvo/prod/Role=lcgadmin",
        // Both ways to name the holder.
        "-rfc -newformat -fqan /testvo",
        // Free attributes, of which we take no notice.
        "-rfc -fqan /testvo -ga nickname=joe",
        // Older generations of proxies carry them just so.
        "-proxyver 2 -fqan /testvo",
        "-proxyver 3 -fqan /testvo",
        "-rfc -limited -fqan /testvo",
        "-rfc -fqan /testvo -vomslife 1",
    ] {
        home.fake(&format!("{HOST} {options}"));
        home.agrees();
    }
}

#[test]
fn we_refuse_what_the_programs_refuse() {
    let home = Home::new();
    let good = format!("-rfc {HOST} {TWO}");
    home.fake(&format!(
        "-rfc -hostcert other.pem -hostkey other.key {TWO}"
    ));
    let reason = home.refuses();
    assert!(
        reason.contains("issued by /DC=ch/DC=real/CN=other"),
        "{reason}"
    );
    home.fake(&format!("{good} -vomslife 1 -pastac 2:00"));
    assert_eq!(home.refuses(), "verify vo attributes of testvo: expired");
    home.fake(&format!("{good} -fqan /othervo"));
    let foreign = "verify vo attributes of testvo: \"/othervo\" is not within the vo";
    assert_eq!(home.refuses(), foreign);
    // This version of the program writes a list of targets with nobody on it.
    home.fake(&format!("{good} -target fts.example.org"));
    assert!(home.refuses().contains("for other services"));
    home.fake(&good);
    home.agrees();
    home.write(&format!("vomsdir/{LSC}"), &format!("{CA}\n{HOST_DN}\n"));
    assert!(
        home.refuses()
            .contains("is not what voms.example.org.lsc describes")
    );
    std::fs::remove_file(home.path(&format!("vomsdir/{LSC}"))).unwrap();
    assert!(home.refuses().contains("names no issuer"));
    std::fs::copy(home.path("host.pem"), home.path("vomsdir/testvo/host.pem")).unwrap();
    home.agrees();
    std::fs::remove_dir_all(home.path("vomsdir")).unwrap();
    assert!(home.refuses().contains("names no issuer"));
}

/// What our own issuing writes is believed by the library, and refused with one part changed.
#[test]
fn the_library_judges_what_we_write_as_we_do() {
    type Change = fn(&mut AttributeFields);
    let home = Home::new();
    let now = UnixTime::now().as_secs();
    let cases: [(&str, Change); 8] = [
        ("", |_| {}),
        ("another certificate", |it| it.holder_serial[0] ^= 1),
        ("another certificate", |it| {
            it.holder_name = it.issuer.clone()
        }),
        ("expired", |it| it.not_after = it.not_before + 1),
        ("signature does not match", |it| {
            it.issuer = it.holder_name.clone()
        }),
        ("not within the vo", |it| {
            it.fqans.push("/testvoother".to_owned())
        }),
        ("critical extension 1.2.3.4", |it| {
            it.extensions
                .push(Extension::new("1.2.3.4", true, vec![5, 0]));
        }),
        ("for other services", |it| {
            it.targets.push("no.such.host".to_owned())
        }),
    ];
    let user = home.credential("user");
    let host = home.credential("host");
    for (expected, change) in cases {
        let validity = now - 3600..now + 3600;
        let mut fields = host
            .attributes(
                &user.chain()[0],
                "testvo",
                "voms.example.org:15000",
                &["/testvo"],
                validity,
            )
            .unwrap();
        change(&mut fields);
        let attributes = fields.sign(host.key()).unwrap();
        let lasting = ProxyOptions::lasting(3600);
        let mut proxy = user
            .proxy_fields(user.key().public_key(), lasting, now)
            .unwrap();
        proxy
            .extensions
            .push(Extension::vo_attributes(&[attributes]));
        let proxy = user.proxy_from(&proxy, user.key().clone()).unwrap();
        home.write("proxy.pem", proxy.to_pem().expose());
        match expected {
            "" => assert_eq!(home.agrees().fqans(), ["/testvo"]),
            expected => {
                let reason = home.refuses();
                assert!(reason.contains(expected), "{expected}: {reason}");
            }
        }
    }
}
