//! Certificates on both sides of a TLS connection: which servers are believed, and what identity is
//! shown to them. For native plugins (feature `trust`); a component has its host do this.
//!
//! Reads CA directories as the grid lays them out (`HASH.0`, `HASH.r0`) and as operating systems
//! do. Trust is read anew every few minutes, so a rolled CA needs no restart. A server's host name
//! is always verified; there is no switch. It knows no protocol above TLS.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::CryptoProvider;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::{Error, ErrorKind, Host, Result, Secret};

mod failure;
mod revoked;

pub use failure::tls_error;

/// Trust older than this is read again.
const RELOAD: Duration = Duration::from_secs(600);
const GRID_CA_DIR: &str = "/etc/grid-security/certificates";

/// Where CA certificates are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustPlaces {
    /// Directory of CA certificates and revocation lists.
    pub ca_dir: Option<PathBuf>,
    /// File of further CA certificates.
    pub ca_file: Option<PathBuf>,
    /// Where the operating system keeps its CA certificates. Looked at when neither of the others is
    /// named, `X509_CERT_DIR` is not set and there is no `/etc/grid-security/certificates`.
    pub system_ca_dir: PathBuf,
}

impl TrustPlaces {
    /// Directories to read: what the operator named and nothing else, or the grid's, or the system's.
    /// With `and_system` the grid's and the system's.
    fn directories(&self, grid: Option<PathBuf>, and_system: bool) -> Vec<PathBuf> {
        if self.ca_dir.is_some() || self.ca_file.is_some() {
            return self.ca_dir.clone().into_iter().collect();
        }
        let system = Some(self.system_ca_dir.clone());
        let system = match &grid {
            None => system,
            Some(_) => system.filter(|it| and_system && it.is_dir()),
        };
        grid.into_iter().chain(system).collect()
    }
}

/// The grid's CA directory: as the environment says, else the usual one where there is one.
fn grid_directory() -> Option<PathBuf> {
    let from_environment = std::env::var_os("X509_CERT_DIR").map(PathBuf::from);
    from_environment.or_else(|| Some(PathBuf::from(GRID_CA_DIR)).filter(|it| it.is_dir()))
}

/// Makes TLS settings from what is trusted.
pub struct Trust {
    places: TrustPlaces,
    and_system: bool,
    host: Host,
    provider: Arc<CryptoProvider>,
    loaded: Mutex<Loaded>,
}

#[derive(Default)]
struct Loaded {
    verifier: Option<(Instant, Arc<WebPkiServerVerifier>)>,
    /// Revocation lists that are passed over, as the log was told.
    passed_over: BTreeSet<PathBuf>,
}

impl Trust {
    /// Trust as these places say; nothing is read yet.
    pub fn new(places: TrustPlaces) -> Self {
        Self {
            places,
            and_system: false,
            host: Host::silent(),
            provider: Arc::new(rustls::crypto::aws_lc_rs::default_provider()),
            loaded: Mutex::default(),
        }
    }

    /// Trusts the system's CAs besides the grid's, for services that companies run as well as sites.
    /// Where the operator names a directory or a file, these alone count all the same.
    #[must_use]
    pub fn with_system(mut self) -> Self {
        self.and_system = true;
        self
    }

    /// Tells a gateway's log of revocation lists that cannot be used. They are passed over.
    #[must_use]
    pub fn with_host(mut self, host: &Host) -> Self {
        self.host = host.clone();
        self
    }

    /// TLS settings of a client that shows this identity (certificates and key, PEM), or none.
    ///
    /// # Errors
    /// [`ErrorKind::AuthRequired`] for an identity that cannot be used, [`ErrorKind::Internal`] when
    /// no CA certificate can be read.
    pub fn client(&self, identity: Option<&Secret>) -> Result<ClientConfig> {
        let builder = ClientConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|source| internal("set up TLS", source))?
            .with_webpki_verifier(self.verifier()?);
        Ok(match identity {
            None => builder.with_no_client_auth(),
            // Not `with_client_auth_cert`: that parses the leaf and stumbles over the critical
            // extension of a proxy (RFC 3820).
            Some(pem) => builder
                .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(self.identity(pem)?))),
        })
    }

    fn identity(&self, pem: &Secret) -> Result<CertifiedKey> {
        let invalid = |why: &str| {
            let text = format!("use the X.509 credential: {why}");
            Error::new(ErrorKind::AuthRequired, text)
        };
        let text = pem.expose().as_bytes();
        let chain = CertificateDer::pem_slice_iter(text)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| invalid("its certificates cannot be read"))?;
        if chain.is_empty() {
            return Err(invalid("it has no certificate"));
        }
        let key = PrivateKeyDer::from_pem_slice(text)
            .map_err(|_| invalid("it has no private key that can be read"))?;
        let key = self.provider.key_provider.load_private_key(key);
        let key = key.map_err(|_| invalid("its private key is of an unknown kind"))?;
        Ok(CertifiedKey::new(chain, key))
    }

    fn verifier(&self) -> Result<Arc<WebPkiServerVerifier>> {
        // What it guards is replaced one by one in single steps, so a panic elsewhere leaves each whole.
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((since, verifier)) = &loaded.verifier
            && since.elapsed() < RELOAD
        {
            return Ok(verifier.clone());
        }
        let verifier = self.load(&mut loaded.passed_over)?;
        loaded.verifier = Some((Instant::now(), verifier.clone()));
        Ok(verifier)
    }

    fn load(&self, passed_over: &mut BTreeSet<PathBuf>) -> Result<Arc<WebPkiServerVerifier>> {
        let mut files = Vec::new();
        for directory in self.places.directories(grid_directory(), self.and_system) {
            files.extend(files_of(&directory)?);
        }
        let (lists, cas): (Vec<_>, Vec<_>) = files.into_iter().partition(|it| revoked::is_list(it));
        let mut roots = RootCertStore::empty();
        for file in cas {
            // A directory of hundreds of files has one that is none; the others still count.
            if let Ok(certificates) = certificates(&file) {
                roots.add_parsable_certificates(certificates);
            }
        }
        if let Some(file) = &self.places.ca_file {
            let failed = |why| internal(&format!("read {}", file.display()), why);
            roots.add_parsable_certificates(certificates(file).map_err(failed)?);
        }
        if roots.is_empty() {
            let text = "trust any server: no CA certificate found (options ca_dir, ca_file)";
            return Err(Error::new(ErrorKind::Internal, text));
        }
        let roots = Arc::new(roots);
        let usable = self.usable_lists(&roots, lists, passed_over);
        let verifier = self.build(roots, usable);
        verifier.map_err(|source| internal("set up trust", source))
    }
}

fn internal(what: &str, source: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Internal, format!("{what}: {source}"))
}

fn files_of(dir: &Path) -> Result<Vec<PathBuf>> {
    let failed = |source| internal(&format!("read CA directory {}", dir.display()), source);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    Ok(files)
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    CertificateDer::pem_file_iter(file)
        .map_err(|source| source.to_string())?
        .collect::<Result<_, _>>()
        .map_err(|source| source.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trust(dir: &Path) -> Trust {
        Trust::new(TrustPlaces {
            ca_dir: Some(dir.into()),
            ca_file: None,
            system_ca_dir: "/nowhere".into(),
        })
    }

    #[test]
    fn the_systems_authorities_count_beside_the_grids_only_when_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let (grid, system) = (PathBuf::from("/grid"), dir.path().to_path_buf());
        let mut places = TrustPlaces {
            ca_dir: None,
            ca_file: None,
            system_ca_dir: system.clone(),
        };
        let both = [grid.clone(), system];
        assert_eq!(places.directories(None, false), both[1..]);
        assert_eq!(places.directories(None, true), both[1..]);
        assert_eq!(places.directories(Some(grid.clone()), false), both[..1]);
        assert_eq!(places.directories(Some(grid.clone()), true), both);
        // What the operator names is all there is.
        places.ca_file = Some("/own.pem".into());
        assert!(places.directories(Some(grid.clone()), true).is_empty());
        places.ca_dir = Some("/own".into());
        assert_eq!(
            places.directories(Some(grid), true),
            [PathBuf::from("/own")]
        );
    }

    #[test]
    fn without_any_ca_nothing_is_trusted() {
        let dir = tempfile::tempdir().unwrap();
        let error = trust(dir.path()).client(None).unwrap_err();
        assert!(error.message().contains("ca_dir"), "{error}");
    }

    #[test]
    fn a_bad_credential_is_refused_without_showing_it() {
        let dir = tempfile::tempdir().unwrap();
        let text = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n";
        let error = trust(dir.path()).identity(&Secret::new(text)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AuthRequired);
        assert!(!format!("{error:?}").contains("c2VjcmV0"));
    }
}
