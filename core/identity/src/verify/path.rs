//! What is checked on a path that the library accepts: anchors, signing policies, old lists.

use rustls_pki_types::UnixTime;
use webpki::{Cert, VerifiedPath};

use super::{ChainError, ExpiredCrl, render};
use crate::anchors::TrustStore;
use crate::crl::Link;
use crate::der;

/// What the library leaves to us on a path it accepts: the anchor's validity, the signing policies,
/// and lists of version 1.
pub(super) fn check_path(
    store: &TrustStore,
    expired_crl: ExpiredCrl,
    subject: &str,
    path: &VerifiedPath<'_>,
    now: UnixTime,
) -> Result<(), ChainError> {
    if !store.is_anchor_valid(path.anchor(), now.as_secs()) {
        return Err(ChainError::AnchorExpired {
            subject: subject.to_owned(),
        });
    }
    let revoked = |source| ChainError::Path {
        subject: subject.to_owned(),
        source,
    };
    let mut signed: &Cert<'_> = path.end_entity();
    for authority in path.intermediate_certificates() {
        check_policy(store, authority.subject(), signed.subject())?;
        let key = authority.subject_public_key_info();
        check_plain_crls(store, expired_crl, signed, key.as_ref(), now).map_err(revoked)?;
        signed = authority;
    }
    let anchor = path.anchor();
    check_policy(store, &anchor.subject, signed.subject())?;
    let key = der::element(der::SEQUENCE, &anchor.subject_public_key_info);
    check_plain_crls(store, expired_crl, signed, &key, now).map_err(revoked)
}

fn check_plain_crls(
    store: &TrustStore,
    expired_crl: ExpiredCrl,
    signed: &Cert<'_>,
    issuer_key: &[u8],
    now: UnixTime,
) -> Result<(), webpki::Error> {
    let issuer = der::element(der::SEQUENCE, signed.issuer());
    let link = Link {
        serial: signed.serial(),
        issuer: &issuer,
        issuer_key,
    };
    store
        .plain_crls
        .iter()
        .try_for_each(|crl| crl.check(&link, expired_crl, now))
}

/// Both names come from the path library, which hands them out without their outer element.
fn check_policy(store: &TrustStore, authority: &[u8], subject: &[u8]) -> Result<(), ChainError> {
    let authority = render(&der::element(der::SEQUENCE, authority))?;
    let subject = render(&der::element(der::SEQUENCE, subject))?;
    if store.policies.allows(&authority, &subject) {
        return Ok(());
    }
    Err(ChainError::SigningPolicy { subject, authority })
}
