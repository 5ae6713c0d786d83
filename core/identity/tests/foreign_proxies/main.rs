//! Certificates and proxies made by the programs people use: each test has them made, then verifies.

#[path = "../support/tools.rs"]
mod tools;
mod world;

use causeway_identity::proxy::{ProxyError, ProxyStyle};
use causeway_identity::verify::{ChainError, ExpiredCrl};

use crate::world::{DAY, USER, Version, World, now};

const GRID: &str = "grid-proxy-init";
const VOMS: &str = "voms-proxy-init";
const FAKE: &str = "voms-proxy-fake";
/// Attributes of a VO that this machine is the server of.
const TESTVO: &str = "-voms testvo -fqan /testvo/Role=production/Capability=NULL -uri localhost:15000 \
                      -hostcert ca.pem -hostkey ca.key";
/// `1.3.6.1.4.1.8005.100.100.5`, the extension with a VO's attributes, as it is encoded.
const VO_ATTRIBUTES: [u8; 10] = [0x2b, 6, 1, 4, 1, 0xbe, 0x45, 100, 100, 5];

/// What a proxy must be found to be.
#[derive(Clone, Copy)]
struct Found {
    style: ProxyStyle,
    is_limited: bool,
    proxies: usize,
    bits: usize,
}

/// A plain proxy of that generation.
const fn a(style: ProxyStyle) -> Found {
    Found {
        style,
        is_limited: false,
        proxies: 1,
        bits: 2048,
    }
}

impl Found {
    const fn limited(self) -> Self {
        Self {
            is_limited: true,
            ..self
        }
    }

    const fn short(self) -> Self {
        Self { bits: 1024, ..self }
    }

    const fn second(self) -> Self {
        Self { proxies: 2, ..self }
    }
}

fn check(world: &World, name: &str, expected: Found) {
    let chain = world
        .verify(name)
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(chain.user_dn(), USER, "{name}");
    assert_eq!(chain.proxy_style(), Some(expected.style), "{name}");
    assert_eq!(chain.is_limited(), expected.is_limited, "{name}");
    assert_eq!(chain.dns().len(), 1 + expected.proxies, "{name}");
    assert_eq!(chain.dns()[0], USER, "{name}");
    assert_eq!(chain.key_bits(), Some(expected.bits), "{name}");
    let outward = chain
        .dns()
        .windows(2)
        .all(|pair| pair[1].starts_with(&format!("{}/CN=", pair[0])));
    assert!(outward, "{name}: {:?}", chain.dns());
}

#[test]
fn all_generations_lead_to_the_same_person() {
    use ProxyStyle::{Draft, Legacy, Rfc3820};
    let world = World::new();
    // Short keys where the length is not the point: they are made in no time.
    let limited = "-limited -bits 1024";
    for (name, parent, program, options, found) in [
        ("rfc", "user", GRID, "-rfc", a(Rfc3820)),
        (
            "rfc-short",
            "user",
            GRID,
            "-rfc -bits 1024",
            a(Rfc3820).short(),
        ),
        ("draft", "user", GRID, "-draft", a(Draft)),
        ("old", "user", GRID, "-old", a(Legacy)),
        ("of-rfc", "rfc", GRID, "-rfc", a(Rfc3820).second()),
        (
            "of-short",
            "rfc-short",
            GRID,
            "-rfc -bits 2048",
            a(Rfc3820).second(),
        ),
        (
            "voms-rfc",
            "user",
            VOMS,
            "-rfc -bits 1024",
            a(Rfc3820).short(),
        ),
        ("voms-draft", "user", VOMS, "-proxyver 3", a(Draft)),
        ("voms-old", "user", VOMS, "-old", a(Legacy)),
    ] {
        world.proxy(program, name, parent, options);
        check(&world, name, found);
    }
    for (name, parent, option, found) in [
        ("rfc-limited", "user", "-rfc", a(Rfc3820)),
        ("draft-limited", "user", "-draft", a(Draft)),
        ("old-limited", "user", "-old", a(Legacy)),
        ("of-limited", "rfc-limited", "-rfc", a(Rfc3820).second()),
    ] {
        world.proxy(GRID, name, parent, &format!("{option} {limited}"));
        check(&world, name, found.limited().short());
    }
}

#[test]
fn attributes_of_a_vo_do_not_stand_in_the_way() {
    let world = World::new();
    for (name, option, style) in [
        ("rfc", "-rfc", ProxyStyle::Rfc3820),
        ("old", "-proxyver 2", ProxyStyle::Legacy),
    ] {
        world.proxy(FAKE, name, "user", &format!("{option} {TESTVO}"));
        let leaf = &world.chain(name)[0];
        let has_attributes = leaf
            .windows(VO_ATTRIBUTES.len())
            .any(|it| it == VO_ATTRIBUTES);
        assert!(has_attributes, "{name} carries no attributes");
        check(&world, name, a(style));
    }
}

#[test]
fn an_independent_proxy_is_refused() {
    let world = World::new();
    world.proxy(GRID, "independent", "user", "-rfc -independent");
    let error = world.verify("independent").unwrap_err();
    assert!(
        matches!(error, ChainError::Proxy(ProxyError::Independent)),
        "{error}"
    );
}

#[test]
fn keys_of_people_may_be_elliptic_but_not_short() {
    let world = World::new();
    let elliptic = "/DC=ch/DC=grid/CN=Elliptic User";
    let key = "ec -pkeyopt ec_paramgen_curve:P-256";
    world.person("elliptic", elliptic, "ca", key, "sha256");
    let chain = world.verify("elliptic").unwrap();
    assert_eq!((chain.user_dn(), chain.key_bits()), (elliptic, None));
    world.person("short", "/DC=ch/CN=Short User", "ca", "rsa:1024", "sha256");
    let error = world.verify("short").unwrap_err();
    assert!(
        matches!(error, ChainError::WeakKey { bits: 1024, .. }),
        "{error}"
    );
}

#[test]
fn old_roots_are_trusted_for_what_they_are_and_old_signatures_are_not() {
    let world = World::new();
    for (name, digest, version, shown) in [
        (
            "sha1-root",
            "sha1",
            Version::Three,
            "Signature Algorithm: sha1WithRSAEncryption",
        ),
        ("v1-root", "sha256", Version::One, "Version: 1 (0x0)"),
    ] {
        world.root(name, digest, version);
        let text = world.openssl(&format!("x509 -noout -text -in {name}.pem"), &[]);
        assert!(
            text.contains(shown),
            "{name} is not what it should be: {text}"
        );
        let below = format!("below-{name}");
        world.person(&below, USER, name, "rsa:2048", "sha256");
        let root = [(format!("{name}.pem"), "root.pem")];
        let root = root.each_ref().map(|(from, to)| (from.as_str(), *to));
        let verdict = world.verify_with(&below, &root, ExpiredCrl::Reject, now());
        assert_eq!(verdict.unwrap().user_dn(), USER);
        world.verify(&below).unwrap_err();
    }
    world.person("sha1-signed", USER, "ca", "rsa:2048", "sha1");
    let refused = source(world.verify("sha1-signed").unwrap_err());
    assert!(
        matches!(
            refused,
            webpki::Error::UnsupportedSignatureAlgorithmContext(_)
        ),
        "{refused:?}"
    );
}

#[test]
fn revocation_lists_of_version_1_count() {
    let world = World::new();
    world.person("other", "/DC=ch/CN=Other User", "ca", "rsa:2048", "sha256");
    world.proxy(GRID, "rfc", "user", "-rfc");
    let authority = "ca -config openssl.cnf -cert ca.pem -keyfile ca.key";
    world.openssl(&format!("{authority} -revoke user.pem"), &[]);
    world.openssl(&format!("{authority} -gencrl -out v1.crl"), &[]);
    let text = world.openssl("crl -noout -text -in v1.crl", &[]);
    assert!(text.contains("Version 1 (0x0)"), "{text}");

    let files = [("ca.pem", "ca.pem"), ("v1.crl", "11111111.r0")];
    let check = |name, expired, now| world.verify_with(name, &files, expired, now).map(drop);
    let revoked = check("rfc", ExpiredCrl::Reject, now()).unwrap_err();
    assert_eq!(source(revoked), webpki::Error::CertRevoked);
    check("other", ExpiredCrl::Reject, now()).unwrap();
    let late = now() + 60 * DAY;
    let expired = source(check("other", ExpiredCrl::Reject, late).unwrap_err());
    assert!(
        matches!(expired, webpki::Error::CrlExpired { .. }),
        "{expired:?}"
    );
    check("other", ExpiredCrl::Accept, late).unwrap();
}

fn source(error: ChainError) -> webpki::Error {
    match error {
        ChainError::Path { source, .. } => source,
        other => panic!("{other}"),
    }
}
