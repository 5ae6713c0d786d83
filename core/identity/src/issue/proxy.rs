//! The client's side of proxies: making one for oneself, and signing a delegation request.

use rustls_pki_types::pem::PemObject;
use sha1::{Digest, Sha1};

use super::certificate::{CertificateFields, DIGITAL_SIGNATURE, Extension, KEY_ENCIPHERMENT};
use super::{Credential, IssueError, IssuingKey};
use crate::pki::{Certificate, chain_to_pem, signed_parts};
use crate::proxy::{self, kind};
use crate::{der, dn, signature};

/// How far before now a proxy begins, for receivers whose clock is behind.
const BACKDATE: u64 = 5 * 60;

/// What kind of proxy is wanted.
#[derive(Debug, Clone, Copy)]
pub struct ProxyOptions {
    /// Seconds from now; cut to the life of the signing certificate.
    pub lifetime: u64,
    /// A limited proxy may not start jobs at a site; it may move data.
    pub is_limited: bool,
    /// How many proxies may follow.
    pub path_length: Option<u8>,
}

impl ProxyOptions {
    /// A full proxy for that many seconds.
    pub fn lasting(lifetime: u64) -> Self {
        Self {
            lifetime,
            is_limited: false,
            path_length: None,
        }
    }

    /// The same, limited.
    pub fn limited(self) -> Self {
        Self {
            is_limited: true,
            ..self
        }
    }
}

impl Credential {
    /// An RFC 3820 proxy of this credential, with a new 2048 bit key.
    pub fn proxy(&self, options: ProxyOptions, now: u64) -> Result<Credential, IssueError> {
        let key = IssuingKey::generate_rsa(2048)?;
        let fields = self.proxy_fields(key.public_key(), options, now)?;
        self.proxy_from(&fields, key)
    }

    /// What the next proxy of this credential says, to be changed or signed as it is.
    pub fn proxy_fields(
        &self,
        public_key: &[u8],
        options: ProxyOptions,
        now: u64,
    ) -> Result<CertificateFields, IssueError> {
        let own = Certificate::parse(&self.chain[0])?;
        if now > own.not_after() {
            return Err(IssueError::Expired);
        }
        // A limited proxy begets limited ones only, whatever is asked for.
        let is_limited = options.is_limited || is_limited(&own);
        let language = if is_limited {
            kind::LIMITED
        } else {
            kind::INHERIT_ALL
        };
        Ok(CertificateFields {
            serial: serial_of(public_key),
            issuer: own.subject().to_vec(),
            subject: with_common_name(own.subject(), &now.to_string())
                .ok_or(dn::DnError::Malformed)?,
            not_before: now.saturating_sub(BACKDATE),
            not_after: now.saturating_add(options.lifetime).min(own.not_after()),
            public_key: public_key.to_vec(),
            extensions: vec![
                Extension::proxy_info(language, options.path_length),
                Extension::basic_constraints(false, None),
                Extension::key_usage(DIGITAL_SIGNATURE | KEY_ENCIPHERMENT),
                Extension::authority_key(self.key.public_key()),
            ],
        })
    }

    /// Signs the fields with this credential's key and puts the result in front of its chain.
    pub fn proxy_from(
        &self,
        fields: &CertificateFields,
        key: IssuingKey,
    ) -> Result<Credential, IssueError> {
        let mut chain = vec![fields.sign(&self.key)?];
        chain.extend_from_slice(&self.chain);
        Ok(Credential { chain, key })
    }
}

/// Answers a delegation request: the signed proxy followed by the signer's chain, as PEM text that
/// is ready to be sent. Of the request only the public key is used, after its signature is checked.
pub fn sign_delegation(
    credential: &Credential,
    request_pem: &[u8],
    options: ProxyOptions,
    now: u64,
) -> Result<String, IssueError> {
    let public_key = request_public_key(request_pem)?;
    let proxy = credential
        .proxy_fields(&public_key, options, now)?
        .sign(&credential.key)?;
    Ok(chain_to_pem(&[proxy]) + &credential.chain_pem())
}

/// The encoded public key of a PKCS#10 request that proves to hold the private one.
fn request_public_key(pem: &[u8]) -> Result<Vec<u8>, IssueError> {
    let malformed = IssueError::Request("not a pem encoded certificate request");
    let Ok(request) = rustls_pki_types::CertificateSigningRequestDer::from_pem_slice(pem) else {
        return Err(malformed);
    };
    let parts = signed_parts(&request).and_then(|signed| {
        let mut fields = der::Reader::new(der::only(signed.body, der::SEQUENCE)?.content);
        fields.expect(der::INTEGER)?;
        fields.expect(der::SEQUENCE)?;
        let public_key = fields.expect(der::SEQUENCE)?.raw;
        Some((signed, public_key))
    });
    let (signed, public_key) = parts.ok_or(malformed)?;
    if !signature::is_own_signature(public_key, &signed) {
        return Err(IssueError::Request(
            "its signature does not match its public key",
        ));
    }
    Ok(public_key.to_vec())
}

fn is_limited(certificate: &Certificate<'_>) -> bool {
    matches!(proxy::recognise(certificate), Ok(Some(kind)) if kind.is_limited)
}

/// The encoded name with one common name behind it.
pub(crate) fn with_common_name(name: &[u8], value: &str) -> Option<Vec<u8>> {
    let content = der::only(name, der::SEQUENCE)?.content;
    let rdn = dn::encode_rdn("CN", value)?;
    Some(der::wrap(der::SEQUENCE, &[content, &rdn]))
}

/// Serial numbers of proxies come from their key, so that two of one second differ.
fn serial_of(public_key: &[u8]) -> Vec<u8> {
    let mut serial = Sha1::digest(public_key)[..8].to_vec();
    serial[0] = (serial[0] & 0x7f) | 0x40;
    serial
}
