//! Why a token is not believed. The texts are for whoever sent it, and say nothing of its content.

/// Why a token is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Longer than any honest one.
    #[error("the token is too long")]
    TooLong,
    /// Not three parts of base64 with JSON in them.
    #[error("the token is no JSON web token")]
    Malformed,
    /// No signature, a shared secret, or something nobody knows.
    #[error("the signature algorithm of the token is not accepted")]
    Algorithm,
    /// It demands that something is understood which is not.
    #[error("the token has a critical extension")]
    Critical,
    /// Nobody configured its issuer.
    #[error("the issuer of the token is not known")]
    UnknownIssuer,
    /// The issuer publishes no such key.
    #[error("the issuer of the token publishes no such key")]
    UnknownKey,
    /// Somebody else signed it, or changed it.
    #[error("the signature of the token is wrong")]
    Signature,
    /// Too late.
    #[error("the token has expired")]
    Expired,
    /// Too early.
    #[error("the token is not valid yet")]
    TooEarly,
    /// For somebody else.
    #[error("the token is not meant for this service")]
    Audience,
    /// A claim that is needed.
    #[error("the claim {0} of the token is missing or malformed")]
    Claim(&'static str),
    /// The issuer does not answer, so nothing can be said about the token.
    #[error("the keys of the token's issuer cannot be had")]
    KeysUnavailable,
}
