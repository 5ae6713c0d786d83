//! Draft and legacy proxies, and chains that mix generations.

use causeway_identity::dn;
use causeway_identity::issue::{Credential, Extension};

use crate::case::{case, check_all};
use crate::chains::{DRAFT_INFO, issued, with_extensions};
use crate::support::{NOW, USER_DN, World, world};

#[test]
fn older_generations_of_proxies() {
    let world = world();
    let legacy = |name: &str| {
        let subject = dn::encode(&format!("{USER_DN}/CN={name}")).unwrap();
        world.proxy_with(&world.user, |fields| {
            fields.subject = subject;
            fields.extensions.clear();
        })
    };
    let draft_value = vec![
        0x30, 0x0c, 0x30, 0x0a, 0x06, 0x08, 0x2b, 6, 1, 5, 5, 7, 21, 1,
    ];
    let draft = with_extensions(world, vec![Extension::new(DRAFT_INFO, true, draft_value)]);
    let second_legacy = world.proxy_with(&legacy("proxy"), |fields| {
        fields.subject = dn::encode(&format!("{USER_DN}/CN=proxy/CN=proxy")).unwrap();
        fields.extensions.clear();
    });
    let rfc_below_legacy = world.proxy_with(&legacy("proxy"), |_| {});
    let legacy_below_rfc = {
        let parent = world.proxy();
        let name = format!("{USER_DN}/CN={NOW}/CN=proxy");
        world.proxy_with(&parent, |fields| {
            fields.subject = dn::encode(&name).unwrap();
            fields.extensions.clear();
        })
    };
    let old_generation = "openssl knows RFC 3820 proxies only";
    check_all(vec![
        case("legacy proxy", &legacy("proxy"), true).differs(old_generation),
        case("limited legacy proxy", &legacy("limited proxy"), true).differs(old_generation),
        case("two legacy proxies", &second_legacy, true).differs(old_generation),
        case("draft proxy", &draft, true).differs(old_generation),
        case("legacy proxy by another name", &legacy("proxy2"), false),
        case("rfc proxy below a legacy one", &rfc_below_legacy, false),
        case("legacy proxy below an rfc one", &legacy_below_rfc, false),
        case(
            "person whom the authority calls proxy",
            &called_proxy(world),
            true,
        ),
    ]);
}

/// A CA may well have a user whose last name is "proxy".
fn called_proxy(world: &World) -> Credential {
    issued(world, |fields| {
        fields.subject = dn::encode("/DC=ch/DC=test/CN=proxy").unwrap()
    })
}
