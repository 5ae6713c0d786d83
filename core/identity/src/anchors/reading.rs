//! Reading the files of a trust directory one by one into a store.

use std::collections::HashSet;
use std::path::Path;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer};
use webpki::{CertRevocationList, OwnedCertRevocationList};
use x509_parser::prelude::{CertificateRevocationList, FromDer};

use super::{TrustStore, Window};
use crate::crl::PlainCrl;
use crate::der;
use crate::pki::{Certificate, parse_bundle};

/// Larger files than this are no CA files.
const MAX_FILE: u64 = 64 * 1024 * 1024;

/// A store while its files are read. CA directories hold each CA under two or three names.
#[derive(Default)]
pub(super) struct Reading {
    pub(super) store: TrustStore,
    seen: HashSet<Vec<u8>>,
    crls: Vec<(i64, CertRevocationList<'static>)>,
}

/// What a file is, by its name.
enum FileKind {
    Certificates,
    Crl,
    Policy,
}

fn file_kind(path: &Path) -> Option<FileKind> {
    let extension = path.extension()?.to_str()?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match extension {
        "pem" | "crt" => Some(FileKind::Certificates),
        "signing_policy" => Some(FileKind::Policy),
        number if is_number(number) => Some(FileKind::Certificates),
        other if other.strip_prefix('r').is_some_and(is_number) => Some(FileKind::Crl),
        _ => None,
    }
}

impl Reading {
    pub(super) fn file(&mut self, path: &Path) -> Result<(), String> {
        let Some(kind) = file_kind(path) else {
            return Ok(());
        };
        let bytes = read_file(path)?;
        match kind {
            FileKind::Certificates => self.certificates(&bytes),
            FileKind::Crl => self.crl(&bytes),
            FileKind::Policy => {
                self.store.policies.add(&String::from_utf8_lossy(&bytes));
                Ok(())
            }
        }
    }

    fn certificates(&mut self, bytes: &[u8]) -> Result<(), String> {
        for certificate in parse_bundle(bytes).map_err(|error| error.to_string())? {
            if self.seen.insert(certificate.to_vec()) {
                self.certificate(certificate)?;
            }
        }
        Ok(())
    }

    fn certificate(&mut self, certificate: CertificateDer<'static>) -> Result<(), String> {
        let parsed = Certificate::parse(&certificate).map_err(|error| error.to_string())?;
        if !parsed.is_self_issued() {
            self.store.intermediates.push(certificate.clone());
            return Ok(());
        }
        if !may_be_root(&parsed) {
            return Err("the self-signed certificate is no certificate authority".to_owned());
        }
        let anchor =
            webpki::anchor_from_trusted_cert(&certificate).map_err(|error| error.to_string())?;
        self.store.windows.push(Window {
            not_before: parsed.not_before(),
            not_after: parsed.not_after(),
        });
        self.store.anchors.push(anchor.to_owned());
        Ok(())
    }

    fn crl(&mut self, bytes: &[u8]) -> Result<(), String> {
        let der = if bytes.first() == Some(&der::SEQUENCE) {
            bytes.to_vec()
        } else {
            CertificateRevocationListDer::from_pem_slice(bytes)
                .map_err(|error| error.to_string())?
                .to_vec()
        };
        if !self.seen.insert(der.clone()) {
            return Ok(());
        }
        if let Some(plain) = PlainCrl::parse(&der) {
            self.store.plain_crls.push(plain);
            return Ok(());
        }
        let crl = OwnedCertRevocationList::from_der(&der).map_err(|error| error.to_string())?;
        let (_, parsed) =
            CertificateRevocationList::from_der(&der).map_err(|error| error.to_string())?;
        self.crls
            .push((parsed.last_update().timestamp(), crl.into()));
        Ok(())
    }

    pub(super) fn finish(mut self) -> TrustStore {
        self.crls
            .sort_by_key(|(issued, _)| std::cmp::Reverse(*issued));
        self.store.crls = self.crls.into_iter().map(|(_, crl)| crl).collect();
        self.store
    }
}

/// A root says it is a CA, or is of version 1 and could not say so.
fn may_be_root(certificate: &Certificate<'_>) -> bool {
    certificate.is_ca() || certificate.x509.version().0 == 0
}

fn read_file(path: &Path) -> Result<Vec<u8>, String> {
    let metadata = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if !metadata.is_file() || metadata.len() > MAX_FILE {
        return Err("not a regular file of sensible size".to_owned());
    }
    std::fs::read(path).map_err(|error| error.to_string())
}
