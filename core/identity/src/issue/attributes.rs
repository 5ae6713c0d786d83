//! Writing attribute certificates, field by field: a VOMS server for development and tests.
//!
//! Like certificates they are written here and not by a library, because tests need ones that break
//! one rule at a time.

use rustls_pki_types::CertificateDer;

use super::certificate::signed;
use super::{Credential, Extension, IssueError, IssuingKey, random_serial};
use crate::der;
use crate::pki::Certificate;
use crate::voms::extensions::{ISSUER_CERTIFICATES, NO_REVOCATION, TARGETS};
use crate::voms::parse::{CONTEXT_0, DIRECTORY_NAME, FQANS, URI};

/// Everything of an attribute certificate but the signature.
#[derive(Debug, Clone)]
pub struct AttributeFields {
    /// Encoded issuer of the holder's certificate; in the older form the holder's own name.
    pub holder_name: Vec<u8>,
    /// Serial number of the holder's certificate, big-endian.
    pub holder_serial: Vec<u8>,
    /// Encoded name of the server.
    pub issuer: Vec<u8>,
    /// Start of validity, seconds since 1970.
    pub not_before: u64,
    /// End of validity, seconds since 1970.
    pub not_after: u64,
    /// The VO.
    pub vo: String,
    /// Host and port of the server.
    pub server: String,
    /// Groups and roles.
    pub fqans: Vec<String>,
    /// Certificates that are sent along, the server's own first.
    pub certificates: Vec<CertificateDer<'static>>,
    /// Services it is for; empty for all.
    pub targets: Vec<String>,
    /// Further extensions.
    pub extensions: Vec<Extension>,
}

impl Credential {
    /// What this credential, as a server of a VO, says about the holder of a certificate.
    pub fn attributes(
        &self,
        holder: &CertificateDer<'_>,
        vo: &str,
        server: &str,
        fqans: &[&str],
        validity: std::ops::Range<u64>,
    ) -> Result<AttributeFields, IssueError> {
        let own = Certificate::parse(&self.chain()[0])?;
        let holder = Certificate::parse(holder)?;
        Ok(AttributeFields {
            holder_name: holder.issuer().to_vec(),
            holder_serial: holder.raw_serial().to_vec(),
            issuer: own.subject().to_vec(),
            not_before: validity.start,
            not_after: validity.end,
            vo: vo.to_owned(),
            server: server.to_owned(),
            fqans: fqans.iter().map(|fqan| (*fqan).to_owned()).collect(),
            certificates: vec![self.chain()[0].clone()],
            targets: Vec::new(),
            extensions: vec![
                Extension::new(NO_REVOCATION, false, vec![5, 0]),
                Extension::authority_key(own.public_key_info()),
            ],
        })
    }
}

impl AttributeFields {
    /// The attribute certificate in DER, signed by the key.
    pub fn sign(&self, key: &IssuingKey) -> Result<Vec<u8>, IssueError> {
        let holder_name = der::sequence(&[&der::element(DIRECTORY_NAME, &self.holder_name)]);
        let base = der::wrap(
            CONTEXT_0,
            &[&holder_name, &der::unsigned(&self.holder_serial)],
        );
        let issuer = der::sequence(&[&der::element(DIRECTORY_NAME, &self.issuer)]);
        let not_before = der::generalized_time(self.not_before);
        let not_after = der::generalized_time(self.not_after);
        let serial = random_serial()?;
        let mut extensions = Vec::new();
        for extension in self.own_extensions().iter().chain(&self.extensions) {
            extensions.extend_from_slice(&extension.encode()?);
        }
        signed(key, |algorithm| {
            der::sequence(&[
                &der::unsigned(&[1]),
                &der::sequence(&[&base]),
                &der::element(CONTEXT_0, &issuer),
                algorithm,
                &der::unsigned(&serial),
                &der::sequence(&[&not_before, &not_after]),
                &der::sequence(&[&self.membership()]),
                &der::element(der::SEQUENCE, &extensions),
            ])
        })
    }

    fn membership(&self) -> Vec<u8> {
        let authority = format!("{}://{}", self.vo, self.server);
        let authority = der::element(CONTEXT_0, &der::element(URI, authority.as_bytes()));
        let fqans = self
            .fqans
            .iter()
            .map(|fqan| der::element(der::OCTET_STRING, fqan.as_bytes()));
        let fqans = der::element(der::SEQUENCE, &fqans.collect::<Vec<_>>().concat());
        let syntax = der::sequence(&[&authority, &fqans]);
        der::sequence(&[&der::oid(FQANS), &der::element(der::SET, &syntax)])
    }

    fn own_extensions(&self) -> Vec<Extension> {
        let mut out = Vec::new();
        if !self.certificates.is_empty() {
            let list: Vec<&[u8]> = self.certificates.iter().map(AsRef::as_ref).collect();
            let list = der::sequence(&[&der::sequence(&list)]);
            out.push(Extension::new(ISSUER_CERTIFICATES, false, list));
        }
        if !self.targets.is_empty() {
            let target = |name: &String| {
                let uri = der::element(URI, name.as_bytes());
                der::sequence(&[&der::element(CONTEXT_0, &uri)])
            };
            let list: Vec<Vec<u8>> = self.targets.iter().map(target).collect();
            let list = der::element(der::SEQUENCE, &list.concat());
            out.push(Extension::new(TARGETS, true, der::sequence(&[&list])));
        }
        out
    }
}
