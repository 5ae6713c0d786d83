//! Revocation lists.

use causeway_identity::issue::{Authority, DAY, IssuingKey};
use rustls_pki_types::CertificateDer;

use crate::case::{Case, case, check_all};
use crate::support::{NOW, world};

#[test]
fn revocation() {
    let world = world();
    let (ca, proxy) = (&world.ca, world.proxy());
    let own = &world.user.chain()[0];
    let others = &world.other.chain()[0];
    let list =
        |revoked: &[&CertificateDer<'_>], from: u64, to: u64| ca.crl(revoked, from, to).unwrap();
    let forged = {
        let namesake = Authority::from_parts(
            ca.certificate().clone(),
            IssuingKey::generate_rsa(2048).unwrap(),
        );
        namesake.crl(&[], NOW - DAY, NOW + DAY).unwrap()
    };
    check_all(vec![
        case("clean list", &world.user, true).with_crl(&list(&[others], NOW - DAY, NOW + DAY)),
        case("revoked person", &world.user, false).with_crl(&list(
            &[others, own],
            NOW - DAY,
            NOW + DAY,
        )),
        case("proxy, clean list", &proxy, true).with_crl(&list(&[others], NOW - DAY, NOW + DAY)),
        case("proxy of a revoked person", &proxy, false).with_crl(&list(
            &[own],
            NOW - DAY,
            NOW + DAY,
        )),
        case("expired list", &world.user, false).with_crl(&list(
            &[others],
            NOW - 2 * DAY,
            NOW - DAY,
        )),
        case("list signed by another key", &world.user, false).with_crl(&forged),
        Case {
            checks_crls: true,
            ..case("no list at all", &world.user, true)
        }
        .differs("a CA without a list is accepted"),
    ]);
}
