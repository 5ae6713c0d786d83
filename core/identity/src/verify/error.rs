//! Why a chain is refused.

use crate::pki::{MAX_CHAIN, PkiError};
use crate::proxy::ProxyError;

/// Why a chain is refused.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// Nothing was presented.
    #[error("verify certificate chain: it is empty")]
    Empty,
    /// More than anybody needs.
    #[error("verify certificate chain: more than {MAX_CHAIN} certificates")]
    TooLong,
    /// A certificate cannot be parsed.
    #[error("verify certificate chain: {0}")]
    Malformed(#[from] PkiError),
    /// A proxy breaks a rule.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// The path library refuses the person's certificate or a CA.
    #[error("verify certificate {subject}: {source}")]
    Path {
        /// Subject of the end-entity certificate.
        subject: String,
        /// The library's reason.
        source: webpki::Error,
    },
    /// The root that ends the path is outside its validity.
    #[error("verify certificate {subject}: the trust anchor has expired or is not yet valid")]
    AnchorExpired {
        /// Subject of the end-entity certificate.
        subject: String,
    },
    /// A CA signed outside its namespace.
    #[error("verify certificate {subject}: signing policy of {authority} does not allow it")]
    SigningPolicy {
        /// The refused subject.
        subject: String,
        /// The CA whose policy it is.
        authority: String,
    },
    /// The RSA key is too short.
    #[error("verify certificate {subject}: rsa key of {bits} bits is too short")]
    WeakKey {
        /// Subject of the end-entity certificate.
        subject: String,
        /// Length of its key.
        bits: usize,
    },
}
