//! Certificates, keys and chains as PEM and DER, and one parsed view of a certificate.
//!
//! Everything that reads certificate bytes goes through here: files of the trust directory, the
//! host's own certificate, chains from the TLS layer and from delegation. It parses and reports;
//! it trusts nothing.
//!
//! # Invariants
//! - Arbitrary bytes give an error, never a panic (`tests/hostile_bytes.rs`).
//! - A chain has at most [`MAX_CHAIN`] certificates, so later walks over it are bounded.

mod certificate;

pub(crate) use certificate::{Certificate, PublicKey, Signed, key_parts, signed_parts};

use std::path::{Path, PathBuf};

use base64::Engine as _;
use causeway_sdk::Secret;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::der;

/// More certificates than any honest chain has: proxies of proxies, and the CAs above them.
pub const MAX_CHAIN: usize = 32;

/// Why bytes could not be read as certificates or keys.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// A file could not be read at all.
    #[error("read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The PEM framing or its base64 is broken.
    #[error("read pem text: {0}")]
    Pem(String),
    /// There is no certificate in the text.
    #[error("read certificate chain: no certificate found")]
    NoCertificate,
    /// There are more certificates than [`MAX_CHAIN`].
    #[error("read certificate chain: more than {MAX_CHAIN} certificates")]
    TooMany,
    /// The bytes are no X.509 certificate.
    #[error("read certificate: {0}")]
    Certificate(String),
    /// The bytes are no private key this service can use.
    #[error("read private key: {0}")]
    Key(&'static str),
}

/// All certificates of a PEM text, in order. Other blocks (keys) are passed over.
pub fn parse_chain_pem(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, PkiError> {
    let mut chain = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        if chain.len() == MAX_CHAIN {
            return Err(PkiError::TooMany);
        }
        chain.push(certificate.map_err(|error| PkiError::Pem(error.to_string()))?);
    }
    for certificate in &chain {
        Certificate::parse(certificate)?;
    }
    if chain.is_empty() {
        Err(PkiError::NoCertificate)
    } else {
        Ok(chain)
    }
}

/// The certificates of one file that is PEM or a single DER certificate. Unlike a chain, a bundle
/// of CAs may be long.
pub(crate) fn parse_bundle(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, PkiError> {
    if bytes.first() == Some(&der::SEQUENCE) {
        return Ok(vec![CertificateDer::from(bytes.to_vec())]);
    }
    let bundle: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
    match bundle {
        Ok(certificates) if certificates.is_empty() => Err(PkiError::NoCertificate),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(PkiError::Pem(error.to_string())),
    }
}

/// The first private key of a PEM text (PKCS#8, PKCS#1 or SEC1), unencrypted.
pub fn parse_key_pem(pem: &[u8]) -> Result<PrivateKeyDer<'static>, PkiError> {
    // The reader's error is not passed on: it may quote what it stumbled over.
    PrivateKeyDer::from_pem_slice(pem)
        .map_err(|_| PkiError::Key("no unencrypted private key in the pem text"))
}

/// A certificate chain file and its key file.
pub fn read_identity(
    certificates: &Path,
    key: &Path,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), PkiError> {
    Ok((
        parse_chain_pem(&read(certificates)?)?,
        parse_key_pem(&read(key)?)?,
    ))
}

fn read(path: &Path) -> Result<Vec<u8>, PkiError> {
    std::fs::read(path).map_err(|source| PkiError::Read {
        path: path.to_owned(),
        source,
    })
}

/// PEM text of a chain.
pub fn chain_to_pem(chain: &[CertificateDer<'_>]) -> String {
    chain
        .iter()
        .map(|certificate| to_pem("CERTIFICATE", certificate))
        .collect()
}

/// PEM text of a private key.
pub fn key_to_pem(key: &PrivateKeyDer<'_>) -> Secret {
    let label = match key {
        PrivateKeyDer::Pkcs1(_) => "RSA PRIVATE KEY",
        PrivateKeyDer::Sec1(_) => "EC PRIVATE KEY",
        _ => "PRIVATE KEY",
    };
    Secret::new(to_pem(label, key.secret_der()))
}

/// One PEM block in lines of 64 characters.
pub(crate) fn to_pem(label: &str, der: &[u8]) -> String {
    let body = base64::engine::general_purpose::STANDARD.encode(der);
    let mut out = format!("-----BEGIN {label}-----\n");
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        out.push_str(line);
        out.push('\n');
        rest = after;
    }
    out.push_str(&format!("-----END {label}-----\n"));
    out
}

/// The subject of a certificate in slash form.
pub fn subject_dn(certificate: &CertificateDer<'_>) -> Result<String, PkiError> {
    let parsed = Certificate::parse(certificate)?;
    crate::dn::render(parsed.subject()).map_err(|error| PkiError::Certificate(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::issue::{Authority, DAY};

    #[test]
    fn pem_round_trip_keeps_order_and_skips_keys() {
        let ca = Authority::new("/DC=ch/DC=test/CN=CA", 1_700_000_000, 30 * DAY).unwrap();
        let user = ca
            .user("/DC=ch/DC=test/CN=Test User", 1_700_000_000, DAY)
            .unwrap();
        let text = format!(
            "{}{}{}",
            chain_to_pem(user.chain()),
            user.key_pem().expose(),
            chain_to_pem(&[ca.certificate().clone()])
        );
        let chain = parse_chain_pem(text.as_bytes()).unwrap();
        assert_eq!(chain.len(), 2);
        assert_eq!(
            subject_dn(&chain[0]).unwrap(),
            "/DC=ch/DC=test/CN=Test User"
        );
        assert_eq!(subject_dn(&chain[1]).unwrap(), "/DC=ch/DC=test/CN=CA");
        assert!(parse_key_pem(text.as_bytes()).is_ok());
    }

    #[test]
    fn says_what_is_wrong() {
        assert!(matches!(parse_chain_pem(b""), Err(PkiError::NoCertificate)));
        let not_a_certificate = to_pem("CERTIFICATE", b"junk");
        assert!(matches!(
            parse_chain_pem(not_a_certificate.as_bytes()),
            Err(PkiError::Certificate(_))
        ));
        let many = not_a_certificate.repeat(MAX_CHAIN + 1);
        assert!(matches!(
            parse_chain_pem(many.as_bytes()),
            Err(PkiError::TooMany)
        ));
        assert!(
            parse_key_pem(b"-----BEGIN PRIVATE KEY-----\n!!\n-----END PRIVATE KEY-----\n").is_err()
        );
    }
}
