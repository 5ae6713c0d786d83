//! Which signature algorithms are accepted, and checking one signature.
//!
//! The list is the TLS provider's (aws-lc) list. For proxies alone RSA keys from 1024 bits are
//! added, because old clients still make such short-lived keys; certificates of people and CAs are
//! checked by the path library with the plain list. SHA-1 and MD5 are in neither list.

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

use crate::pki::{Certificate, PublicKey, Signed, key_parts};

/// The provider's algorithms, for certificates and for handshakes.
static PROVIDER: LazyLock<WebPkiSupportedAlgorithms> =
    LazyLock::new(|| provider::default_provider().signature_verification_algorithms);

/// RSA with short keys, for the keys of proxies.
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
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        UnparsedPublicKey::new(self.parameters, key)
            .verify(message, signature)
            .map_err(|_| InvalidSignature)
    }
}

/// Algorithms for the certificates of people and CAs.
pub(crate) fn for_certificates() -> &'static [&'static dyn SignatureVerificationAlgorithm] {
    PROVIDER.all
}

/// Signature schemes offered to TLS clients.
pub(crate) fn offered_schemes() -> Vec<SignatureScheme> {
    PROVIDER.supported_schemes()
}

/// True when the key of `issuer` made the signature on `signed`.
pub(crate) fn is_signed_by(signed: &Certificate<'_>, issuer: &Certificate<'_>) -> bool {
    is_signature(issuer.public_key(), &signed.signed)
}

/// True when a request or certificate is signed by the very key it contains.
pub(crate) fn is_own_signature(public_key: &[u8], signed: &Signed<'_>) -> bool {
    key_parts(public_key).is_some_and(|key| is_signature(key, signed))
}

/// True when that key made the signature.
pub(crate) fn is_signature(key: PublicKey<'_>, signed: &Signed<'_>) -> bool {
    let short = SHORT_RSA.iter().map(|(_, short)| *short);
    PROVIDER
        .all
        .iter()
        .copied()
        .chain(short)
        .filter(|candidate| *candidate.signature_alg_id() == *signed.algorithm)
        .any(|candidate| verifies(candidate, key, signed.body, signed.signature))
}

/// True when the holder of `signer` signed a TLS handshake message with `scheme`.
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
    if is_tls13 && is_pkcs1 {
        return false;
    }
    let Some((_, known)) = PROVIDER.mapping.iter().find(|(known, _)| *known == scheme) else {
        return false;
    };
    // In TLS 1.3 a scheme names its curve, so only the first algorithm counts.
    let known = if is_tls13 {
        &known[..known.len().min(1)]
    } else {
        *known
    };
    let short = SHORT_RSA
        .iter()
        .filter(|(wanted, _)| *wanted == scheme)
        .map(|(_, short)| *short);
    known
        .iter()
        .copied()
        .chain(short)
        .any(|candidate| verifies(candidate, signer.public_key(), message, signature))
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

#[cfg(test)]
mod tests {
    use rustls_pki_types::CertificateDer;

    use super::*;
    use crate::pki::parse_chain_pem;
    use crate::tools;

    /// A certificate with an RSA key of 1024 bits, and that key's signatures over `message` with
    /// SHA-256 and SHA-1. Our own issuing makes no such keys.
    fn short_key() -> (CertificateDer<'static>, [Vec<u8>; 2]) {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str| dir.path().join(name);
        std::fs::write(
            file("openssl.cnf"),
            "[req]\ndistinguished_name=none\n[none]\n",
        )
        .unwrap();
        std::fs::write(file("message"), "message").unwrap();
        let openssl = |words: &str| {
            let arguments: Vec<&str> = words.split_whitespace().collect();
            tools::run(dir.path(), "openssl", &arguments)
        };
        openssl(
            "req -x509 -config openssl.cnf -newkey rsa:1024 -nodes -subj /CN=short \
             -keyout key.pem -out certificate.pem",
        );
        let signatures = ["sha256", "sha1"].map(|digest| {
            openssl(&format!(
                "dgst -{digest} -sign key.pem -out {digest} message"
            ));
            std::fs::read(file(digest)).unwrap()
        });
        let chain = parse_chain_pem(&std::fs::read(file("certificate.pem")).unwrap()).unwrap();
        (chain[0].clone(), signatures)
    }

    #[test]
    fn short_rsa_keys_sign_old_handshakes_only() {
        let (certificate, [sha256, sha1]) = short_key();
        let leaf = Certificate::parse(&certificate).unwrap();
        assert_eq!(leaf.rsa_bits(), Some(1024));
        let check = |message: &[u8], scheme, signature: &[u8], is_tls13| {
            is_handshake_signature(&leaf, message, scheme, signature, is_tls13)
        };
        let with_sha256 = SignatureScheme::RSA_PKCS1_SHA256;
        assert!(check(b"message", with_sha256, &sha256, false));
        assert!(!check(b"another", with_sha256, &sha256, false));
        assert!(!check(b"message", with_sha256, &sha256, true));
        let with_sha1 = SignatureScheme::RSA_PKCS1_SHA1;
        assert!(!check(b"message", with_sha1, &sha1, false));
    }
}
