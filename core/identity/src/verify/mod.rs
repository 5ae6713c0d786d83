//! Verifying a presented chain: from bytes to an identity that may be believed.
//!
//! The TLS layer and the delegation protocol call it. Proxies are peeled by `proxy`; the person's
//! certificate and everything above it is judged by `rustls-webpki` with anchors and CRLs of the
//! trust directory; then the CAs' signing policies are applied. ADR 0006 says why it is cut there.
//!
//! # Invariants
//! - [`VerifiedChain`] has no public constructor: whoever holds one holds a chain that was verified.
//! - A root's own signature is never looked at; its validity is.

mod chain;
mod error;
mod path;
mod purpose;

pub use chain::VerifiedChain;
pub use error::ChainError;
pub(crate) use purpose::Purpose;

use std::cell::RefCell;
use std::sync::Arc;

use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{
    EndEntityCert, ExpirationPolicy, RevocationOptions, RevocationOptionsBuilder,
    UnknownStatusPolicy, VerifiedPath,
};

use self::path::check_path;
use crate::anchors::{TrustDirectory, TrustStore};
use crate::pki::{Certificate, MAX_CHAIN, PkiError};
use crate::proxy::{self, Peeled};
use crate::{dn, signature};

/// Shortest RSA key accepted for a person or a host.
const MIN_RSA_BITS: usize = 2048;

/// What to do with a CRL that is past its next update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExpiredCrl {
    /// Refuse certificates of that CA: we no longer know what it revoked.
    #[default]
    Reject,
    /// Keep using the old list.
    Accept,
}

/// Verifies chains against a trust directory.
#[derive(Debug, Clone)]
pub struct Verifier {
    trust: Arc<TrustDirectory>,
    expired_crl: ExpiredCrl,
}

impl Verifier {
    /// A verifier that follows the directory's reloads and rejects expired CRLs.
    pub fn new(trust: Arc<TrustDirectory>) -> Self {
        Self {
            trust,
            expired_crl: ExpiredCrl::default(),
        }
    }

    /// Sets what happens with expired CRLs.
    pub fn with_expired_crl(mut self, expired_crl: ExpiredCrl) -> Self {
        self.expired_crl = expired_crl;
        self
    }

    /// Verifies a chain as presented: leaf first, the rest in any order.
    pub fn verify(
        &self,
        chain: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<VerifiedChain, ChainError> {
        let parsed = parse(chain)?;
        let peeled = proxy::peel(&parsed, now.as_secs())?;
        let store = self.trust.snapshot();
        let presented: Vec<&[u8]> = peeled.others.iter().map(|it| parsed[*it].der).collect();
        let eec = &parsed[peeled.eec];
        let path_end = self.verify_eec(&store, eec, &presented, Purpose::Client, now)?;
        describe(chain, &parsed, &peeled, path_end)
    }

    /// Verifies a certificate that is not a caller's: a server's, or one that signs attributes. Leaf
    /// first; proxies are refused. Returns the last second in which it may be believed.
    pub(crate) fn verify_plain(
        &self,
        chain: &[CertificateDer<'_>],
        purpose: Purpose,
        now: UnixTime,
    ) -> Result<u64, ChainError> {
        let parsed = parse(chain)?;
        let presented: Vec<&[u8]> = parsed[1..].iter().map(|it| it.der).collect();
        self.verify_eec(&self.trust.snapshot(), &parsed[0], &presented, purpose, now)
    }

    /// Number of the trust directory's content by which chains are judged now: it is another one
    /// after every reload.
    pub fn generation(&self) -> u64 {
        self.trust.generation()
    }

    /// Judges an end-entity certificate and the CAs above it. Returns when the first of them ends.
    fn verify_eec(
        &self,
        store: &TrustStore,
        eec: &Certificate<'_>,
        presented: &[&[u8]],
        purpose: Purpose,
        now: UnixTime,
    ) -> Result<u64, ChainError> {
        let subject = render(eec.subject())?;
        if let Some(bits) = eec.rsa_bits().filter(|bits| *bits < MIN_RSA_BITS) {
            return Err(ChainError::WeakKey { subject, bits });
        }
        let presented = presented.iter().copied();
        let known = store.intermediates.iter().map(AsRef::as_ref);
        let intermediates: Vec<CertificateDer<'_>> =
            presented.chain(known).map(CertificateDer::from).collect();
        // The library's callback can only answer with its own errors; ours is kept beside it.
        let refused = RefCell::new(None);
        let ours = |path: &VerifiedPath<'_>| {
            check_path(store, self.expired_crl, &subject, path, now).map_err(|error| {
                *refused.borrow_mut() = Some(error);
                webpki::Error::UnknownIssuer
            })
        };
        let crls: Vec<&webpki::CertRevocationList<'_>> = store.crls.iter().collect();
        let certificate = CertificateDer::from(eec.der);
        let path_error = |source| ChainError::Path {
            subject: subject.clone(),
            source,
        };
        let end_entity = EndEntityCert::try_from(&certificate).map_err(path_error)?;
        let path = end_entity
            .verify_for_usage(
                signature::for_certificates(),
                &store.anchors,
                &intermediates,
                now,
                purpose,
                self.revocation(&crls),
                Some(&ours),
            )
            .map_err(|source| refused.take().unwrap_or_else(|| path_error(source)))?;
        let mut end = eec.not_after();
        for intermediate in path.intermediate_certificates() {
            end = end.min(Certificate::parse(&intermediate.der())?.not_after());
        }
        Ok(end)
    }

    /// CA certificates and the person's are looked up; a CA without a CRL is accepted.
    fn revocation<'a>(
        &self,
        crls: &'a [&'a webpki::CertRevocationList<'a>],
    ) -> Option<RevocationOptions<'a>> {
        let options = RevocationOptionsBuilder::new(crls).ok()?; // fails only when there is no list at all
        let expiration = match self.expired_crl {
            ExpiredCrl::Reject => ExpirationPolicy::Enforce,
            ExpiredCrl::Accept => ExpirationPolicy::Ignore,
        };
        Some(
            options
                .with_status_policy(UnknownStatusPolicy::Allow)
                .with_expiration_policy(expiration)
                .build(),
        )
    }
}

fn parse<'a>(chain: &'a [CertificateDer<'_>]) -> Result<Vec<Certificate<'a>>, ChainError> {
    match chain.len() {
        0 => return Err(ChainError::Empty),
        length if length > MAX_CHAIN => return Err(ChainError::TooLong),
        _ => {}
    }
    let parsed: Result<_, PkiError> = chain.iter().map(|der| Certificate::parse(der)).collect();
    Ok(parsed?)
}

fn describe(
    chain: &[CertificateDer<'_>],
    parsed: &[Certificate<'_>],
    peeled: &Peeled,
    path_end: u64,
) -> Result<VerifiedChain, ChainError> {
    let user_dn = render(parsed[peeled.eec].subject())?;
    let mut dns = vec![user_dn.clone()];
    for index in peeled.proxies.iter().rev() {
        dns.push(render(parsed[*index].subject())?);
    }
    let proxies_end = peeled
        .proxies
        .iter()
        .map(|index| parsed[*index].not_after())
        .min();
    let limited = &peeled.limited;
    Ok(VerifiedChain {
        user_dn,
        dns,
        eec: chain[peeled.eec].clone().into_owned(),
        presented: chain.iter().map(|der| der.clone().into_owned()).collect(),
        proxies: peeled.proxies.clone(),
        not_after: proxies_end.map_or(path_end, |end| end.min(path_end)),
        is_limited: limited.iter().any(|is_limited| *is_limited),
        leaf_is_limited: limited.first().copied().unwrap_or(false),
        issuer_is_limited: limited.iter().skip(1).any(|is_limited| *is_limited),
        proxy_style: peeled.style,
        key_bits: parsed[0].rsa_bits(),
    })
}

pub(crate) fn render(name: &[u8]) -> Result<String, ChainError> {
    dn::render(name)
        .map_err(|error| ChainError::Malformed(PkiError::Certificate(error.to_string())))
}
