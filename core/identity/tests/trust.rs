//! What the trust directory decides: signing policies, several revocation lists, reloads.

#[allow(
    dead_code,
    reason = "each test program uses its own part of the support"
)]
mod support;

use std::path::Path;
use std::sync::Arc;

use causeway_identity::anchors::TrustDirectory;
use causeway_identity::issue::DAY;
use causeway_identity::verify::{ChainError, ExpiredCrl, Verifier};
use support::{CA_DN, HOUR, NOW, USER_DN, at, trust_directory, verifier, world};

fn set_policy(directory: &Path, subjects: &str) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "signing_policy")
        {
            std::fs::remove_file(path).unwrap();
        }
    }
    let text = format!(
        "access_id_CA X509 '{CA_DN}'\npos_rights globus CA:sign\ncond_subjects globus '{subjects}'\n"
    );
    std::fs::write(directory.join("ca.signing_policy"), text).unwrap();
}

#[test]
fn signing_policies_bind_their_authority() {
    let trust = trust_directory(&[&world().ca]);
    for (subjects, good) in [
        ("\"/DC=ch/DC=test/*\"", true),
        ("\"/DC=org/*\" \"/DC=ch/DC=test/OU=Users/*\"", true),
        ("\"/DC=org/*\"", false),
        ("", false),
    ] {
        set_policy(trust.path(), subjects);
        let verdict = verifier(trust.path()).verify(world().proxy().chain(), at(NOW));
        match verdict {
            Ok(_) => assert!(good, "{subjects}"),
            Err(ChainError::SigningPolicy { subject, authority }) => {
                assert!(!good, "{subjects}");
                assert_eq!((subject.as_str(), authority.as_str()), (USER_DN, CA_DN));
            }
            Err(other) => panic!("{subjects}: {other}"),
        }
    }
}

#[test]
fn the_newest_list_of_an_authority_counts() {
    let trust = trust_directory(&[&world().ca]);
    let own = &world().user.chain()[0];
    let old = world()
        .ca
        .crl(&[own], NOW - 10 * DAY, NOW - 5 * DAY)
        .unwrap();
    let new = world().ca.crl(&[], NOW - DAY, NOW + DAY).unwrap();
    std::fs::write(trust.path().join("aaaaaaaa.r0"), &old).unwrap();
    let check = |expired| {
        let directory = TrustDirectory::open(trust.path()).unwrap();
        Verifier::new(Arc::new(directory))
            .with_expired_crl(expired)
            .verify(world().user.chain(), at(NOW))
    };
    assert!(check(ExpiredCrl::Reject).is_err());
    assert!(matches!(
        check(ExpiredCrl::Accept),
        Err(ChainError::Path {
            source: webpki::Error::CertRevoked,
            ..
        })
    ));
    std::fs::write(trust.path().join("aaaaaaaa.r1"), &new).unwrap();
    assert!(check(ExpiredCrl::Reject).is_ok());
}

#[test]
fn a_verifier_follows_reloads() {
    let trust = trust_directory(&[&world().ca]);
    let directory = Arc::new(TrustDirectory::open(trust.path()).unwrap());
    let verifier = Verifier::new(Arc::clone(&directory));
    assert!(verifier.verify(world().user.chain(), at(NOW)).is_ok());
    let crl = world()
        .ca
        .crl(&[&world().user.chain()[0]], NOW - DAY, NOW + DAY)
        .unwrap();
    std::fs::write(trust.path().join("aaaaaaaa.r0"), crl).unwrap();
    directory.reload().unwrap();
    assert!(verifier.verify(world().user.chain(), at(NOW)).is_err());
    assert!(verifier.verify(world().other.chain(), at(NOW)).is_ok());
}

#[test]
fn the_end_of_an_identity_is_the_earliest_of_its_path() {
    let trust = trust_directory(&[&world().ca]);
    let verifier = verifier(trust.path());
    let chain = verifier.verify(world().proxy().chain(), at(NOW)).unwrap();
    assert_eq!(chain.not_after(), NOW + 12 * HOUR);
    let end = chain.not_after();
    assert!(verifier.verify(world().proxy().chain(), at(end)).is_ok());
    assert!(
        verifier
            .verify(world().proxy().chain(), at(end + 1))
            .is_err()
    );
    let plain = verifier.verify(world().user.chain(), at(NOW)).unwrap();
    assert_eq!(plain.not_after(), NOW + 290 * DAY);
    assert!(plain.proxy_style().is_none() && !plain.is_limited());
}

#[test]
fn empty_and_endless_chains() {
    let trust = trust_directory(&[&world().ca]);
    let verifier = verifier(trust.path());
    assert!(matches!(
        verifier.verify(&[], at(NOW)),
        Err(ChainError::Empty)
    ));
    let endless = vec![world().user.chain()[0].clone(); 33];
    assert!(matches!(
        verifier.verify(&endless, at(NOW)),
        Err(ChainError::TooLong)
    ));
}

/// Twelve proxies of proxies: deeper than the usual limit of TLS libraries.
#[test]
fn long_chains_of_proxies() {
    let trust = trust_directory(&[&world().ca]);
    let mut credential = world().user.clone();
    for _ in 0..12 {
        credential = world().proxy_with(&credential, |_| {});
    }
    let chain = verifier(trust.path())
        .verify(credential.chain(), at(NOW))
        .unwrap();
    assert_eq!((chain.user_dn(), chain.dns().len()), (USER_DN, 13));
}
