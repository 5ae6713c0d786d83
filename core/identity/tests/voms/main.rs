//! VO attributes: what is believed, and everything that is not, each with its reason.

mod hostile;
mod malformed;
mod real;
#[allow(
    dead_code,
    reason = "each test program uses its own part of the support"
)]
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/tools.rs"]
mod tools;
mod world;

use causeway_identity::issue::{Credential, Extension};
use causeway_identity::principal::{self, IdentityRules};
use support::{HOUR, NOW, USER_DN, at, world as people};
use world::{FQANS, HOST, SERVER, SERVER_DN, Site, fields, proxy, proxy_with, server, signed};

#[test]
fn a_member_is_believed() {
    let site = Site::new();
    let found = site.read(&proxy(signed(|_| {})));
    assert!(found.refused.is_empty(), "{:?}", found.refused);
    assert_eq!(found.fqans(), FQANS);
    let membership = &found.accepted[0];
    assert_eq!(
        (membership.vo.as_str(), membership.server.as_str()),
        ("testvo", SERVER)
    );
    assert_eq!(membership.not_after, NOW + 12 * HOUR);
    assert_eq!(found.believed_until(), Some(NOW + 12 * HOUR + 300));
}

/// The principal as clients see it in `/whoami`.
#[test]
fn a_member_has_vos_roles_and_a_delegation_id_of_their_own() {
    let site = Site::new();
    let credential = proxy(signed(|_| {}));
    let chain = site.chain(&credential);
    let fqans = site.voms().attributes(&chain, at(NOW)).fqans();
    let caller = principal::of_chain(&chain, fqans, &IdentityRules::default(), &[]);
    assert_eq!(caller.user_dn, USER_DN);
    assert_eq!(caller.voms_cred, FQANS);
    assert_eq!(caller.vos, ["testvo", "testvo/prod"]);
    assert_eq!(caller.roles, ["production"]);
    assert!(caller.may("config", None, None));
    let plain = site.chain(&people().proxy());
    let plain = principal::of_chain(&plain, Vec::new(), &IdentityRules::default(), &[]);
    assert_eq!(plain.vos, ["TestUser@test.ch"]);
    assert_ne!(plain.delegation_id, caller.delegation_id);
    assert!(!plain.may("config", None, None));
}

#[test]
fn people_without_attributes_are_members_of_nothing() {
    let site = Site::new();
    for credential in [people().user.clone(), people().proxy()] {
        let found = site.read(&credential);
        assert!(found.accepted.is_empty() && found.refused.is_empty());
        assert_eq!(found.believed_until(), None);
    }
}

#[test]
fn attributes_survive_delegation_and_the_nearest_to_the_leaf_count() {
    let site = Site::new();
    let inner = proxy(signed(|_| {}));
    let delegated = people().proxy_with(&inner, |_| {});
    assert_eq!(site.read(&delegated).fqans(), FQANS);
    let later = signed(|fields| fields.fqans = vec!["/testvo/later".to_owned()]);
    let outer = people().proxy_with(&inner, |fields| {
        fields.extensions.push(Extension::vo_attributes(&[later]));
    });
    assert_eq!(site.read(&outer).fqans(), ["/testvo/later"]);
}

#[test]
fn one_wrapper_does_as_well_as_two() {
    let site = Site::new();
    let attributes = signed(|_| {});
    let mut value = vec![0x30, 0x82];
    value.extend_from_slice(&(attributes.len() as u16).to_be_bytes());
    value.extend_from_slice(&attributes);
    let extension = Extension::new("1.3.6.1.4.1.8005.100.100.5", false, value);
    assert_eq!(site.read(&proxy_with(extension)).fqans(), FQANS);
}

#[test]
fn several_vos_count_each_for_itself() {
    let site = Site::new();
    let good = signed(|_| {});
    let unknown = signed(|fields| {
        fields.vo = "othervo".to_owned();
        fields.fqans = vec!["/othervo".to_owned()];
    });
    let both = proxy_with(Extension::vo_attributes(&[unknown, good]));
    let found = site.read(&both);
    assert_eq!(found.fqans(), FQANS);
    assert_eq!(
        found.refused[0].to_string(),
        "verify vo attributes of othervo: the vomsdir names no issuer voms.example.org for this vo"
    );
    site.describe(
        "othervo",
        HOST,
        &format!("{SERVER_DN}\n{}\n", support::CA_DN),
    );
    let found = site.read(&both);
    assert_eq!(found.fqans()[0], "/othervo");
    assert_eq!(found.fqans().len(), 3);
}

/// Some servers bind to the proxy with which they were asked.
#[test]
fn attributes_may_be_bound_to_a_proxy_of_the_chain() {
    let site = Site::new();
    let inner = people().proxy();
    let validity = NOW - 60..NOW + HOUR;
    let of_proxy = server()
        .attributes(&inner.chain()[0], world::VO, SERVER, &["/testvo"], validity)
        .unwrap()
        .sign(server().key())
        .unwrap();
    let outer = people().proxy_with(&inner, |fields| {
        fields
            .extensions
            .push(Extension::vo_attributes(std::slice::from_ref(&of_proxy)));
    });
    assert_eq!(site.read(&outer).fqans(), ["/testvo"]);
    // The same person, by another proxy: not the holder.
    let other = people().proxy_with(&people().user, |fields| {
        fields.serial = vec![7];
        fields
            .extensions
            .push(Extension::vo_attributes(&[of_proxy]));
    });
    assert!(world::refusal(&site.read(&other)).contains("another certificate"));
}

#[test]
fn certificates_in_the_vomsdir_stand_in_for_descriptions() {
    let without = signed(|fields| fields.certificates.clear());
    for name in ["testvo/server.pem", "server.pem"] {
        let site = Site::empty();
        assert!(site.refusal(without.clone()).contains("names no issuer"));
        site.certificate(name, server());
        assert_eq!(site.read(&proxy(without.clone())).fqans(), FQANS, "{name}");
        assert_eq!(site.read(&proxy(signed(|_| {}))).fqans(), FQANS, "{name}");
    }
    let site = Site::empty();
    site.certificate("othervo/server.pem", server());
    assert!(site.refusal(without).contains("names no issuer"));
}

#[test]
fn an_intermediate_authority_may_stand_above_the_server() {
    let dn = "/DC=ch/DC=test/CN=Sub CA";
    let sub = people()
        .ca
        .subordinate(dn, NOW - HOUR, 1000 * HOUR)
        .unwrap();
    let own: Credential = sub
        .host(SERVER_DN, &[HOST], NOW - HOUR, 100 * HOUR)
        .unwrap();
    let mut fields = fields();
    fields.certificates = vec![own.chain()[0].clone(), sub.certificate().clone()];
    let attributes = fields.sign(own.key()).unwrap();
    let site = Site::empty();
    site.describe(
        "testvo",
        HOST,
        &format!("{SERVER_DN}\n{dn}\n{dn}\n{}\n", support::CA_DN),
    );
    assert_eq!(site.read(&proxy(attributes.clone())).fqans(), FQANS);
    // A description of the server alone does not cover what came along.
    site.describe("testvo", HOST, &format!("{SERVER_DN}\n{dn}\n"));
    assert!(
        site.refusal(attributes)
            .contains("is not what voms.example.org.lsc describes")
    );
}

#[test]
fn targets_name_this_service_or_none() {
    let site = Site::new();
    let to = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        signed(|fields| fields.targets = names)
    };
    let good = proxy(to(&["other.example.org", "FTS.example.org"]));
    assert_eq!(site.read(&good).fqans(), FQANS);
    assert!(
        site.refusal(to(&["other.example.org"]))
            .contains("for other services")
    );
}
