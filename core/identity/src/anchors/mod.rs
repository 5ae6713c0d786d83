//! The trust directory: hashed CA files, CRLs and signing policies, read whole and swapped whole.
//!
//! `verify` takes a snapshot per chain; the server asks for a reload every few minutes. Files that
//! cannot be read are logged and skipped, so one broken CA does not stop the others.
//!
//! # Invariants
//! - Self-signed certificates are anchors; other CA certificates found there only help to build
//!   paths and need an anchor above them, as with OpenSSL.
//! - A reload that fails as a whole leaves the old snapshot in force.

mod reading;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use rustls_pki_types::{CertificateDer, TrustAnchor};
use webpki::CertRevocationList;

use self::reading::Reading;
use crate::crl::PlainCrl;
use crate::signing_policy::SigningPolicies;

/// Where CA files lie when nothing else is configured.
pub const DEFAULT_TRUST_DIRECTORY: &str = "/etc/grid-security/certificates";

/// Why the directory as a whole could not be used.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The directory is not there or not readable.
    #[error(
        "read trust directory {path}: {source}; install the CA certificates there (for example the \
         IGTF bundle ca-policy-egi-core) or configure another trust directory"
    )]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// The trust directory and its current content.
#[derive(Debug)]
pub struct TrustDirectory {
    path: PathBuf,
    current: ArcSwap<TrustStore>,
    generation: AtomicU64,
}

/// What a directory held when it was read.
#[derive(Debug, Default)]
pub struct TrustStore {
    pub(crate) anchors: Vec<TrustAnchor<'static>>,
    /// Validity of each anchor, which the path library does not look at.
    windows: Vec<Window>,
    pub(crate) intermediates: Vec<CertificateDer<'static>>,
    /// Newest first, so that a fresh list wins over an old one of the same CA.
    pub(crate) crls: Vec<CertRevocationList<'static>>,
    /// Lists of version 1.
    pub(crate) plain_crls: Vec<PlainCrl>,
    pub(crate) policies: SigningPolicies,
    skipped: usize,
}

#[derive(Debug)]
struct Window {
    not_before: u64,
    not_after: u64,
}

impl TrustDirectory {
    /// Reads the directory for the first time.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, TrustError> {
        let path = path.into();
        let store = TrustStore::read(&path)?;
        Ok(Self {
            path,
            current: ArcSwap::from_pointee(store),
            generation: AtomicU64::new(0),
        })
    }

    /// Reads the directory again and puts the result in force.
    pub fn reload(&self) -> Result<(), TrustError> {
        self.current.store(Arc::new(TrustStore::read(&self.path)?));
        // After the store: whoever sees the new number judges by the new content.
        self.generation.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Number of the content that is in force; another one after every reload.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// What is in force now.
    pub fn snapshot(&self) -> Arc<TrustStore> {
        self.current.load_full()
    }
}

impl TrustStore {
    fn read(directory: &Path) -> Result<Self, TrustError> {
        let failed = |source| TrustError::Directory {
            path: directory.to_owned(),
            source,
        };
        let mut names: Vec<PathBuf> = Vec::new();
        for entry in std::fs::read_dir(directory).map_err(failed)? {
            names.push(entry.map_err(failed)?.path());
        }
        names.sort();
        let mut reading = Reading::default();
        for path in names {
            if let Err(reason) = reading.file(&path) {
                tracing::warn!(path = %path.display(), reason, "skipped a file of the trust directory");
                reading.store.skipped += 1;
            }
        }
        Ok(reading.finish())
    }

    /// Number of trust anchors.
    pub fn anchor_count(&self) -> usize {
        self.anchors.len()
    }

    /// Number of revocation lists.
    pub fn crl_count(&self) -> usize {
        self.crls.len() + self.plain_crls.len()
    }

    /// Number of files that could not be used.
    pub fn skipped_count(&self) -> usize {
        self.skipped
    }

    /// True when an anchor with this name and key is valid at that time.
    pub(crate) fn is_anchor_valid(&self, anchor: &TrustAnchor<'_>, now: u64) -> bool {
        self.anchors
            .iter()
            .zip(&self.windows)
            .any(|(known, window)| {
                known.subject == anchor.subject
                    && known.subject_public_key_info == anchor.subject_public_key_info
                    && (window.not_before..=window.not_after).contains(&now)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::issue::{Authority, DAY, write_trust_directory};

    const NOW: u64 = 1_700_000_000;

    #[test]
    fn reads_each_authority_once_and_skips_what_is_broken() {
        let dir = tempfile::tempdir().unwrap();
        let ca = Authority::new("/DC=ch/DC=test/CN=CA", NOW, DAY).unwrap();
        write_trust_directory(dir.path(), &ca).unwrap();
        std::fs::write(dir.path().join("00000000.0"), "junk").unwrap();
        std::fs::write(dir.path().join("00000000.r0"), "junk").unwrap();
        std::fs::write(dir.path().join("README"), "not ours").unwrap();
        let store = TrustStore::read(dir.path()).unwrap();
        assert_eq!(
            (
                store.anchor_count(),
                store.crl_count(),
                store.skipped_count()
            ),
            (1, 0, 2)
        );
        assert!(store.is_anchor_valid(&store.anchors[0], NOW));
        assert!(!store.is_anchor_valid(&store.anchors[0], NOW + 2 * DAY));
    }

    #[test]
    fn a_missing_directory_says_what_to_do() {
        let text = TrustDirectory::open("/nonexistent/certificates")
            .unwrap_err()
            .to_string();
        assert!(
            text.contains("/nonexistent/certificates") && text.contains("install"),
            "{text}"
        );
    }

    #[test]
    fn a_reload_sees_new_files_and_a_failed_one_keeps_the_old() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("certificates");
        std::fs::create_dir(&inner).unwrap();
        let trust = TrustDirectory::open(&inner).unwrap();
        assert_eq!(trust.snapshot().anchor_count(), 0);
        let ca = Authority::new("/DC=ch/DC=test/CN=CA", NOW, DAY).unwrap();
        write_trust_directory(&inner, &ca).unwrap();
        trust.reload().unwrap();
        assert_eq!(trust.snapshot().anchor_count(), 1);
        std::fs::remove_dir_all(&inner).unwrap();
        assert!(trust.reload().is_err());
        assert_eq!(trust.snapshot().anchor_count(), 1);
    }
}
