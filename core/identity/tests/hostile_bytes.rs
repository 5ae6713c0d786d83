//! Arbitrary and damaged bytes: an answer, never a panic.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use causeway_identity::anchors::TrustDirectory;
use causeway_identity::issue::{
    Authority, Credential, DAY, Extension, ProxyOptions, write_trust_directory,
};
use causeway_identity::verify::Verifier;
use causeway_identity::voms::{self, Attributes, VomsDirectory, VomsVerifier};
use causeway_identity::{dn, fqan, pki};
use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_assert, prop_oneof, proptest};
use rustls_pki_types::{CertificateDer, UnixTime};

const NOW: u64 = 1_800_000_000;

struct World {
    verifier: Verifier,
    chain: Vec<CertificateDer<'static>>,
    user: Credential,
    /// A good list of attributes of the user.
    attributes: Vec<u8>,
    site: tempfile::TempDir,
    _trust: tempfile::TempDir,
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let trust = tempfile::tempdir().unwrap();
        let ca = Authority::new("/DC=ch/CN=CA", NOW - DAY, 30 * DAY).unwrap();
        write_trust_directory(trust.path(), &ca).unwrap();
        let user = ca.user("/DC=ch/CN=User", NOW - DAY, 20 * DAY).unwrap();
        let proxy = user.proxy(ProxyOptions::lasting(DAY), NOW).unwrap();
        let verifier = Verifier::new(Arc::new(TrustDirectory::open(trust.path()).unwrap()));
        let server = ca
            .host("/DC=ch/CN=voms", &["voms"], NOW - DAY, 20 * DAY)
            .unwrap();
        let site = tempfile::tempdir().unwrap();
        std::fs::create_dir(site.path().join("vo")).unwrap();
        std::fs::write(
            site.path().join("vo/voms.lsc"),
            "/DC=ch/CN=voms\n/DC=ch/CN=CA\n",
        )
        .unwrap();
        let said = server.attributes(&user.chain()[0], "vo", "voms:1", &["/vo"], NOW..NOW + DAY);
        let said = said.unwrap().sign(server.key()).unwrap();
        let mut attributes = vec![0x30, 0x82];
        attributes.extend_from_slice(&(said.len() as u16).to_be_bytes());
        attributes.extend_from_slice(&said);
        World {
            verifier,
            chain: proxy.chain().to_vec(),
            user,
            attributes,
            site,
            _trust: trust,
        }
    })
}

fn now() -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(NOW))
}

fn pem(der: &[u8]) -> Vec<u8> {
    pki::chain_to_pem(&[CertificateDer::from(der)]).into_bytes()
}

/// What the holder of the chain brings, with a list of attributes as it is given here.
fn with_extension(value: &[u8]) -> Attributes {
    let World { user, site, .. } = world();
    let key = user.key().public_key();
    let mut fields = user
        .proxy_fields(key, ProxyOptions::lasting(DAY), NOW)
        .unwrap();
    let extension = Extension::new("1.3.6.1.4.1.8005.100.100.5", false, value.to_vec());
    fields.extensions.push(extension);
    let proxy = user.proxy_from(&fields, user.key().clone()).unwrap();
    let chain = world().verifier.verify(proxy.chain(), now()).unwrap();
    let directory = Arc::new(VomsDirectory::open(site.path()));
    VomsVerifier::new(directory, world().verifier.clone()).attributes(&chain, now())
}

/// Bytes that look like DER more often than chance would have it.
fn der_like() -> impl Strategy<Value = Vec<u8>> {
    let tags = prop_oneof![
        Just(0x30_u8),
        Just(0x31),
        Just(0x06),
        Just(0x0c),
        Just(0xa0),
        any::<u8>()
    ];
    vec((tags, vec(any::<u8>(), 0..20)), 0..12).prop_map(|parts| {
        parts.into_iter().fold(Vec::new(), |inner, (tag, content)| {
            let body = [content, inner].concat();
            let mut out = vec![tag, 0x82, (body.len() >> 8) as u8, body.len() as u8];
            out.extend_from_slice(&body);
            out
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn names_of_any_bytes(bytes in prop_oneof![vec(any::<u8>(), 0..200), der_like()]) {
        if let Ok(text) = dn::render(&bytes) {
            prop_assert!(text.bytes().all(|byte| (0x20..=0x7e).contains(&byte)));
        }
    }

    #[test]
    fn chains_of_any_bytes(bytes in prop_oneof![vec(any::<u8>(), 0..400), der_like()]) {
        prop_assert!(pki::parse_chain_pem(&bytes).is_err());
        prop_assert!(pki::parse_chain_pem(&pem(&bytes)).is_err());
        prop_assert!(world().verifier.verify(&[CertificateDer::from(bytes)], now()).is_err());
    }

    #[test]
    fn texts_of_any_kind(text in "\\PC{0,80}", raw in any::<String>()) {
        for text in [&text, &raw] {
            let normal = dn::normalise(text);
            prop_assert!(normal.is_empty() || normal.starts_with('/'));
            if let Ok(name) = dn::encode(text) {
                prop_assert!(dn::render(&name).is_ok());
            }
            let _unused = (fqan::vo_of(text), fqan::role_of(text), fqan::virtual_vo(text), fqan::VoMap::parse(text).is_ok());
        }
    }

    /// One byte of one certificate changed anywhere: no panic, and never another identity.
    #[test]
    fn damaged_certificates(which in 0_usize..2, at in any::<proptest::sample::Index>(), flip in 1_u8..) {
        let mut chain = world().chain.clone();
        let mut bytes = chain[which].to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        chain[which] = CertificateDer::from(bytes);
        prop_assert!(world().verifier.verify(&chain, now()).is_err(), "byte {} of {}", at, which);
    }

    /// In a proxy, and as the answer of a server.
    #[test]
    fn attributes_of_any_bytes(bytes in prop_oneof![vec(any::<u8>(), 0..400), der_like()]) {
        let found = with_extension(&bytes);
        prop_assert!(found.accepted.is_empty() && !found.refused.is_empty());
        let chain = world().verifier.verify(&world().chain, now()).unwrap();
        prop_assert!(voms::read_answer(&bytes, &chain).is_err());
    }

    /// One byte changed anywhere: no panic, and nothing is believed.
    #[test]
    fn damaged_attributes(at in any::<proptest::sample::Index>(), flip in 1_u8..) {
        let mut bytes = world().attributes.clone();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        let found = with_extension(&bytes);
        prop_assert!(found.accepted.is_empty(), "byte {} of {}", at, bytes.len());
    }
}

#[test]
fn the_undamaged_attributes_are_good() {
    assert_eq!(with_extension(&world().attributes).fqans(), ["/vo"]);
}

#[test]
fn the_undamaged_chain_is_good() {
    let chain = world().verifier.verify(&world().chain, now()).unwrap();
    assert_eq!(chain.user_dn(), "/DC=ch/CN=User");
}
