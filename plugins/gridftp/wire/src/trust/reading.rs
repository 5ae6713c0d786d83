//! Reading the files of a trust directory one by one into a store.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer};
use webpki::OwnedCertRevocationList;
use x509_parser::prelude::{CertificateRevocationList, FromDer};

use super::Store;
use crate::x509::certificate::signed_parts;
use crate::x509::{Certificate, der, signature};

/// Larger files than this are no CA files.
const MAX_FILE: u64 = 64 * 1024 * 1024;

/// A store while its files are read. CA directories hold each CA under two or three names.
#[derive(Default)]
pub(super) struct Reading {
    store: Store,
    seen: HashSet<Vec<u8>>,
    crls: Vec<(i64, webpki::CertRevocationList<'static>)>,
}

impl Reading {
    /// Reads a directory, or one file of PEM certificates.
    pub(super) fn path(&mut self, path: &Path) -> std::io::Result<()> {
        if !path.is_dir() {
            return match self.certificates(&std::fs::read(path)?) {
                Some(()) => Ok(()),
                None => Err(std::io::Error::other("no certificate can be read from it")),
            };
        }
        let mut names: Vec<PathBuf> = Vec::new();
        for entry in std::fs::read_dir(path)? {
            names.push(entry?.path());
        }
        names.sort();
        for name in names {
            // Nothing: one of hundreds of files is broken; whoever it stood for is not trusted.
            let _skipped = self.file(&name);
        }
        Ok(())
    }

    fn file(&mut self, path: &Path) -> Option<()> {
        let extension = path.extension()?.to_str()?;
        let is_number = |it: &str| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_digit());
        let metadata = std::fs::metadata(path).ok()?; // unreadable: left out
        if !metadata.is_file() || metadata.len() > MAX_FILE {
            return None;
        }
        let bytes = std::fs::read(path).ok()?; // unreadable: left out
        match extension {
            "pem" | "crt" => self.certificates(&bytes),
            "signing_policy" => {
                self.store.policies.add(&String::from_utf8_lossy(&bytes));
                Some(())
            }
            it if is_number(it) => self.certificates(&bytes),
            it if it.strip_prefix('r').is_some_and(is_number) => self.crl(&bytes),
            _ => None,
        }
    }

    fn certificates(&mut self, bytes: &[u8]) -> Option<()> {
        if bytes.first() == Some(&der::SEQUENCE) {
            return self.certificate(CertificateDer::from(bytes.to_vec()));
        }
        let mut found = None;
        for certificate in CertificateDer::pem_slice_iter(bytes) {
            // One that cannot be read does not make the others worse.
            found = self.certificate(certificate.ok()?).or(found);
        }
        found
    }

    fn certificate(&mut self, certificate: CertificateDer<'static>) -> Option<()> {
        if !self.seen.insert(certificate.to_vec()) {
            return Some(());
        }
        let parsed = Certificate::parse(&certificate).ok()?; // left out
        if !parsed.is_self_issued() {
            self.store.intermediates.push(certificate.clone());
            return Some(());
        }
        // A root says it is a CA, or is of version 1 and could not say so.
        if !parsed.is_ca() && parsed.x509.version().0 != 0 {
            return None;
        }
        let anchor = webpki::anchor_from_trusted_cert(&certificate).ok()?; // left out
        let window = (parsed.not_before(), parsed.not_after());
        self.store.windows.push(window);
        self.store.anchors.push(anchor.to_owned());
        Some(())
    }

    fn crl(&mut self, bytes: &[u8]) -> Option<()> {
        let der = match bytes.first() {
            Some(&der::SEQUENCE) => bytes.to_vec(),
            _ => CertificateRevocationListDer::from_pem_slice(bytes)
                .ok()?
                .to_vec(),
        };
        if !self.seen.insert(der.clone()) {
            return Some(());
        }
        if let Some(plain) = PlainCrl::parse(&der) {
            self.store.plain_crls.push(plain);
            return Some(());
        }
        let crl = OwnedCertRevocationList::from_der(&der).ok()?; // left out
        let (_, parsed) = CertificateRevocationList::from_der(&der).ok()?; // left out
        self.crls
            .push((parsed.last_update().timestamp(), crl.into()));
        Some(())
    }

    /// The newest list of a CA first: the library takes the first that fits.
    pub(super) fn finish(mut self) -> Store {
        self.crls
            .sort_by_key(|(issued, _)| std::cmp::Reverse(*issued));
        self.store.crls = self.crls.into_iter().map(|(_, crl)| crl).collect();
        self.store
    }
}

/// A revocation list of version 1, which the path library cannot read. Small authorities still
/// publish them; to skip one would silently forget what the CA revoked.
#[derive(Debug)]
pub(super) struct PlainCrl {
    der: Vec<u8>,
    issuer: Vec<u8>,
    serials: HashSet<Vec<u8>>,
}

impl PlainCrl {
    fn parse(der: &[u8]) -> Option<Self> {
        let (rest, crl) = CertificateRevocationList::from_der(der).ok()?; // not a list
        let is_plain = crl.version().is_none_or(|it| it.0 == 0) && crl.extensions().is_empty();
        if !rest.is_empty() || !is_plain {
            return None;
        }
        signed_parts(der)?;
        let serials = crl
            .iter_revoked_certificates()
            .map(|it| without_zeros(it.raw_serial()).to_vec())
            .collect();
        let issuer = crl.issuer().as_raw().to_vec();
        Some(Self {
            der: der.to_vec(),
            issuer,
            serials,
        })
    }

    /// True when this is a list of that authority, by its key, and names the serial.
    pub(super) fn revokes(&self, issuer: &[u8], key: &[u8], serial: &[u8]) -> bool {
        self.issuer == issuer
            && self.serials.contains(without_zeros(serial))
            && signed_parts(&self.der).is_some_and(|it| signature::is_own_signature(key, &it))
    }
}

fn without_zeros(serial: &[u8]) -> &[u8] {
    let zeros = serial.iter().take_while(|byte| **byte == 0).count();
    &serial[zeros..]
}
