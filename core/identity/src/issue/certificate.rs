//! Writing certificates and certificate requests, field by field.
//!
//! Proxies need subject and issuer to the byte as their parent encoded them, and tests need
//! certificates that break one rule at a time, so the fields are written here and not by a library
//! that knows better. It decides nothing; see the parent module for what is issued to whom.

use rustls_pki_types::CertificateDer;
use sha1::{Digest, Sha1};

use super::{IssueError, IssuingKey};
use crate::der;

/// One extension of a certificate.
#[derive(Debug, Clone)]
pub struct Extension {
    oid: String,
    is_critical: bool,
    value: Vec<u8>,
}

/// Key usage bit: digitalSignature.
pub const DIGITAL_SIGNATURE: u8 = 0x80;
/// Key usage bit: keyEncipherment.
pub const KEY_ENCIPHERMENT: u8 = 0x20;
/// Key usage bit: keyCertSign.
pub const KEY_CERT_SIGN: u8 = 0x04;
/// Key usage bit: cRLSign.
pub const CRL_SIGN: u8 = 0x02;

impl Extension {
    /// An extension from its dotted identifier and encoded value.
    pub fn new(oid: &str, is_critical: bool, value: Vec<u8>) -> Self {
        Self {
            oid: oid.to_owned(),
            is_critical,
            value,
        }
    }

    /// basicConstraints.
    pub fn basic_constraints(is_ca: bool, path_length: Option<u8>) -> Self {
        let ca = if is_ca {
            der::element(der::BOOLEAN, &[0xff])
        } else {
            Vec::new()
        };
        let length = path_length
            .map(|length| der::unsigned(&[length]))
            .unwrap_or_default();
        Self::new("2.5.29.19", true, der::sequence(&[&ca, &length]))
    }

    /// keyUsage from the bits of its first byte.
    pub fn key_usage(bits: u8) -> Self {
        let unused = bits.trailing_zeros().min(7) as u8;
        Self::new(
            "2.5.29.15",
            true,
            der::element(der::BIT_STRING, &[unused, bits]),
        )
    }

    /// extKeyUsage from dotted identifiers.
    pub fn extended_key_usage(purposes: &[&str]) -> Self {
        let inner: Vec<Vec<u8>> = purposes.iter().map(|purpose| der::oid(purpose)).collect();
        Self::new(
            "2.5.29.37",
            false,
            der::element(der::SEQUENCE, &inner.concat()),
        )
    }

    /// subjectAltName with host names and addresses.
    pub fn alternative_names(hosts: &[&str]) -> Self {
        let names = hosts.iter().map(|host| match host.parse() {
            Ok(std::net::IpAddr::V4(address)) => der::element(0x87, &address.octets()),
            Ok(std::net::IpAddr::V6(address)) => der::element(0x87, &address.octets()),
            Err(_) => der::element(0x82, host.as_bytes()),
        });
        Self::new(
            "2.5.29.17",
            false,
            der::element(der::SEQUENCE, &names.collect::<Vec<_>>().concat()),
        )
    }

    /// subjectKeyIdentifier of a public key.
    pub fn subject_key(public_key: &[u8]) -> Self {
        Self::new(
            "2.5.29.14",
            false,
            der::element(der::OCTET_STRING, &key_identifier(public_key)),
        )
    }

    /// authorityKeyIdentifier for a public key.
    pub fn authority_key(public_key: &[u8]) -> Self {
        let identifier = der::element(0x80, &key_identifier(public_key));
        Self::new("2.5.29.35", false, der::sequence(&[&identifier]))
    }

    /// proxyCertInfo of RFC 3820.
    pub fn proxy_info(language: &str, path_length: Option<u8>) -> Self {
        let length = path_length
            .map(|length| der::unsigned(&[length]))
            .unwrap_or_default();
        let policy = der::sequence(&[&der::oid(language)]);
        Self::new(
            crate::proxy::kind::RFC_3820,
            true,
            der::sequence(&[&length, &policy]),
        )
    }

    /// The extension of a proxy that holds attribute certificates.
    pub fn vo_attributes(certificates: &[Vec<u8>]) -> Self {
        let list = der::element(der::SEQUENCE, &certificates.concat());
        let value = der::element(der::SEQUENCE, &list);
        Self::new(crate::voms::parse::IN_PROXY, false, value)
    }

    pub(super) fn encode(&self) -> Result<Vec<u8>, IssueError> {
        let oid = der::oid_content(&self.oid).ok_or(IssueError::Extension)?;
        let critical = if self.is_critical {
            der::element(der::BOOLEAN, &[0xff])
        } else {
            Vec::new()
        };
        let value = der::element(der::OCTET_STRING, &self.value);
        Ok(der::sequence(&[
            &der::element(der::OID, &oid),
            &critical,
            &value,
        ]))
    }
}

/// SHA-1 over the key's own bytes, as the standard proposes. It names a key, it protects nothing.
pub(crate) fn key_identifier(public_key: &[u8]) -> Vec<u8> {
    let key = crate::pki::key_parts(public_key).map_or(public_key, |key| key.bytes);
    Sha1::digest(key).to_vec()
}

/// Everything of a certificate but the signature.
#[derive(Debug, Clone)]
pub struct CertificateFields {
    /// Serial number, big-endian.
    pub serial: Vec<u8>,
    /// Encoded issuer.
    pub issuer: Vec<u8>,
    /// Encoded subject.
    pub subject: Vec<u8>,
    /// Start of validity, seconds since 1970.
    pub not_before: u64,
    /// End of validity, seconds since 1970.
    pub not_after: u64,
    /// Encoded SubjectPublicKeyInfo.
    pub public_key: Vec<u8>,
    /// Extensions in order.
    pub extensions: Vec<Extension>,
}

impl CertificateFields {
    /// The certificate, signed by the key.
    pub fn sign(&self, key: &IssuingKey) -> Result<CertificateDer<'static>, IssueError> {
        let mut extensions = Vec::new();
        for extension in &self.extensions {
            extensions.extend_from_slice(&extension.encode()?);
        }
        let extensions = if extensions.is_empty() {
            Vec::new()
        } else {
            der::element(0xa3, &der::element(der::SEQUENCE, &extensions))
        };
        let validity = der::sequence(&[&der::time(self.not_before), &der::time(self.not_after)]);
        let version = der::element(0xa0, &der::unsigned(&[2]));
        let serial = der::unsigned(&self.serial);
        let signed = signed(key, |algorithm| {
            der::sequence(&[
                &version,
                &serial,
                algorithm,
                &self.issuer,
                &validity,
                &self.subject,
                &self.public_key,
                &extensions,
            ])
        })?;
        Ok(CertificateDer::from(signed))
    }
}

/// A PKCS#10 request of version 0 without attributes.
pub(crate) fn certificate_request(subject: &[u8], key: &IssuingKey) -> Result<Vec<u8>, IssueError> {
    let body = der::sequence(&[
        &der::unsigned(&[0]),
        subject,
        key.public_key(),
        &der::element(0xa0, &[]),
    ]);
    let (algorithm, signature) = key.sign(&body)?;
    let algorithm = der::element(der::SEQUENCE, &algorithm);
    Ok(der::sequence(&[
        &body,
        &algorithm,
        &der::bit_string(&signature),
    ]))
}

/// A certificate revocation list of version 2.
#[derive(Debug, Clone)]
pub struct CrlFields {
    /// Encoded issuer.
    pub issuer: Vec<u8>,
    /// When it was made, seconds since 1970.
    pub this_update: u64,
    /// When the next one is due, seconds since 1970.
    pub next_update: u64,
    /// Serial numbers that are no longer good, big-endian.
    pub revoked: Vec<Vec<u8>>,
    /// Number of this list.
    pub number: u8,
}

impl CrlFields {
    /// The list, signed by the CA's key.
    pub fn sign(&self, key: &IssuingKey) -> Result<Vec<u8>, IssueError> {
        let this_update = der::time(self.this_update);
        let entries: Vec<Vec<u8>> = self
            .revoked
            .iter()
            .map(|serial| der::sequence(&[&der::unsigned(serial), &this_update]))
            .collect();
        let revoked = if entries.is_empty() {
            Vec::new()
        } else {
            der::element(der::SEQUENCE, &entries.concat())
        };
        let number = Extension::new("2.5.29.20", false, der::unsigned(&[self.number])).encode()?;
        let authority = Extension::authority_key(key.public_key()).encode()?;
        let extensions = der::element(0xa0, &der::sequence(&[&authority, &number]));
        let next_update = der::time(self.next_update);
        signed(key, |algorithm| {
            der::sequence(&[
                &der::unsigned(&[1]),
                algorithm,
                &self.issuer,
                &this_update,
                &next_update,
                &revoked,
                &extensions,
            ])
        })
    }
}

/// Signs a body that itself names the signature algorithm. The algorithm depends on the key alone,
/// so a first signature over nothing tells it.
pub(super) fn signed(
    key: &IssuingKey,
    body: impl Fn(&[u8]) -> Vec<u8>,
) -> Result<Vec<u8>, IssueError> {
    let (algorithm, _) = key.sign(&[])?;
    let algorithm = der::element(der::SEQUENCE, &algorithm);
    let body = body(&algorithm);
    let (_, signature) = key.sign(&body)?;
    Ok(der::sequence(&[
        &body,
        &algorithm,
        &der::bit_string(&signature),
    ]))
}
