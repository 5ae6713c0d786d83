//! Signing a proxy for a server: the answer to its certificate request.
//!
//! Of the request only the public key is used, after its signature is checked. The proxy inherits
//! all rights, or limited ones when the signer is limited itself.

use rustls::SignatureScheme;
use rustls::sign::SigningKey;
use rustls_pki_types::{AlgorithmIdentifier, alg_id};

use super::certificate::signed_parts;
use super::der::{self, Reader};
use super::{Certificate, chain, dn, signature};
use crate::{Error, ErrorKind, Result};

/// How far before now a proxy begins, for receivers whose clock is behind.
const BACKDATE: u64 = 5 * 60;
const KEY_USAGE: &[u8] = &[0x55, 29, 15];
const PROXY_INFO: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 1, 14];
/// digitalSignature and keyEncipherment.
const USAGE_BITS: &[u8] = &[5, 0xa0];

pub(crate) fn sign(
    signer: &Certificate<'_>,
    key: &dyn SigningKey,
    request: &[u8],
    lifetime: u64,
    now: u64,
) -> Result<Vec<u8>> {
    if now > signer.not_after() {
        return Err(Error::new(
            ErrorKind::CredentialExpired,
            "delegate: the credential has expired",
        ));
    }
    let public_key = requested_key(request).ok_or_else(|| {
        Error::protocol("delegate: the server's certificate request is not valid")
    })?;
    let number = serial(public_key);
    let decimal = number
        .iter()
        .fold(0_u64, |sum, it| (sum << 8) | u64::from(*it));
    let subject = dn::with_common_name(signer.subject(), &decimal.to_string())
        .ok_or_else(|| failed("the credential's name is malformed"))?;
    let end = now.saturating_add(lifetime).min(signer.not_after());
    let (_, algorithm) = choose(key)?;
    let algorithm = der::element(der::SEQUENCE, &algorithm);
    let body = der::sequence(&[
        &der::element(0xa0, &der::unsigned(&[2])),
        &der::unsigned(&number),
        &algorithm,
        signer.subject(),
        &der::sequence(&[&der::time(now.saturating_sub(BACKDATE)), &der::time(end)]),
        &subject,
        public_key,
        &der::element(0xa3, &extensions(signer)),
    ]);
    let (signing, _) = choose(key)?;
    let signed = signing
        .sign(&body)
        .map_err(|source| Error::tls("delegate", &source))?;
    Ok(der::sequence(&[
        &body,
        &algorithm,
        &der::bit_string(&signed),
    ]))
}

/// The encoded public key of a PKCS#10 request that proves to hold the private one.
fn requested_key(request: &[u8]) -> Option<&[u8]> {
    let signed = signed_parts(request)?;
    let mut fields = Reader::new(der::only(signed.body, der::SEQUENCE)?.content);
    fields.expect(der::INTEGER)?;
    fields.expect(der::SEQUENCE)?;
    let public_key = fields.expect(der::SEQUENCE)?.raw;
    signature::is_own_signature(public_key, &signed).then_some(public_key)
}

/// Both extensions that a proxy needs.
fn extensions(signer: &Certificate<'_>) -> Vec<u8> {
    let signer_is_limited = matches!(chain::recognise(signer), Ok(Some(kind)) if kind.is_limited);
    let language = if signer_is_limited {
        chain::LIMITED
    } else {
        chain::INHERIT_ALL
    };
    let policy = der::sequence(&[&der::element(der::OID, language)]);
    der::sequence(&[
        &extension(PROXY_INFO, &der::sequence(&[&policy])),
        &extension(KEY_USAGE, &der::element(der::BIT_STRING, USAGE_BITS)),
    ])
}

/// A critical extension.
fn extension(oid: &[u8], value: &[u8]) -> Vec<u8> {
    let critical = der::element(0x01, &[0xff]);
    let value = der::element(der::OCTET_STRING, value);
    der::sequence(&[&der::element(der::OID, oid), &critical, &value])
}

/// Serial numbers of proxies come from their key, so that two of one second differ.
fn serial(public_key: &[u8]) -> Vec<u8> {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, public_key);
    // Four bytes, as Globus has them: its number is an int.
    let mut serial = digest.as_ref()[..4].to_vec();
    serial[0] = (serial[0] & 0x7f) | 0x40;
    serial
}

/// A signer, and the inside of its AlgorithmIdentifier.
fn choose(key: &dyn SigningKey) -> Result<(Box<dyn rustls::sign::Signer>, AlgorithmIdentifier)> {
    const SCHEMES: [SignatureScheme; 4] = [
        SignatureScheme::RSA_PKCS1_SHA256,
        SignatureScheme::ECDSA_NISTP256_SHA256,
        SignatureScheme::ECDSA_NISTP384_SHA384,
        SignatureScheme::ED25519,
    ];
    let signer = key
        .choose_scheme(&SCHEMES)
        .ok_or_else(|| failed("the credential's key cannot sign"))?;
    let algorithm = match signer.scheme() {
        SignatureScheme::RSA_PKCS1_SHA256 => alg_id::RSA_PKCS1_SHA256,
        SignatureScheme::ECDSA_NISTP256_SHA256 => alg_id::ECDSA_SHA256,
        SignatureScheme::ECDSA_NISTP384_SHA384 => alg_id::ECDSA_SHA384,
        _ => alg_id::ED25519,
    };
    Ok((signer, algorithm))
}

fn failed(why: &str) -> Error {
    Error::new(ErrorKind::BadCredential, format!("delegate: {why}"))
}
