//! A certificate authority, the certificates it gives out, and its trust directory.

use std::path::Path;

use causeway_sdk::Secret;
use rustls_pki_types::CertificateDer;

use super::certificate::{
    CRL_SIGN, CertificateFields, CrlFields, DIGITAL_SIGNATURE, Extension, KEY_CERT_SIGN,
    KEY_ENCIPHERMENT,
};
use super::{IssueError, IssuingKey, random_serial};
use crate::dn;
use crate::pki::{Certificate, PkiError, chain_to_pem, to_pem};

const SERVER_AUTH: &str = "1.3.6.1.5.5.7.3.1";
const CLIENT_AUTH: &str = "1.3.6.1.5.5.7.3.2";

/// A certificate authority with its key.
#[derive(Debug, Clone)]
pub struct Authority {
    certificate: CertificateDer<'static>,
    key: IssuingKey,
}

/// A certificate chain with the key of its leaf.
#[derive(Debug, Clone)]
pub struct Credential {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: IssuingKey,
}

impl Authority {
    /// A new self-signed CA valid from `now` for `lifetime` seconds.
    pub fn new(dn: &str, now: u64, lifetime: u64) -> Result<Self, IssueError> {
        let key = IssuingKey::generate_rsa(2048)?;
        let subject = dn::encode(dn)?;
        let fields = authority_fields(&key, subject.clone(), subject, &key, now, lifetime)?;
        Ok(Self {
            certificate: fields.sign(&key)?,
            key,
        })
    }

    /// A CA below this one.
    pub fn subordinate(&self, dn: &str, now: u64, lifetime: u64) -> Result<Self, IssueError> {
        let key = IssuingKey::generate_rsa(2048)?;
        let fields = authority_fields(
            &self.key,
            self.subject()?,
            dn::encode(dn)?,
            &key,
            now,
            lifetime,
        )?;
        Ok(Self {
            certificate: fields.sign(&self.key)?,
            key,
        })
    }

    /// A CA from a certificate and key made before.
    pub fn from_parts(certificate: CertificateDer<'static>, key: IssuingKey) -> Self {
        Self { certificate, key }
    }

    /// Its certificate.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// Its key.
    pub fn key(&self) -> &IssuingKey {
        &self.key
    }

    /// Its encoded name.
    pub fn subject(&self) -> Result<Vec<u8>, IssueError> {
        Ok(Certificate::parse(&self.certificate)?.subject().to_vec())
    }

    /// A person's certificate with a new key.
    pub fn user(&self, dn: &str, now: u64, lifetime: u64) -> Result<Credential, IssueError> {
        let key = IssuingKey::generate_rsa(2048)?;
        let fields = self.person_fields(dn, key.public_key(), now, lifetime)?;
        self.credential(&fields, key)
    }

    /// A host's certificate with a new key, for names and addresses.
    pub fn host(
        &self,
        dn: &str,
        hosts: &[&str],
        now: u64,
        lifetime: u64,
    ) -> Result<Credential, IssueError> {
        let key = IssuingKey::generate_rsa(2048)?;
        let mut fields = self.person_fields(dn, key.public_key(), now, lifetime)?;
        fields
            .extensions
            .push(Extension::extended_key_usage(&[SERVER_AUTH, CLIENT_AUTH]));
        fields.extensions.push(Extension::alternative_names(hosts));
        self.credential(&fields, key)
    }

    /// What a person's certificate says, to be changed or signed as it is.
    pub fn person_fields(
        &self,
        dn: &str,
        public_key: &[u8],
        now: u64,
        lifetime: u64,
    ) -> Result<CertificateFields, IssueError> {
        Ok(CertificateFields {
            serial: random_serial()?,
            issuer: self.subject()?,
            subject: dn::encode(dn)?,
            not_before: now,
            not_after: now.saturating_add(lifetime),
            public_key: public_key.to_vec(),
            extensions: vec![
                Extension::basic_constraints(false, None),
                Extension::key_usage(DIGITAL_SIGNATURE | KEY_ENCIPHERMENT),
                Extension::subject_key(public_key),
                Extension::authority_key(self.key.public_key()),
            ],
        })
    }

    /// Signs the fields and joins the certificate with its key.
    pub fn credential(
        &self,
        fields: &CertificateFields,
        key: IssuingKey,
    ) -> Result<Credential, IssueError> {
        Ok(Credential {
            chain: vec![fields.sign(&self.key)?],
            key,
        })
    }

    /// A revocation list of this CA in DER.
    pub fn crl(
        &self,
        revoked: &[&CertificateDer<'_>],
        this_update: u64,
        next_update: u64,
    ) -> Result<Vec<u8>, IssueError> {
        let mut serials = Vec::new();
        for certificate in revoked {
            serials.push(Certificate::parse(certificate)?.x509.raw_serial().to_vec());
        }
        let fields = CrlFields {
            issuer: self.subject()?,
            this_update,
            next_update,
            revoked: serials,
            number: 1,
        };
        fields.sign(&self.key)
    }
}

impl Credential {
    /// A credential from PEM text that holds certificates (leaf first) and the leaf's key.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, IssueError> {
        let chain = crate::pki::parse_chain_pem(certificates)?;
        let key = IssuingKey::from_pem(key)?;
        let leaf = Certificate::parse(&chain[0])?;
        if leaf.public_key_info() != key.public_key() {
            return Err(PkiError::Key("the key does not belong to the first certificate").into());
        }
        Ok(Self { chain, key })
    }

    /// Leaf first.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// The leaf's key.
    pub fn key(&self) -> &IssuingKey {
        &self.key
    }

    /// End of the leaf's validity, seconds since 1970.
    pub fn not_after(&self) -> Result<u64, IssueError> {
        Ok(Certificate::parse(&self.chain[0])?.not_after())
    }

    /// The chain as PEM text.
    pub fn chain_pem(&self) -> String {
        chain_to_pem(&self.chain)
    }

    /// The key as PEM text.
    pub fn key_pem(&self) -> Secret {
        self.key.to_pem()
    }

    /// The file clients use: leaf, its key, the rest of the chain.
    pub fn to_pem(&self) -> Secret {
        let (leaf, rest) = self.chain.split_at(1);
        Secret::new(format!(
            "{}{}{}",
            chain_to_pem(leaf),
            self.key.to_pem().expose(),
            chain_to_pem(rest)
        ))
    }
}

fn authority_fields(
    issuer_key: &IssuingKey,
    issuer: Vec<u8>,
    subject: Vec<u8>,
    key: &IssuingKey,
    now: u64,
    lifetime: u64,
) -> Result<CertificateFields, IssueError> {
    Ok(CertificateFields {
        serial: random_serial()?,
        issuer,
        subject,
        not_before: now,
        not_after: now.saturating_add(lifetime),
        public_key: key.public_key().to_vec(),
        extensions: vec![
            Extension::basic_constraints(true, None),
            Extension::key_usage(KEY_CERT_SIGN | CRL_SIGN),
            Extension::subject_key(key.public_key()),
            Extension::authority_key(issuer_key.public_key()),
        ],
    })
}

/// Writes the CA under both of its hashed names, with a signing policy that allows everything
/// under the CA's own first name component.
pub fn write_trust_directory(directory: &Path, authority: &Authority) -> Result<(), IssueError> {
    let subject = authority.subject()?;
    let pem = to_pem("CERTIFICATE", &authority.certificate);
    let policy = signing_policy(&dn::render(&subject)?);
    for hash in [dn::subject_hash(&subject)?, dn::subject_hash_old(&subject)?] {
        write(directory, &format!("{hash}.0"), &pem)?;
        write(directory, &format!("{hash}.signing_policy"), &policy)?;
    }
    Ok(())
}

fn signing_policy(dn: &str) -> String {
    let namespace = dn::split(dn)
        .first()
        .map(|(name, value)| format!("/{name}={value}/*"))
        .unwrap_or_default();
    format!(
        "access_id_CA X509 '{dn}'\npos_rights globus CA:sign\ncond_subjects globus '\"{namespace}\"'\n"
    )
}

fn write(directory: &Path, name: &str, text: &str) -> Result<(), IssueError> {
    let path = directory.join(name);
    std::fs::write(&path, text).map_err(|source| IssueError::Write { path, source })
}
