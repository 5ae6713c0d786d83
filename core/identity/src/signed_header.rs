//! The header `Authorization: Signed-Cert`: a certificate, a time, and a signature over both.
//!
//! Made for programs in a browser, which hold a person's key but cannot choose the certificate of
//! the connection. The name and the members of the header are those of the FTS3 service:
//! `hash="sha256", ts="<ISO 8601, UTC>", cert="<base64 DER>", sign="<base64>"[, prx="<base64 DER>"]`.
//! The key of `cert` signs the bytes of the proxy if there is one, else those of the certificate,
//! followed by the text of the time. It knows no HTTP: it takes what follows the scheme's name.
//!
//! # Invariants
//! - A header is good for [`LIFETIME_SECONDS`] before and after its time and no longer, so one that
//!   was overheard is of little use.
//! - Weak digests (MD5, SHA-1) are refused.

use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RsaParameters, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rustls_pki_types::{CertificateDer, UnixTime};

use crate::pki::{Certificate, PkiError};
use crate::verify::{ChainError, VerifiedChain, Verifier};

/// How far the time of a header may be from ours.
pub const LIFETIME_SECONDS: u64 = 600;

/// Longest member that is looked at: a proxy with the attributes of many VOs has a few kilobytes.
const MAX_MEMBER: usize = 64 * 1024;

/// Why nobody is proved by a header.
#[derive(Debug, thiserror::Error)]
pub enum SignedHeaderError {
    /// It is not a list of `name="value"`, or a value is no base64.
    #[error("the signed certificate is malformed: {0}")]
    Malformed(&'static str),
    /// A member that must be there is not.
    #[error("the signed certificate lacks {0}")]
    Missing(&'static str),
    /// The digest is unknown or too weak.
    #[error("the digest of the signed certificate must be sha256, sha384 or sha512")]
    Digest,
    /// Its time is too far from now.
    #[error("the signed certificate is older than {LIFETIME_SECONDS} seconds, or from the future")]
    Time,
    /// The key of the certificate did not make the signature.
    #[error("the signature does not match the certificate")]
    Signature,
    /// Bytes that are no certificate.
    #[error(transparent)]
    Certificate(#[from] PkiError),
    /// The certificate, or the chain with the proxy, is not believed.
    #[error(transparent)]
    Chain(#[from] ChainError),
}

/// A header that was read; nothing in it is believed yet.
#[derive(Debug)]
pub struct SignedHeader {
    digest: &'static RsaParameters,
    time_text: String,
    time: i64,
    certificate: Vec<u8>,
    proxy: Option<Vec<u8>>,
    signature: Vec<u8>,
}

impl SignedHeader {
    /// Reads what follows `Signed-Cert` in the header.
    ///
    /// # Errors
    /// What is missing or cannot be read.
    pub fn parse(text: &str) -> Result<Self, SignedHeaderError> {
        let members = members(text)?;
        let member = |name: &'static str| {
            let found = members.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| *value)
        };
        let needed = |name| member(name).ok_or(SignedHeaderError::Missing(name));
        let time_text = needed("ts")?;
        Ok(Self {
            digest: digest(needed("hash")?)?,
            time: seconds(time_text).ok_or(SignedHeaderError::Malformed("ts"))?,
            time_text: time_text.to_owned(),
            certificate: decoded("cert", needed("cert")?)?,
            signature: decoded("sign", needed("sign")?)?,
            proxy: member("prx").map(|it| decoded("prx", it)).transpose()?,
        })
    }

    /// Whose it is, if all of it is good now.
    ///
    /// # Errors
    /// Time, signature or chain is not good.
    pub fn verify(
        &self,
        verifier: &Verifier,
        now: UnixTime,
    ) -> Result<VerifiedChain, SignedHeaderError> {
        let now_seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        if now_seconds.abs_diff(self.time) > LIFETIME_SECONDS {
            return Err(SignedHeaderError::Time);
        }
        self.check_signature()?;
        let chain: Vec<CertificateDer<'_>> = [self.proxy.as_ref(), Some(&self.certificate)]
            .into_iter()
            .flatten()
            .map(|der| CertificateDer::from(der.as_slice()))
            .collect();
        Ok(verifier.verify(&chain, now)?)
    }

    fn check_signature(&self) -> Result<(), SignedHeaderError> {
        let certificate = Certificate::parse(&self.certificate)?;
        let mut message = self.proxy.as_ref().unwrap_or(&self.certificate).clone();
        message.extend_from_slice(self.time_text.as_bytes());
        UnparsedPublicKey::new(self.digest, certificate.public_key().bytes)
            .verify(&message, &self.signature)
            .map_err(|_| SignedHeaderError::Signature)
    }
}

/// Names and values of `a="1", b="2"`. A name occurs once, or two readers would see two headers.
fn members(text: &str) -> Result<Vec<(&str, &str)>, SignedHeaderError> {
    let mut members: Vec<(&str, &str)> = Vec::new();
    for part in text.split(',').map(str::trim).filter(|it| !it.is_empty()) {
        let (name, value) = part
            .split_once('=')
            .ok_or(SignedHeaderError::Malformed("a member without a value"))?;
        let value = value.trim();
        let value = value
            .strip_prefix('"')
            .and_then(|it| it.strip_suffix('"'))
            .ok_or(SignedHeaderError::Malformed("a value without quotes"))?;
        if value.len() > MAX_MEMBER {
            return Err(SignedHeaderError::Malformed("a value is too long"));
        }
        if members.iter().any(|(known, _)| *known == name.trim()) {
            return Err(SignedHeaderError::Malformed("a member occurs twice"));
        }
        members.push((name.trim(), value));
    }
    Ok(members)
}

fn digest(name: &str) -> Result<&'static RsaParameters, SignedHeaderError> {
    match name.to_ascii_lowercase().replace('-', "").as_str() {
        "sha256" => Ok(&RSA_PKCS1_2048_8192_SHA256),
        "sha384" => Ok(&RSA_PKCS1_2048_8192_SHA384),
        "sha512" => Ok(&RSA_PKCS1_2048_8192_SHA512),
        _ => Err(SignedHeaderError::Digest),
    }
}

fn decoded(name: &'static str, text: &str) -> Result<Vec<u8>, SignedHeaderError> {
    let bytes = STANDARD.decode(text);
    bytes.map_err(|_| SignedHeaderError::Malformed(name))
}

/// Seconds since 1970 of an ISO time; one without a zone is UTC.
fn seconds(text: &str) -> Option<i64> {
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Some(time.as_second());
    }
    let time: DateTime = text.parse().ok()?; // neither form: the caller says that it is malformed
    let time = time.to_zoned(TimeZone::UTC).ok()?; // a year that no clock has
    Some(time.timestamp().as_second())
}

#[cfg(test)]
mod tests;
