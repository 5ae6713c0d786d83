//! People and the authorities above them.

use causeway_identity::issue::{Authority, CRL_SIGN, Credential, DAY, Extension, KEY_CERT_SIGN};
use causeway_identity::pki::chain_to_pem;

use crate::case::{Case, case, check_all};
use crate::chains::{issued, joined};
use crate::support::{self, NOW, USER_DN, world};

#[test]
fn plain_certificates() {
    let world = world();
    let stranger = Authority::new("/DC=ch/DC=test/CN=Stranger", NOW - DAY, 100 * DAY).unwrap();
    let namesake = Authority::new(support::CA_DN, NOW - DAY, 100 * DAY).unwrap();
    let of_stranger = stranger.user(USER_DN, NOW - DAY, 10 * DAY).unwrap();
    let of_namesake = namesake.user(USER_DN, NOW - DAY, 10 * DAY).unwrap();
    let self_signed = {
        let mut fields = world
            .ca
            .person_fields(USER_DN, world.user.key().public_key(), NOW - DAY, 10 * DAY)
            .unwrap();
        fields.issuer = fields.subject.clone();
        fields.extensions.pop();
        Credential::from_pem(
            chain_to_pem(&[fields.sign(world.user.key()).unwrap()]).as_bytes(),
            world.user.key_pem().expose().as_bytes(),
        )
        .unwrap()
    };
    let server_only = issued(world, |fields| {
        fields
            .extensions
            .push(Extension::extended_key_usage(&["1.3.6.1.5.5.7.3.1"]))
    });
    let client_only = issued(world, |fields| {
        fields
            .extensions
            .push(Extension::extended_key_usage(&["1.3.6.1.5.5.7.3.2"]))
    });
    let strange = issued(world, |fields| {
        fields
            .extensions
            .push(Extension::new("1.2.3.4", true, vec![5, 0]))
    });
    let bare = issued(world, |fields| fields.extensions.clear());
    check_all(vec![
        case("a good certificate", &world.user, true),
        Case {
            chain: joined(&world.user, &[world.ca.certificate()]),
            ..case("with its root", &world.user, true)
        },
        case("version 3 without extensions", &bare, true),
        case("for clients", &client_only, true),
        case("for servers only", &server_only, false),
        case("unknown critical extension", &strange, false),
        case("not yet valid", &world.user, false).at(NOW - 11 * DAY),
        case("expired", &world.user, false).at(NOW + 291 * DAY),
        case("of an unknown authority", &of_stranger, false),
        case("of an authority with the same name", &of_namesake, false),
        case("no authority at all", &world.user, false).trusting(&[]),
        case("self-signed", &self_signed, false),
    ]);
}

#[test]
fn authorities() {
    let world = world();
    let old_root = Authority::new("/DC=ch/DC=test/CN=Old Root", NOW - 100 * DAY, 50 * DAY).unwrap();
    let of_old_root = old_root.user(USER_DN, NOW - 90 * DAY, 200 * DAY).unwrap();
    let middle = world
        .ca
        .subordinate("/DC=ch/DC=test/CN=Middle", NOW - 50 * DAY, 100 * DAY)
        .unwrap();
    let of_middle = middle.user(USER_DN, NOW - DAY, 200 * DAY).unwrap();
    let with_middle = joined(&of_middle, &[middle.certificate()]);
    let pretender = issued(world, |fields| {
        fields.extensions[1] = Extension::key_usage(KEY_CERT_SIGN | CRL_SIGN)
    });
    let by_pretender = {
        let own = Authority::from_parts(pretender.chain()[0].clone(), pretender.key().clone());
        let mut fields = own
            .person_fields(
                "/DC=ch/CN=Victim",
                world.spare.public_key(),
                NOW - DAY,
                10 * DAY,
            )
            .unwrap();
        fields.extensions.pop();
        let mut chain = own
            .credential(&fields, world.spare.clone())
            .unwrap()
            .chain()
            .to_vec();
        chain.push(pretender.chain()[0].clone());
        chain
    };
    check_all(vec![
        case("expired root", &of_old_root, false).trusting(&[&old_root]),
        case("root valid then", &of_old_root, true)
            .trusting(&[&old_root])
            .at(NOW - 80 * DAY),
        Case {
            chain: with_middle.clone(),
            ..case("intermediate presented", &of_middle, true)
        },
        case("intermediate missing", &of_middle, false),
        case("intermediate in the directory", &of_middle, true).trusting(&[&world.ca, &middle]),
        case(
            "intermediate in the directory without its root",
            &of_middle,
            false,
        )
        .trusting(&[&middle]),
        Case {
            chain: with_middle,
            ..case("expired intermediate", &of_middle, false)
        }
        .at(NOW + 60 * DAY),
        Case {
            chain: by_pretender,
            ..case("person acting as authority", &world.user, false)
        },
    ]);
}
