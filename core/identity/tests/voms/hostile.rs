//! Attributes that must not be believed. The holder stays who they are in every case.

use causeway_identity::issue::{Authority, DAY, Extension, IssuingKey};

use crate::support::{CA_DN, HOUR, NOW, at, world};
use crate::world::{HOST, SERVER_DN, Site, VO, fields, proxy, server, signed};

const DESCRIBED: &str = "issued by /DC=ch/DC=test/OU=Hosts/CN=voms.example.org, which is not what \
                         voms.example.org.lsc describes";

#[test]
fn time_is_up_or_has_not_come() {
    let site = Site::new();
    for (begins, ends, expected) in [
        (NOW - HOUR, NOW - 301, "expired"),
        (NOW + 301, NOW + HOUR, "not yet valid"),
    ] {
        let attributes = signed(|fields| {
            fields.not_before = begins;
            fields.not_after = ends;
        });
        let expected = format!("verify vo attributes of testvo: {expected}");
        assert_eq!(site.refusal(attributes), expected);
    }
    for (begins, ends) in [(NOW - HOUR, NOW - 300), (NOW + 300, NOW + HOUR)] {
        let attributes = signed(|fields| {
            fields.not_before = begins;
            fields.not_after = ends;
        });
        assert_eq!(site.read(&proxy(attributes)).accepted.len(), 1);
    }
}

#[test]
fn another_holder() {
    let site = Site::new();
    let expected = "verify vo attributes of testvo: they belong to another certificate";
    let of_other = fields();
    let other = server()
        .attributes(
            &world().other.chain()[0],
            VO,
            "voms.example.org:1",
            &[],
            NOW..NOW + HOUR,
        )
        .unwrap();
    for (issuer, serial) in [
        (of_other.holder_name, other.holder_serial),
        (of_other.issuer, of_other.holder_serial),
    ] {
        let attributes = signed(|fields| {
            fields.holder_name = issuer;
            fields.holder_serial = serial;
        });
        assert_eq!(site.refusal(attributes), expected);
    }
}

#[test]
fn nobody_or_somebody_else_speaks_for_the_vo() {
    let missing = Site::empty();
    let unknown =
        "verify vo attributes of testvo: the vomsdir names no issuer voms.example.org for this vo";
    assert_eq!(missing.refusal(signed(|_| {})), unknown);
    // Of another VO, of another host: as if there were none.
    missing.describe("othervo", HOST, &format!("{SERVER_DN}\n{CA_DN}\n"));
    missing.describe(VO, "other.example.org", &format!("{SERVER_DN}\n{CA_DN}\n"));
    assert_eq!(missing.refusal(signed(|_| {})), unknown);
    for lines in [
        format!("/DC=ch/DC=test/CN=other\n{CA_DN}\n"),
        format!("{SERVER_DN}\n/DC=ch/DC=test/CN=Other CA\n"),
        format!("{CA_DN}\n{SERVER_DN}\n"),
    ] {
        let wrong = Site::empty();
        wrong.describe(VO, HOST, &lines);
        assert!(
            wrong.refusal(signed(|_| {})).ends_with(DESCRIBED),
            "{lines}"
        );
    }
}

/// Somebody else signs in the server's name: with the server's certificate, or with one of their own
/// that has the server's name.
#[test]
fn somebody_else_signs() {
    let site = Site::new();
    let forged = fields().sign(&world().spare).unwrap();
    let expected = "verify vo attributes of testvo: signature does not match the issuer's key";
    assert_eq!(site.refusal(forged), expected);

    let rogue = Authority::new(CA_DN, NOW - DAY, 30 * DAY).unwrap();
    let own = rogue.host(SERVER_DN, &[HOST], NOW - DAY, 20 * DAY).unwrap();
    let mut claimed = fields();
    claimed.certificates = own.chain().to_vec();
    let text = site.refusal(claimed.sign(own.key()).unwrap());
    assert!(
        text.starts_with(&format!(
            "verify vo attributes of testvo: verify certificate {SERVER_DN}: "
        )),
        "{text}"
    );
    // To lie in the vomsdir is no substitute for an authority either.
    let pinned = Site::empty();
    pinned.certificate("testvo/rogue.pem", &own);
    claimed.certificates.clear();
    let text = pinned.refusal(claimed.sign(own.key()).unwrap());
    assert!(text.contains("verify certificate"), "{text}");
}

/// A person of the same authority is not the server, whatever they write.
#[test]
fn a_person_signs() {
    let site = Site::new();
    let person = &world().other;
    let mut claimed = fields();
    claimed.certificates = person.chain().to_vec();
    let text = site.refusal(claimed.sign(person.key()).unwrap());
    assert!(
        text.contains("issued by /DC=ch/DC=test/OU=Users/CN=Somebody Else"),
        "{text}"
    );
    // The chain is the server's, the signature and the name are not.
    claimed.certificates = server().chain().to_vec();
    claimed.issuer = person_name();
    let text = site.refusal(claimed.sign(server().key()).unwrap());
    assert!(text.contains("signature does not match"), "{text}");
}

fn person_name() -> Vec<u8> {
    let person = world()
        .other
        .attributes(&world().user.chain()[0], VO, "h:1", &[], 0..1);
    person.unwrap().issuer
}

#[test]
fn the_servers_certificate_is_over_revoked_or_for_other_things() {
    let ca = &world().ca;
    let key = IssuingKey::generate_rsa(2048).unwrap();
    let with = |change: &dyn Fn(&mut causeway_identity::issue::CertificateFields)| {
        let mut own = ca
            .person_fields(SERVER_DN, key.public_key(), NOW - 9 * DAY, 90 * DAY)
            .unwrap();
        change(&mut own);
        let own = ca.credential(&own, key.clone()).unwrap();
        let mut attributes = fields();
        attributes.certificates = own.chain().to_vec();
        (attributes.sign(&key).unwrap(), own)
    };
    let site = Site::new();
    let (good, own) = with(&|_| {});
    assert_eq!(site.read(&proxy(good.clone())).accepted.len(), 1);
    // For servers of TLS only, as many certificates of hosts are.
    let (hosts_only, _) = with(&|own| {
        own.extensions
            .push(Extension::extended_key_usage(&["1.3.6.1.5.5.7.3.1"]));
    });
    assert_eq!(site.read(&proxy(hosts_only)).accepted.len(), 1);

    let (over, _) = with(&|own| own.not_after = NOW - 1);
    let text = site.refusal(over);
    assert!(text.contains("verify certificate"), "{text}");
    let (no_signing, _) = with(&|own| {
        own.extensions.truncate(1);
        own.extensions.push(Extension::key_usage(
            causeway_identity::issue::KEY_ENCIPHERMENT,
        ));
    });
    let text = site.refusal(no_signing);
    assert!(text.contains("key usage lacks digitalSignature"), "{text}");

    let crl = ca.crl(&[&own.chain()[0]], NOW - DAY, NOW + DAY).unwrap();
    std::fs::write(site.trust().join("aaaaaaaa.r0"), crl).unwrap();
    let text = site.refusal(good);
    assert!(text.contains("verify certificate"), "{text}");
    // And the person is still who they are.
    assert!(
        site.verifier()
            .verify(world().user.chain(), at(NOW))
            .is_ok()
    );
}

/// Every byte of a name counts.
#[test]
fn a_tampered_attribute() {
    let site = Site::new();
    let good = signed(|_| {});
    let role = b"Role=production";
    let place = good.windows(role.len()).position(|it| it == role).unwrap();
    let mut tampered = good;
    tampered[place + role.len() - 1] ^= 1;
    let expected = "verify vo attributes of testvo: signature does not match the issuer's key";
    assert_eq!(site.refusal(tampered), expected);
}

#[test]
fn names_of_other_vos() {
    let site = Site::new();
    for foreign in ["/othervo/Role=lcgadmin", "/testvo2", "testvo", "/", ""] {
        let attributes = signed(|fields| fields.fqans.push(foreign.to_owned()));
        let expected = format!("verify vo attributes of testvo: {foreign:?} is not within the vo");
        assert_eq!(site.refusal(attributes), expected);
    }
    for odd in ["/testvo/a b", "/testvo/\n", "/testvo/\u{e9}"] {
        let attributes = signed(|fields| fields.fqans.push(odd.to_owned()));
        assert_eq!(
            site.refusal(attributes),
            "read vo attributes: an attribute is not plain text"
        );
    }
}

#[test]
fn critical_extensions_that_nobody_understands() {
    let site = Site::new();
    let with = |is_critical| {
        signed(|fields| {
            fields
                .extensions
                .push(Extension::new("1.2.3.4", is_critical, vec![5, 0]));
        })
    };
    assert_eq!(
        site.refusal(with(true)),
        "verify vo attributes of testvo: critical extension 1.2.3.4 is not supported"
    );
    assert_eq!(site.read(&proxy(with(false))).accepted.len(), 1);
    let twice = signed(|fields| {
        for _ in 0..2 {
            fields
                .extensions
                .push(Extension::new("1.2.3.4", false, vec![5, 0]));
        }
    });
    assert_eq!(
        site.refusal(twice),
        "read vo attributes: an extension occurs twice"
    );
}

#[test]
fn servers_are_named_as_vo_host_and_port() {
    let site = Site::new();
    for (vo, name) in [
        ("", "h:1"),
        ("testvo", "h"),
        ("testvo", ":1"),
        ("test vo", "h:1"),
    ] {
        let attributes = signed(|fields| {
            fields.vo = vo.to_owned();
            fields.server = name.to_owned();
        });
        assert_eq!(
            site.refusal(attributes),
            "read vo attributes: the granting server is not of the form vo://host:port"
        );
    }
    // A VO that would be a path somewhere else is looked up as a name, and not found.
    let attributes = signed(|fields| {
        fields.vo = "../testvo".to_owned();
        fields.fqans = vec!["/../testvo".to_owned()];
    });
    assert!(site.refusal(attributes).contains("names no issuer"));
}
