//! Private keys that sign certificates, and making RSA ones.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use causeway_sdk::Secret;
use rustls::SignatureScheme;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::sign::SigningKey;
use rustls_pki_types::{AlgorithmIdentifier, PrivateKeyDer, PrivatePkcs8KeyDer, alg_id};

use super::IssueError;
use crate::pki::{key_to_pem, parse_key_pem};

/// Longest RSA key made on request; longer ones take many seconds of processor time.
pub(crate) const MAX_RSA_BITS: usize = 4096;

/// A private key that can sign.
#[derive(Clone)]
pub struct IssuingKey {
    secret: Arc<PrivateKeyDer<'static>>,
    signer: Arc<dyn SigningKey>,
    public: Vec<u8>,
}

impl fmt::Debug for IssuingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IssuingKey(<redacted>)")
    }
}

impl IssuingKey {
    /// A new RSA key. The length is rounded up to one that can be made (2048, 3072, 4096 bits).
    ///
    /// Takes a good part of a second of processor time: call it off the async threads.
    pub fn generate_rsa(bits: usize) -> Result<Self, IssueError> {
        let size = match available_bits(bits) {
            2048 => KeySize::Rsa2048,
            3072 => KeySize::Rsa3072,
            _ => KeySize::Rsa4096,
        };
        let pair = KeyPair::generate(size).map_err(|_| IssueError::KeyGeneration)?;
        let der: Pkcs8V1Der<'static> = pair.as_der().map_err(|_| IssueError::KeyGeneration)?;
        Self::from_der(PrivatePkcs8KeyDer::from(der.as_ref().to_vec()).into())
    }

    /// A key read before: RSA from 2048 bits, or elliptic curve.
    pub fn from_der(secret: PrivateKeyDer<'static>) -> Result<Self, IssueError> {
        let signer = any_supported_type(&secret).map_err(|_| IssueError::UnsupportedKey)?;
        let public = signer
            .public_key()
            .ok_or(IssueError::UnsupportedKey)?
            .to_vec();
        Ok(Self {
            secret: Arc::new(secret),
            signer,
            public,
        })
    }

    /// A key from PEM text.
    pub fn from_pem(pem: &[u8]) -> Result<Self, IssueError> {
        Self::from_der(parse_key_pem(pem)?)
    }

    /// The key as PEM text.
    pub fn to_pem(&self) -> Secret {
        key_to_pem(&self.secret)
    }

    /// The key in the form the TLS library takes.
    pub fn to_der(&self) -> PrivateKeyDer<'static> {
        self.secret.clone_key()
    }

    /// The encoded SubjectPublicKeyInfo.
    pub fn public_key(&self) -> &[u8] {
        &self.public
    }

    /// Signs, and says with which algorithm: the inside of its AlgorithmIdentifier.
    pub(crate) fn sign(
        &self,
        message: &[u8],
    ) -> Result<(AlgorithmIdentifier, Vec<u8>), IssueError> {
        const SCHEMES: [SignatureScheme; 4] = [
            SignatureScheme::RSA_PKCS1_SHA256,
            SignatureScheme::ECDSA_NISTP256_SHA256,
            SignatureScheme::ECDSA_NISTP384_SHA384,
            SignatureScheme::ED25519,
        ];
        let signer = self
            .signer
            .choose_scheme(&SCHEMES)
            .ok_or(IssueError::UnsupportedKey)?;
        let algorithm = match signer.scheme() {
            SignatureScheme::RSA_PKCS1_SHA256 => alg_id::RSA_PKCS1_SHA256,
            SignatureScheme::ECDSA_NISTP256_SHA256 => alg_id::ECDSA_SHA256,
            SignatureScheme::ECDSA_NISTP384_SHA384 => alg_id::ECDSA_SHA384,
            _ => alg_id::ED25519,
        };
        let signature = signer.sign(message).map_err(|_| IssueError::Signing)?;
        Ok((algorithm, signature))
    }
}

/// The key length that will really be made when `bits` are wanted.
pub(crate) fn available_bits(bits: usize) -> usize {
    match bits {
        0..=2048 => 2048,
        2049..=3072 => 3072,
        _ => MAX_RSA_BITS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_its_pem_and_shows_nothing() {
        let key = IssuingKey::generate_rsa(1024).unwrap();
        let again = IssuingKey::from_pem(key.to_pem().expose().as_bytes()).unwrap();
        assert_eq!(key.public_key(), again.public_key());
        assert_eq!(format!("{key:?}"), "IssuingKey(<redacted>)");
    }

    #[test]
    fn lengths_are_rounded_up_and_bounded() {
        let lengths = [0, 1024, 2048, 2049, 3072, 3073, 16_384].map(available_bits);
        assert_eq!(lengths, [2048, 2048, 2048, 3072, 3072, 4096, 4096]);
    }
}
