//! Revocation lists of version 1, which the path library cannot read.
//!
//! Small authorities still publish them (`openssl ca -gencrl` does so unless told otherwise). To
//! skip such a list would silently forget what the CA revoked, so they are applied here, on the
//! path the library found. Lists of version 2 are the library's; this module never sees them.

use std::collections::HashSet;

use rustls_pki_types::UnixTime;
use x509_parser::prelude::{CertificateRevocationList, FromDer};

use crate::pki::signed_parts;
use crate::signature;
use crate::verify::ExpiredCrl;

/// One list, parsed.
#[derive(Debug)]
pub(crate) struct PlainCrl {
    der: Vec<u8>,
    issuer: Vec<u8>,
    next_update: Option<u64>,
    serials: HashSet<Vec<u8>>,
}

/// A link of a path: the certificate looked up and the authority that signed it.
pub(crate) struct Link<'a> {
    pub(crate) serial: &'a [u8],
    /// Encoded name of the authority.
    pub(crate) issuer: &'a [u8],
    /// Its encoded SubjectPublicKeyInfo.
    pub(crate) issuer_key: &'a [u8],
}

impl PlainCrl {
    /// The list, if it is one of version 1.
    pub(crate) fn parse(der: &[u8]) -> Option<Self> {
        let (rest, crl) = CertificateRevocationList::from_der(der).ok()?; // not a list: the caller says so
        if !rest.is_empty()
            || crl.version().is_some_and(|version| version.0 > 0)
            || !crl.extensions().is_empty()
        {
            return None;
        }
        signed_parts(der)?;
        let serials = crl
            .iter_revoked_certificates()
            .map(|revoked| without_zeros(revoked.raw_serial()).to_vec());
        Some(Self {
            der: der.to_vec(),
            issuer: crl.issuer().as_raw().to_vec(),
            next_update: crl
                .next_update()
                .map(|time| u64::try_from(time.timestamp()).unwrap_or(0)),
            serials: serials.collect(),
        })
    }

    /// Checks one link of a path against this list, if it is the list of that authority.
    pub(crate) fn check(
        &self,
        link: &Link<'_>,
        expired: ExpiredCrl,
        now: UnixTime,
    ) -> Result<(), webpki::Error> {
        if self.issuer != link.issuer {
            return Ok(());
        }
        let signed = signed_parts(&self.der).ok_or(webpki::Error::BadDer)?;
        if !signature::is_own_signature(link.issuer_key, &signed) {
            return Err(webpki::Error::InvalidCrlSignatureForPublicKey);
        }
        if let Some(next_update) = self
            .next_update
            .filter(|next| *next < now.as_secs() && expired == ExpiredCrl::Reject)
        {
            let next_update =
                UnixTime::since_unix_epoch(std::time::Duration::from_secs(next_update));
            return Err(webpki::Error::CrlExpired {
                time: now,
                next_update,
            });
        }
        if self.serials.contains(without_zeros(link.serial)) {
            return Err(webpki::Error::CertRevoked);
        }
        Ok(())
    }
}

fn without_zeros(serial: &[u8]) -> &[u8] {
    let zeros = serial.iter().take_while(|byte| **byte == 0).count();
    &serial[zeros..]
}
