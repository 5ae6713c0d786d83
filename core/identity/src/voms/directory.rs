//! The vomsdir: which servers may speak for which VO, read whole and swapped whole.
//!
//! One folder for each VO holds `<host>.lsc` files or the certificates themselves; certificates
//! that lie at the top speak for every VO. The server asks for a reload together with the trust
//! directory. Files that cannot be read are logged and skipped, so that one broken VO does not stop
//! the others.
//!
//! # Invariants
//! - A VO or host name out of a certificate is only ever looked up here; it never becomes a path.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use rustls_pki_types::CertificateDer;

use super::lsc::Lsc;
use crate::pki::parse_chain_pem;

/// Where the issuers lie when nothing else is configured.
pub const DEFAULT_VOMS_DIRECTORY: &str = "/etc/grid-security/vomsdir";

/// Larger files than this describe no issuer.
const MAX_FILE: u64 = 1024 * 1024;

/// The vomsdir and its current content.
#[derive(Debug)]
pub struct VomsDirectory {
    path: PathBuf,
    current: ArcSwap<VomsIssuers>,
    generation: AtomicU64,
}

/// What a vomsdir held when it was read.
#[derive(Debug, Default)]
pub struct VomsIssuers {
    by_vo: HashMap<String, VoIssuers>,
    /// Speak for every VO.
    general: Vec<CertificateDer<'static>>,
    skipped: usize,
}

#[derive(Debug, Default)]
struct VoIssuers {
    by_host: HashMap<String, Lsc>,
    certificates: Vec<CertificateDer<'static>>,
}

impl VomsDirectory {
    /// Reads the directory for the first time. Without one nobody speaks for any VO.
    pub fn open(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let issuers = VomsIssuers::read(&path).unwrap_or_else(|source| {
            tracing::info!(path = %path.display(), %source, "no vomsdir; VO attributes are ignored");
            VomsIssuers::default()
        });
        Self {
            path,
            current: ArcSwap::from_pointee(issuers),
            generation: AtomicU64::new(0),
        }
    }

    /// Reads the directory again and puts the result in force.
    ///
    /// # Errors
    /// The directory is not there or not readable; what was in force stays.
    pub fn reload(&self) -> std::io::Result<()> {
        self.current.store(Arc::new(VomsIssuers::read(&self.path)?));
        // After the store: whoever sees the new number judges by the new content.
        self.generation.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Number of the content that is in force; another one after every reload.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// What is in force now.
    pub fn snapshot(&self) -> Arc<VomsIssuers> {
        self.current.load_full()
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl VomsIssuers {
    fn read(directory: &Path) -> std::io::Result<Self> {
        let mut issuers = Self::default();
        for entry in sorted(directory)? {
            if !entry.is_dir() {
                let read = read_certificates(&entry);
                issuers.take(&entry, read, |issuers, read| issuers.general.extend(read));
                continue;
            }
            let Some(vo) = entry.file_name().and_then(|name| name.to_str()) else {
                continue; // a VO's name is plain text
            };
            let vo = vo.to_owned();
            match sorted(&entry) {
                Ok(files) => files.iter().for_each(|file| issuers.vo_file(&vo, file)),
                Err(error) => issuers.skip(&entry, &error.to_string()),
            }
        }
        Ok(issuers)
    }

    fn vo_file(&mut self, vo: &str, file: &Path) {
        let host = file.file_name().and_then(|name| name.to_str());
        match host.and_then(|name| name.strip_suffix(".lsc")) {
            Some(host) => {
                let host = host.to_ascii_lowercase();
                self.take(file, read_lsc(file), |issuers, lsc| {
                    if let Some(lsc) = lsc {
                        issuers.vo(vo).by_host.insert(host, lsc);
                    }
                });
            }
            None => self.take(file, read_certificates(file), |issuers, read| {
                issuers.vo(vo).certificates.extend(read);
            }),
        }
    }

    fn vo(&mut self, vo: &str) -> &mut VoIssuers {
        self.by_vo.entry(vo.to_owned()).or_default()
    }

    fn take<T>(&mut self, file: &Path, read: Result<T, String>, use_it: impl FnOnce(&mut Self, T)) {
        match read {
            Ok(read) => use_it(self, read),
            Err(reason) => self.skip(file, &reason),
        }
    }

    fn skip(&mut self, file: &Path, reason: &str) {
        tracing::warn!(path = %file.display(), reason, "skipped a file of the vomsdir");
        self.skipped += 1;
    }

    /// The description of a VO's server.
    pub(crate) fn lsc(&self, vo: &str, host: &str) -> Option<&Lsc> {
        self.by_vo.get(vo)?.by_host.get(&host.to_ascii_lowercase())
    }

    /// Certificates that may speak for a VO, its own before those of every VO.
    pub(crate) fn certificates(&self, vo: &str) -> impl Iterator<Item = &CertificateDer<'static>> {
        let own = self.by_vo.get(vo).map(|vo| vo.certificates.as_slice());
        own.unwrap_or_default().iter().chain(&self.general)
    }

    /// Number of VOs somebody speaks for.
    pub fn vo_count(&self) -> usize {
        self.by_vo.len()
    }

    /// Number of files that could not be used.
    pub fn skipped_count(&self) -> usize {
        self.skipped
    }
}

fn sorted(directory: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries: std::io::Result<Vec<_>> = std::fs::read_dir(directory)?.collect();
    let mut paths: Vec<PathBuf> = entries?.into_iter().map(|entry| entry.path()).collect();
    paths.sort();
    Ok(paths)
}

/// An empty file describes nobody and is no mistake.
fn read_lsc(file: &Path) -> Result<Option<Lsc>, String> {
    let bytes = read(file)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    let lsc = Lsc::parse(&String::from_utf8_lossy(&bytes));
    lsc.map(Some).map_err(|error| error.to_string())
}

/// Files of other kinds lie there, too; only what calls itself a certificate must be one.
fn read_certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    match file.extension().and_then(|it| it.to_str()) {
        Some("pem" | "crt") => parse_chain_pem(&read(file)?).map_err(|error| error.to_string()),
        _ => Ok(Vec::new()),
    }
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    let metadata = std::fs::metadata(file).map_err(|error| error.to_string())?;
    if !metadata.is_file() || metadata.len() > MAX_FILE {
        return Err("not a regular file of sensible size".to_owned());
    }
    std::fs::read(file).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_there_and_skips_what_is_broken() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("atlas/voms.Example.org.lsc", "/CN=voms\n/CN=CA\n");
        write("atlas/other.example.org.lsc", "/CN=odd\n");
        write("atlas/empty.example.org.lsc", "");
        write("atlas/README", "not ours");
        write("cms/broken.pem", "junk");
        write("broken.pem", "junk");
        let directory = VomsDirectory::open(dir.path());
        let issuers = directory.snapshot();
        assert_eq!((issuers.vo_count(), issuers.skipped_count()), (1, 3));
        assert!(issuers.lsc("atlas", "VOMS.example.ORG").is_some());
        for (vo, host) in [
            ("cms", "voms.example.org"),
            ("atlas", "other.example.org"),
            ("atlas", "empty.example.org"),
            ("../atlas", "voms.example.org"),
        ] {
            assert!(issuers.lsc(vo, host).is_none(), "{vo} {host}");
        }
        std::fs::remove_dir_all(dir.path()).unwrap();
        assert!(directory.reload().is_err());
        assert_eq!(directory.snapshot().vo_count(), 1);
    }
}
