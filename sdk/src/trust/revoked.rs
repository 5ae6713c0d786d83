//! Revocation lists: what has to be passed over, and who is told of it.
//!
//! # Invariants
//! - The log is told once of a list that cannot be used, and again only after it could be, or was not there:
//!   `the_log_is_told_once_of_a_broken_list`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::client::{VerifierBuilderError, WebPkiServerVerifier};
use rustls_pki_types::CertificateRevocationListDer;
use rustls_pki_types::pem::PemObject;

use super::Trust;
use crate::LogLevel;

type List = CertificateRevocationListDer<'static>;

impl Trust {
    /// Those that can be used. The log is told of the others, unless it was before; `passed_over` are they
    /// afterwards.
    pub(super) fn usable_lists(
        &self,
        roots: &Arc<RootCertStore>,
        files: Vec<PathBuf>,
        passed_over: &mut BTreeSet<PathBuf>,
    ) -> Vec<List> {
        let mut usable = Vec::new();
        let mut broken = BTreeSet::new();
        for file in files {
            match self.usable_list(roots, &file) {
                Ok(list) => usable.push(list),
                Err(why) => {
                    if !passed_over.contains(&file) {
                        self.tell_of_broken(&file, &why);
                    }
                    broken.insert(file);
                }
            }
        }
        *passed_over = broken;
        usable
    }

    fn tell_of_broken(&self, file: &Path, why: &str) {
        let file = file.display();
        let text =
            format!("revocation list {file} is passed over, what it revokes is believed: {why}");
        self.host.log(LogLevel::Warn, &text);
    }

    /// One broken list must not make all servers unreachable, so each is tried alone.
    fn usable_list(&self, roots: &Arc<RootCertStore>, file: &Path) -> Result<List, String> {
        let bytes = std::fs::read(file).map_err(|source| source.to_string())?;
        let list = List::from_pem_slice(&bytes).unwrap_or_else(|_| List::from(bytes));
        let built = self.build(roots.clone(), vec![list.clone()]);
        built.map_err(|source| source.to_string())?;
        Ok(list)
    }

    pub(super) fn build(
        &self,
        roots: Arc<RootCertStore>,
        lists: Vec<List>,
    ) -> Result<Arc<WebPkiServerVerifier>, VerifierBuilderError> {
        // A CA without a list is normal, and a list that ran out still names the revoked.
        WebPkiServerVerifier::builder_with_provider(roots, self.provider.clone())
            .with_crls(lists)
            .allow_unknown_revocation_status()
            .build()
    }
}

/// `HASH.r0`, as hashed directories name them.
pub(super) fn is_list(path: &Path) -> bool {
    let extension = path.extension().and_then(|it| it.to_str()).unwrap_or("");
    let digits = extension.strip_prefix('r').unwrap_or("");
    !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::Host;
    use crate::trust::TrustPlaces;

    /// Trust in a directory with an authority, a broken list and a file that is neither; and what is logged.
    fn with_broken_list(dir: &Path) -> (Trust, Arc<Mutex<Vec<String>>>) {
        let any = rcgen::generate_simple_self_signed(vec!["ca".into()]).unwrap();
        std::fs::write(dir.join("0a1b2c3d.0"), any.cert.pem()).unwrap();
        std::fs::write(dir.join("0a1b2c3d.r0"), "no list").unwrap();
        std::fs::write(dir.join("README"), "no certificate").unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&lines);
        let host = Host::new(move |level, text| {
            kept.lock().unwrap().push(format!("{level:?} {text}"));
        });
        let places = TrustPlaces {
            ca_dir: Some(dir.into()),
            ca_file: None,
            system_ca_dir: "/nowhere".into(),
        };
        (Trust::new(places).with_host(&host), lines)
    }

    /// A list that an authority has signed, and which names nobody.
    fn good_list() -> String {
        let mut authority = rcgen::CertificateParams::new(vec!["ca".into()]).unwrap();
        authority.key_usages = vec![rcgen::KeyUsagePurpose::CrlSign];
        let issuer = rcgen::Issuer::new(authority, rcgen::KeyPair::generate().unwrap());
        let list = rcgen::CertificateRevocationListParams {
            this_update: rcgen::date_time_ymd(2026, 1, 1),
            next_update: rcgen::date_time_ymd(2099, 1, 1),
            crl_number: rcgen::SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: Vec::new(),
            key_identifier_method: rcgen::KeyIdMethod::Sha256,
        };
        list.signed_by(&issuer).unwrap().pem().unwrap()
    }

    #[test]
    fn a_broken_file_among_good_ones_does_no_harm() {
        let dir = tempfile::tempdir().unwrap();
        let (trust, lines) = with_broken_list(dir.path());
        assert!(trust.client(None).is_ok());
        let lines = lines.lock().unwrap();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].starts_with("Warn revocation list "), "{lines:?}");
        assert!(lines[0].contains("0a1b2c3d.r0 is passed over"), "{lines:?}");
    }

    #[test]
    fn the_log_is_told_once_of_a_broken_list() {
        let dir = tempfile::tempdir().unwrap();
        let (trust, lines) = with_broken_list(dir.path());
        let list = dir.path().join("0a1b2c3d.r0");
        let told = || {
            // As if the last time was long ago.
            trust.loaded.lock().unwrap().verifier = None;
            assert!(trust.client(None).is_ok());
            lines.lock().unwrap().len()
        };
        assert_eq!((told(), told()), (1, 1));
        // Another one is another matter.
        std::fs::write(dir.path().join("ffffffff.r0"), "no list").unwrap();
        assert_eq!((told(), told()), (2, 2));
        std::fs::write(&list, good_list()).unwrap();
        assert_eq!(told(), 2);
        std::fs::write(&list, "no list").unwrap();
        assert_eq!((told(), told()), (3, 3));
    }

    #[test]
    fn lists_are_told_from_certificates() {
        assert!(is_list(Path::new("/x/0a1b2c3d.r0")));
        assert!(!is_list(Path::new("/x/0a1b2c3d.0")));
        assert!(!is_list(Path::new("/x/0a1b2c3d.rx")));
    }
}
