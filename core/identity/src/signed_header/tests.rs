//! Headers made with `openssl`, as a browser's program would make them, and what may be wrong.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::TrustDirectory;
use crate::issue::{Authority, Credential, ProxyOptions, write_trust_directory};
use crate::tools;

const NOW: u64 = 1_800_000_000;
const TIME: &str = "2027-01-15T08:00:00.000Z";
const DAY: u64 = 86_400;

/// A person, a CA that is trusted, and a place to sign in.
struct Browser {
    dir: tempfile::TempDir,
    ca: Authority,
    person: Credential,
    verifier: Verifier,
}

impl Browser {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ca = Authority::new("/DC=ch/CN=CA", NOW - DAY, 90 * DAY).unwrap();
        write_trust_directory(dir.path(), &ca).unwrap();
        let trust = TrustDirectory::open(dir.path()).unwrap();
        let person = ca.user("/DC=ch/CN=Ada", NOW - DAY, 30 * DAY).unwrap();
        Self {
            verifier: Verifier::new(Arc::new(trust)),
            dir,
            ca,
            person,
        }
    }

    /// A signature over `message` with the key of `by`.
    fn sign(&self, by: &Credential, digest: &str, message: &[u8]) -> Vec<u8> {
        let path = |name: &str| self.dir.path().join(name);
        std::fs::write(path("key.pem"), by.key_pem().expose()).unwrap();
        std::fs::write(path("message"), message).unwrap();
        let digest = format!("-{digest}");
        let words = [
            "dgst", &digest, "-sign", "key.pem", "-out", "sign", "message",
        ];
        tools::run(self.dir.path(), "openssl", &words);
        std::fs::read(path("sign")).unwrap()
    }

    /// A header like a browser's, with a proxy if there is one.
    fn header(&self, digest: &str, time: &str, proxy: Option<&Credential>) -> String {
        let certificate = self.person.chain()[0].as_ref();
        let proxy = proxy.map(|it| it.chain()[0].as_ref());
        let message = [proxy.unwrap_or(certificate), time.as_bytes()].concat();
        let signature = self.sign(&self.person, digest, &message);
        let (cert, sign) = (STANDARD.encode(certificate), STANDARD.encode(signature));
        let mut header = format!(r#"hash="{digest}", ts="{time}", cert="{cert}", sign="{sign}""#);
        if let Some(proxy) = proxy {
            header += &format!(r#", prx="{}""#, STANDARD.encode(proxy));
        }
        header
    }

    fn judge(&self, header: &str, seconds: u64) -> Result<VerifiedChain, SignedHeaderError> {
        let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        SignedHeader::parse(header)?.verify(&self.verifier, now)
    }

    fn refused(&self, header: &str) -> SignedHeaderError {
        self.judge(header, NOW).unwrap_err()
    }
}

#[test]
fn a_person_is_proved_by_certificate_or_proxy() {
    let browser = Browser::new();
    for digest in ["sha256", "sha384", "sha512"] {
        let chain = browser.judge(&browser.header(digest, TIME, None), NOW);
        let chain = chain.unwrap();
        assert_eq!(chain.user_dn(), "/DC=ch/CN=Ada");
        assert_eq!(chain.dns().len(), 1);
    }
    let proxy = browser.person.proxy(ProxyOptions::lasting(DAY), NOW);
    let proxy = proxy.unwrap();
    let chain = browser.judge(&browser.header("sha256", TIME, Some(&proxy)), NOW);
    let chain = chain.unwrap();
    assert_eq!(chain.user_dn(), "/DC=ch/CN=Ada");
    assert_eq!(chain.dns().len(), 2);
}

#[test]
fn a_header_is_good_for_ten_minutes() {
    let browser = Browser::new();
    let header = browser.header("sha256", TIME, None);
    for good in [NOW, NOW + 600, NOW - 600] {
        assert!(browser.judge(&header, good).is_ok(), "{good}");
    }
    for late in [NOW + 601, NOW - 601, NOW + 30 * DAY] {
        let error = browser.judge(&header, late).unwrap_err();
        assert!(matches!(error, SignedHeaderError::Time), "{error}");
    }
    // Without a zone it is UTC.
    let header = browser.header("sha256", "2027-01-15T08:00:00", None);
    assert!(browser.judge(&header, NOW).is_ok());
}

#[test]
fn what_was_not_signed_does_not_count() {
    let browser = Browser::new();
    let header = browser.header("sha256", TIME, None);
    let later = header.replace("08:00:00", "08:00:01");
    assert!(matches!(
        browser.refused(&later),
        SignedHeaderError::Signature
    ));
    let digest = header.replace("sha256", "sha512");
    assert!(matches!(
        browser.refused(&digest),
        SignedHeaderError::Signature
    ));
    // A proxy that the signature does not cover.
    let proxy = browser.person.proxy(ProxyOptions::lasting(DAY), NOW);
    let proxy = STANDARD.encode(proxy.unwrap().chain()[0].as_ref());
    let added = format!(r#"{header}, prx="{proxy}""#);
    assert!(matches!(
        browser.refused(&added),
        SignedHeaderError::Signature
    ));
}

#[test]
fn the_chain_must_be_trusted() {
    let browser = Browser::new();
    let stranger = Authority::new("/DC=ch/CN=Other", NOW - DAY, 90 * DAY).unwrap();
    let mut other = Browser::new();
    other.person = stranger.user("/DC=ch/CN=Ada", NOW - DAY, 30 * DAY).unwrap();
    let header = other.header("sha256", TIME, None);
    assert!(matches!(
        browser.refused(&header),
        SignedHeaderError::Chain(_)
    ));
    // Somebody else's proxy, signed by Ada as if it were hers.
    let bob = browser.ca.user("/DC=ch/CN=Bob", NOW - DAY, 30 * DAY);
    let proxy = bob.unwrap().proxy(ProxyOptions::lasting(DAY), NOW).unwrap();
    let header = browser.header("sha256", TIME, Some(&proxy));
    assert!(matches!(
        browser.refused(&header),
        SignedHeaderError::Chain(_)
    ));
}

#[test]
fn malformed_headers_say_what_is_wrong() {
    let browser = Browser::new();
    let good = browser.header("sha256", TIME, None);
    let cases = [
        ("", "lacks ts"),
        ("Bearer", "a member without a value"),
        ("ts=2027", "a value without quotes"),
        (r#"ts="x", ts="y""#, "a member occurs twice"),
        (&good.replace("sha256", "sha1"), "must be sha256"),
        (&good.replace("sha256", "md5"), "must be sha256"),
        (&good.replace(TIME, "yesterday"), "malformed: ts"),
        (&good.replace("cert=\"", "cert=\"!"), "malformed: cert"),
        (&good.replace("sign=\"", "sine=\""), "lacks sign"),
    ];
    for (header, expected) in cases {
        let text = browser.refused(header).to_string();
        assert!(text.contains(expected), "{header}: {text}");
    }
    let no_certificate = format!(r#"hash="sha256", ts="{TIME}", cert="AAAA", sign="AAAA""#);
    assert!(matches!(
        browser.refused(&no_certificate),
        SignedHeaderError::Certificate(_)
    ));
}
