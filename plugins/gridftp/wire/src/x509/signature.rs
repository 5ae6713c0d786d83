//! Which signature algorithms are accepted, and checking one signature.
//!
//! The list is the TLS provider's. For proxies alone RSA keys from 1024 bits are added, because old
//! clients still make such short-lived keys. SHA-1 and MD5 are in neither list.

use std::sync::LazyLock;

use aws_lc_rs::signature::{
    RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
    RsaParameters, UnparsedPublicKey,
};
use rustls::SignatureScheme;
use rustls::crypto::{WebPkiSupportedAlgorithms, aws_lc_rs as provider};
use rustls_pki_types::{
    AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id,
};

use super::certificate::{Certificate, PublicKey, Signed, key_parts};

static PROVIDER: LazyLock<WebPkiSupportedAlgorithms> =
    LazyLock::new(|| provider::default_provider().signature_verification_algorithms);

/// RSA with short keys, for proxies.
static SHORT_RSA: [(SignatureScheme, &dyn SignatureVerificationAlgorithm); 2] = [
    (
        SignatureScheme::RSA_PKCS1_SHA256,
        &ShortRsa {
            algorithm: alg_id::RSA_PKCS1_SHA256,
            parameters: &RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        },
    ),
    (
        SignatureScheme::RSA_PKCS1_SHA512,
        &ShortRsa {
            algorithm: alg_id::RSA_PKCS1_SHA512,
            parameters: &RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
        },
    ),
];

#[derive(Debug)]
struct ShortRsa {
    algorithm: AlgorithmIdentifier,
    parameters: &'static RsaParameters,
}

impl SignatureVerificationAlgorithm for ShortRsa {
    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::RSA_ENCRYPTION
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.algorithm
    }

    fn verify_signature(
        &self,
        key: &[u8],
        body: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        UnparsedPublicKey::new(self.parameters, key)
            .verify(body, signature)
            .map_err(|_| InvalidSignature)
    }
}

/// Algorithms for the certificates of people, hosts and CAs.
pub(crate) fn for_certificates() -> &'static [&'static dyn SignatureVerificationAlgorithm] {
    PROVIDER.all
}

/// Signature schemes offered in handshakes.
pub(crate) fn offered_schemes() -> Vec<SignatureScheme> {
    PROVIDER.supported_schemes()
}

/// True when the key of `issuer` made the signature on `signed`.
pub(crate) fn is_signed_by(signed: &Certificate<'_>, issuer: &Certificate<'_>) -> bool {
    is_own_signature(issuer.public_key_info(), &signed.signed)
}

/// True when the key in this SubjectPublicKeyInfo made the signature.
pub(crate) fn is_own_signature(public_key: &[u8], signed: &Signed<'_>) -> bool {
    let Some(key) = key_parts(public_key) else {
        return false;
    };
    let short = SHORT_RSA.iter().map(|(_, short)| *short);
    let mut known = PROVIDER.all.iter().copied().chain(short);
    known.any(|it| {
        *it.signature_alg_id() == *signed.algorithm
            && verifies(it, key, signed.body, signed.signature)
    })
}

/// True when the holder of `signer` signed a handshake message with `scheme`.
///
/// The library's own check cannot be used: it parses the certificate and refuses the critical
/// extension that makes it a proxy.
pub(crate) fn is_handshake_signature(
    signer: &Certificate<'_>,
    message: &[u8],
    scheme: SignatureScheme,
    signature: &[u8],
    is_tls13: bool,
) -> bool {
    // TLS 1.3 has no PKCS#1 v1.5 signatures in handshakes, though the list serves both versions.
    let is_pkcs1 = matches!(
        scheme,
        SignatureScheme::RSA_PKCS1_SHA256
            | SignatureScheme::RSA_PKCS1_SHA384
            | SignatureScheme::RSA_PKCS1_SHA512
    );
    let known = PROVIDER.mapping.iter().find(|(known, _)| *known == scheme);
    let (Some((_, known)), Some(key), false) = (
        known,
        key_parts(signer.public_key_info()),
        is_tls13 && is_pkcs1,
    ) else {
        return false;
    };
    // In TLS 1.3 a scheme names its curve, so only the first algorithm counts.
    let count = if is_tls13 { 1 } else { known.len() };
    let short = SHORT_RSA
        .iter()
        .filter(|(it, _)| *it == scheme)
        .map(|(_, short)| *short);
    let mut candidates = known.iter().copied().take(count).chain(short);
    candidates.any(|it| verifies(it, key, message, signature))
}

fn verifies(
    algorithm: &dyn SignatureVerificationAlgorithm,
    key: PublicKey<'_>,
    message: &[u8],
    signature: &[u8],
) -> bool {
    *algorithm.public_key_alg_id() == *key.algorithm
        && algorithm
            .verify_signature(key.bytes, message, signature)
            .is_ok()
}
