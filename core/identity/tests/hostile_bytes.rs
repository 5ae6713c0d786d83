//! Arbitrary and damaged bytes: an answer, never a panic.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use causeway_identity::anchors::TrustDirectory;
use causeway_identity::issue::{Authority, DAY, ProxyOptions, write_trust_directory};
use causeway_identity::verify::Verifier;
use causeway_identity::{dn, fqan, pki};
use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_assert, prop_oneof, proptest};
use rustls_pki_types::{CertificateDer, UnixTime};

const NOW: u64 = 1_800_000_000;

struct World {
    verifier: Verifier,
    chain: Vec<CertificateDer<'static>>,
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
        World {
            verifier,
            chain: proxy.chain().to_vec(),
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
}

#[test]
fn the_undamaged_chain_is_good() {
    let chain = world().verifier.verify(&world().chain, now()).unwrap();
    assert_eq!(chain.user_dn(), "/DC=ch/CN=User");
}
