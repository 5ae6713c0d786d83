//! Why VO attributes are not believed.

use crate::verify::ChainError;

/// Why VO attributes are not believed. The holder stays who they are; they are nobody's member.
#[derive(Debug, thiserror::Error)]
pub enum VomsError {
    /// The bytes are no attribute certificate, or lack a part that must be there.
    #[error("read vo attributes: {0}")]
    Malformed(&'static str),
    /// More than anybody has.
    #[error("read vo attributes: more than {0}")]
    TooMany(&'static str),
    /// Validity has not begun, beyond the tolerance.
    #[error("verify vo attributes of {vo}: not yet valid")]
    NotYetValid {
        /// The VO they name.
        vo: String,
    },
    /// Validity is over.
    #[error("verify vo attributes of {vo}: expired")]
    Expired {
        /// The VO they name.
        vo: String,
    },
    /// They were given to another certificate.
    #[error("verify vo attributes of {vo}: they belong to another certificate")]
    OtherHolder {
        /// The VO they name.
        vo: String,
    },
    /// They were made for other services only.
    #[error("verify vo attributes of {vo}: they are for other services than this one")]
    OtherTarget {
        /// The VO they name.
        vo: String,
    },
    /// Nobody said who may speak for that VO.
    #[error("verify vo attributes of {vo}: the vomsdir names no issuer {host} for this vo")]
    UnknownIssuer {
        /// The VO they name.
        vo: String,
        /// The server they name.
        host: String,
    },
    /// Somebody else speaks for that VO.
    #[error(
        "verify vo attributes of {vo}: issued by {issuer}, which is not what {host}.lsc describes"
    )]
    OtherIssuer {
        /// The VO they name.
        vo: String,
        /// The server they name.
        host: String,
        /// Subject of the certificate that came with them.
        issuer: String,
    },
    /// The issuer's certificate does not verify.
    #[error("verify vo attributes of {vo}: {source}")]
    Chain {
        /// The VO they name.
        vo: String,
        /// Why not.
        source: Box<ChainError>,
    },
    /// The issuer's certificate is for other things.
    #[error("verify vo attributes of {vo}: the issuer's key usage lacks digitalSignature")]
    IssuerMayNotSign {
        /// The VO they name.
        vo: String,
    },
    /// The signature is not the issuer's.
    #[error("verify vo attributes of {vo}: signature does not match the issuer's key")]
    BadSignature {
        /// The VO they name.
        vo: String,
    },
    /// A critical extension nobody here understands.
    #[error("verify vo attributes of {vo}: critical extension {oid} is not supported")]
    CriticalExtension {
        /// The VO they name.
        vo: String,
        /// Which one.
        oid: String,
    },
    /// An attribute outside the VO.
    #[error("verify vo attributes of {vo}: {fqan:?} is not within the vo")]
    ForeignAttribute {
        /// The VO they name.
        vo: String,
        /// The attribute.
        fqan: String,
    },
}
