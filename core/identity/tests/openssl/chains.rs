//! Chains that differ from a good one in one point.

use causeway_identity::issue::{CertificateFields, Credential, DAY, DIGITAL_SIGNATURE, Extension};
use rustls_pki_types::CertificateDer;

use crate::support::{NOW, USER_DN, World};

pub(super) const LIMITED: &str = "1.3.6.1.4.1.3536.1.1.1.9";
pub(super) const INHERIT_ALL: &str = "1.3.6.1.5.5.7.21.1";
pub(super) const INDEPENDENT: &str = "1.3.6.1.5.5.7.21.2";
pub(super) const DRAFT_INFO: &str = "1.3.6.1.4.1.3536.1.222";

/// A proxy of the user with its extensions replaced.
pub(super) fn with_extensions(world: &World, extensions: Vec<Extension>) -> Credential {
    world.proxy_with(&world.user, |fields| fields.extensions = extensions)
}

pub(super) fn policy(language: &str, path_length: Option<u8>) -> Vec<Extension> {
    vec![
        Extension::proxy_info(language, path_length),
        Extension::key_usage(DIGITAL_SIGNATURE),
    ]
}

/// A certificate of the CA on the user's key.
pub(super) fn issued(world: &World, change: impl FnOnce(&mut CertificateFields)) -> Credential {
    let key = world.user.key();
    let mut fields = world
        .ca
        .person_fields(USER_DN, key.public_key(), NOW - 10 * DAY, 300 * DAY)
        .unwrap();
    change(&mut fields);
    world.ca.credential(&fields, key.clone()).unwrap()
}

pub(super) fn joined(
    first: &Credential,
    more: &[&CertificateDer<'static>],
) -> Vec<CertificateDer<'static>> {
    first
        .chain()
        .iter()
        .chain(more.iter().copied())
        .cloned()
        .collect()
}
