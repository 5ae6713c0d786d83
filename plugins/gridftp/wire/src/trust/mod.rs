//! Offers [`Trust`]: which certificate authorities are believed, read from directories in the grid's
//! layout (`HASH.0`, `HASH.r0`, `HASH.signing_policy`) or from PEM files. Cheap to clone.
//!
//! Chains are judged in three steps: proxies are peeled off (`x509::chain`), the end-entity
//! certificate goes to the path library with anchors and revocation lists, then the signing
//! policies are applied to the path that was found.

mod reading;

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{
    CertRevocationList, EndEntityCert, ExpirationPolicy, ExtendedKeyUsageValidator,
    KeyPurposeIdIter, KeyUsage, RevocationOptions, RevocationOptionsBuilder, UnknownStatusPolicy,
    VerifiedPath,
};

use crate::credential::MAX_CHAIN;
use crate::x509::policy::SigningPolicies;
use crate::x509::{Certificate, chain, der, dn, signature};
use crate::{Error, ErrorKind, Result};

/// Shortest RSA key accepted for a person or a host.
const MIN_RSA_BITS: usize = 2048;

/// Certificate authorities, revocation lists and signing policies.
#[derive(Debug, Clone)]
pub struct Trust(Arc<Store>);

#[derive(Debug, Default)]
struct Store {
    anchors: Vec<TrustAnchor<'static>>,
    /// Validity of each anchor, which the path library does not look at.
    windows: Vec<(u64, u64)>,
    intermediates: Vec<CertificateDer<'static>>,
    crls: Vec<CertRevocationList<'static>>,
    plain_crls: Vec<reading::PlainCrl>,
    policies: SigningPolicies,
}

/// For which end of a connection a certificate must be good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To be connected to on the control channel.
    Server,
    /// For either end: on data channels people accept connections and hosts open them.
    Either,
}

impl ExtendedKeyUsageValidator for Purpose {
    fn validate(&self, iter: KeyPurposeIdIter<'_, '_>) -> std::result::Result<(), webpki::Error> {
        match self {
            Self::Server => KeyUsage::server_auth().validate(iter),
            // Whatever they are, they must be readable.
            Self::Either => {
                let mut iter = iter;
                iter.try_for_each(|purpose| purpose.map(drop))
            }
        }
    }
}

impl Trust {
    /// Reads directories and PEM files. Single files of a directory that cannot be read are left
    /// out: one broken CA does not stop the others.
    ///
    /// # Errors
    /// [`ErrorKind::BadCredential`] when a path cannot be read, or when there is no CA at all.
    pub fn read(paths: &[&Path]) -> Result<Self> {
        let mut reading = reading::Reading::default();
        for path in paths {
            reading.path(path).map_err(|source| {
                let text = format!("read {}: {source}", path.display());
                Error::new(ErrorKind::BadCredential, text)
            })?;
        }
        let store = reading.finish();
        if store.anchors.is_empty() {
            let text = "trust any server: no certificate authority was found";
            return Err(Error::new(ErrorKind::BadCredential, text));
        }
        Ok(Self(Arc::new(store)))
    }

    /// True for two handles of what was read at once.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Judges a presented chain, leaf first. Answers with the index of the end-entity certificate.
    pub(crate) fn judge(
        &self,
        presented: &[CertificateDer<'_>],
        purpose: Purpose,
        now: UnixTime,
    ) -> std::result::Result<usize, rustls::CertificateError> {
        if presented.is_empty() || presented.len() > MAX_CHAIN {
            return Err(other("it has no certificate, or too many"));
        }
        let parsed = chain::parse(presented).map_err(|why| other(&why))?;
        let eec = chain::peel(&parsed, now.as_secs()).map_err(|why| other(&why))?;
        if parsed[eec]
            .rsa_bits()
            .is_some_and(|bits| bits < MIN_RSA_BITS)
        {
            return Err(other("its key is too short"));
        }
        self.judge_eec(&parsed, eec, purpose, now)?;
        Ok(eec)
    }

    fn judge_eec(
        &self,
        parsed: &[Certificate<'_>],
        eec: usize,
        purpose: Purpose,
        now: UnixTime,
    ) -> std::result::Result<(), rustls::CertificateError> {
        let store = &*self.0;
        let above = parsed.iter().skip(eec + 1).map(|it| it.der);
        let known = store.intermediates.iter().map(AsRef::as_ref);
        let intermediates: Vec<_> = above.chain(known).map(CertificateDer::from).collect();
        // The library's callback can only answer with its own errors; ours is kept beside it.
        let refused = RefCell::new(None);
        let ours = |path: &VerifiedPath<'_>| {
            store.check_path(path, now).map_err(|error| {
                *refused.borrow_mut() = Some(error);
                webpki::Error::UnknownIssuer
            })
        };
        let crls: Vec<_> = store.crls.iter().collect();
        let der = CertificateDer::from(parsed[eec].der);
        let end_entity = EndEntityCert::try_from(&der).map_err(from_path)?;
        end_entity
            .verify_for_usage(
                signature::for_certificates(),
                &store.anchors,
                &intermediates,
                now,
                purpose,
                revocation(&crls),
                Some(&ours),
            )
            .map_err(|source| refused.take().unwrap_or_else(|| from_path(source)))?;
        Ok(())
    }
}

impl Store {
    /// What the library leaves to us on a path that it accepts: the anchor's validity, lists of
    /// version 1, and the signing policies.
    fn check_path(
        &self,
        path: &VerifiedPath<'_>,
        now: UnixTime,
    ) -> std::result::Result<(), rustls::CertificateError> {
        let anchor = path.anchor();
        let is_valid = self
            .anchors
            .iter()
            .zip(&self.windows)
            .any(|(known, window)| {
                known.subject == anchor.subject
                    && known.subject_public_key_info == anchor.subject_public_key_info
                    && (window.0..=window.1).contains(&now.as_secs())
            });
        if !is_valid {
            return Err(rustls::CertificateError::Expired);
        }
        let mut signed: &webpki::Cert<'_> = path.end_entity();
        for authority in path.intermediate_certificates() {
            let key = authority.subject_public_key_info();
            self.check_link(signed, authority.subject(), key.as_ref())?;
            signed = authority;
        }
        let key = der::element(der::SEQUENCE, &anchor.subject_public_key_info);
        self.check_link(signed, &anchor.subject, &key)
    }

    /// Names come from the path library, which hands them out without their outer element.
    fn check_link(
        &self,
        signed: &webpki::Cert<'_>,
        authority: &[u8],
        key: &[u8],
    ) -> std::result::Result<(), rustls::CertificateError> {
        let authority = der::element(der::SEQUENCE, authority);
        let subject = der::element(der::SEQUENCE, signed.subject());
        for list in &self.plain_crls {
            if list.revokes(&authority, key, signed.serial()) {
                return Err(rustls::CertificateError::Revoked);
            }
        }
        let (Some(authority), Some(subject)) = (dn::render(&authority), dn::render(&subject))
        else {
            return Err(rustls::CertificateError::BadEncoding);
        };
        if self.policies.allows(&authority, &subject) {
            return Ok(());
        }
        Err(other(&format!(
            "{authority} may not sign {subject} by its signing policy"
        )))
    }
}

/// A CA without a list is accepted, and a list that ran out still names the revoked.
fn revocation<'a>(crls: &'a [&'a CertRevocationList<'a>]) -> Option<RevocationOptions<'a>> {
    let options = RevocationOptionsBuilder::new(crls).ok()?; // fails only when there is no list
    let options = options.with_status_policy(UnknownStatusPolicy::Allow);
    Some(
        options
            .with_expiration_policy(ExpirationPolicy::Ignore)
            .build(),
    )
}

fn from_path(source: webpki::Error) -> rustls::CertificateError {
    match source {
        webpki::Error::CertExpired { .. } => rustls::CertificateError::Expired,
        webpki::Error::CertNotValidYet { .. } => rustls::CertificateError::NotValidYet,
        webpki::Error::CertRevoked => rustls::CertificateError::Revoked,
        webpki::Error::UnknownIssuer => rustls::CertificateError::UnknownIssuer,
        source => other(&source.to_string()),
    }
}

#[derive(Debug)]
struct Because(String);

impl std::fmt::Display for Because {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Because {}

pub(crate) fn other(why: &str) -> rustls::CertificateError {
    rustls::CertificateError::Other(rustls::OtherError(Arc::new(Because(why.to_owned()))))
}
