//! Issuing: a certificate authority for development and tests, proxies, and signed delegations.
//!
//! `causeway serve --dev` makes its CA, host and user here; the command line client signs
//! delegation requests here; the tests build good and bad chains here. The service itself never
//! issues anything for others: it only makes keys and requests (see `delegation`).

mod attributes;
mod authority;
mod certificate;
mod key;
mod proxy;

pub use attributes::AttributeFields;
pub use authority::{Authority, Credential, write_trust_directory};
pub(crate) use certificate::certificate_request;
pub use certificate::{
    CRL_SIGN, CertificateFields, CrlFields, DIGITAL_SIGNATURE, Extension, KEY_CERT_SIGN,
    KEY_ENCIPHERMENT,
};
pub use key::IssuingKey;
pub(crate) use key::available_bits;
pub use proxy::{ProxyOptions, sign_delegation};

use crate::dn::DnError;
use crate::pki::PkiError;

/// One day in seconds.
pub const DAY: u64 = 24 * 60 * 60;

/// Why something could not be issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The generator failed.
    #[error("generate rsa key: the cryptography library refused")]
    KeyGeneration,
    /// The key is of a kind or length that cannot sign here.
    #[error("load private key: only rsa from 2048 bits and elliptic curve keys are supported")]
    UnsupportedKey,
    /// Signing failed.
    #[error("sign: the cryptography library refused")]
    Signing,
    /// An extension's identifier is no object identifier.
    #[error("encode certificate: bad object identifier of an extension")]
    Extension,
    /// The name cannot be encoded.
    #[error(transparent)]
    Name(#[from] DnError),
    /// A certificate or key could not be read.
    #[error(transparent)]
    Pki(#[from] PkiError),
    /// The certificate request is malformed or its own signature is wrong.
    #[error("read certificate request: {0}")]
    Request(&'static str),
    /// The certificate that should sign has expired.
    #[error("issue proxy: the signing certificate has expired")]
    Expired,
    /// A file could not be written.
    #[error("write {path}: {source}")]
    Write {
        /// The file.
        path: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Sixteen random bytes that make a positive serial number.
fn random_serial() -> Result<Vec<u8>, IssueError> {
    let mut serial = vec![0_u8; 16];
    aws_lc_rs::rand::fill(&mut serial).map_err(|_| IssueError::KeyGeneration)?;
    serial[0] = (serial[0] & 0x7f) | 0x40;
    Ok(serial)
}
