//! Certificates on both sides: which servers are believed, and what identity is shown to them.
//!
//! Reads CA directories as the grid lays them out (`HASH.0`, `HASH.r0`) and as operating systems
//! do. Trust is read anew every few minutes, so a rolled CA needs no restart. A server's host name
//! is always verified; there is no switch.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use causeway_sdk::{Error, ErrorKind, Result, Secret};
use parking_lot::Mutex;
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::CryptoProvider;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};

use crate::Config;
use crate::error::internal;

/// Trust older than this is read again.
const RELOAD: Duration = Duration::from_secs(600);
const GRID_CA_DIR: &str = "/etc/grid-security/certificates";

/// Makes TLS settings from the configured trust.
pub(crate) struct Trust {
    ca_dir: Option<PathBuf>,
    ca_file: Option<PathBuf>,
    provider: Arc<CryptoProvider>,
    loaded: Mutex<Option<(Instant, Arc<WebPkiServerVerifier>)>>,
}

impl Trust {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            ca_dir: ca_dir(config),
            ca_file: config.ca_file.clone(),
            provider: Arc::new(rustls::crypto::aws_lc_rs::default_provider()),
            loaded: Mutex::new(None),
        }
    }

    /// TLS settings of a client that shows this identity, or none.
    pub(crate) fn client(&self, identity: Option<&Secret>) -> Result<ClientConfig> {
        let builder = ClientConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|source| internal("set up TLS", source))?
            .with_webpki_verifier(self.verifier()?);
        let mut tls = match identity {
            None => builder.with_no_client_auth(),
            // Not `with_client_auth_cert`: that parses the leaf and stumbles over the critical
            // extension of a proxy (RFC 3820).
            Some(pem) => builder
                .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(self.identity(pem)?))),
        };
        // One transfer, one connection: HTTP/2 would put many on one and share its window.
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(tls)
    }

    fn identity(&self, pem: &Secret) -> Result<CertifiedKey> {
        let invalid = |why: &str| {
            Error::new(
                ErrorKind::AuthRequired,
                format!("use the X.509 credential: {why}"),
            )
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
        let key = self
            .provider
            .key_provider
            .load_private_key(key)
            .map_err(|_| invalid("its private key is of an unknown kind"))?;
        Ok(CertifiedKey::new(chain, key))
    }

    fn verifier(&self) -> Result<Arc<WebPkiServerVerifier>> {
        let mut loaded = self.loaded.lock();
        if let Some((since, verifier)) = &*loaded
            && since.elapsed() < RELOAD
        {
            return Ok(verifier.clone());
        }
        let verifier = self.load()?;
        *loaded = Some((Instant::now(), verifier.clone()));
        Ok(verifier)
    }

    fn load(&self) -> Result<Arc<WebPkiServerVerifier>> {
        let mut files = Vec::new();
        if let Some(dir) = &self.ca_dir {
            files = files_of(dir)?;
        }
        let (lists, cas): (Vec<_>, Vec<_>) = files.into_iter().partition(|it| is_crl(it));
        let mut roots = RootCertStore::empty();
        for file in cas {
            // A directory of hundreds of files has one that is none; the others still count.
            if let Ok(certificates) = read_certificates(&file) {
                roots.add_parsable_certificates(certificates);
            }
        }
        if let Some(file) = &self.ca_file {
            let certificates = read_certificates(file)
                .map_err(|why| internal(&format!("read {}", file.display()), why))?;
            roots.add_parsable_certificates(certificates);
        }
        if roots.is_empty() {
            let text = "trust any server: no CA certificate found (options ca_dir, ca_file)";
            return Err(Error::new(ErrorKind::Internal, text));
        }
        let roots = Arc::new(roots);
        let lists = lists
            .iter()
            .filter_map(|it| self.usable_crl(&roots, it))
            .collect::<Vec<_>>();
        self.build(roots, lists)
            .map_err(|source| internal("set up trust", source))
    }

    fn build(
        &self,
        roots: Arc<RootCertStore>,
        lists: Vec<CertificateRevocationListDer<'static>>,
    ) -> Result<Arc<WebPkiServerVerifier>, rustls::client::VerifierBuilderError> {
        // A CA without a list is normal, and a list that ran out still names the revoked.
        WebPkiServerVerifier::builder_with_provider(roots, self.provider.clone())
            .with_crls(lists)
            .allow_unknown_revocation_status()
            .build()
    }

    /// One broken list must not make all servers unreachable, so each is tried alone.
    fn usable_crl(
        &self,
        roots: &Arc<RootCertStore>,
        file: &Path,
    ) -> Option<CertificateRevocationListDer<'static>> {
        let bytes = std::fs::read(file).ok()?;
        let list = CertificateRevocationListDer::from_pem_slice(&bytes)
            .unwrap_or_else(|_| CertificateRevocationListDer::from(bytes));
        self.build(roots.clone(), vec![list.clone()]).ok()?;
        Some(list)
    }
}

fn ca_dir(config: &Config) -> Option<PathBuf> {
    if config.ca_dir.is_some() || config.ca_file.is_some() {
        return config.ca_dir.clone();
    }
    let from_environment = std::env::var_os("X509_CERT_DIR").map(PathBuf::from);
    let grid = || Some(PathBuf::from(GRID_CA_DIR)).filter(|it| it.is_dir());
    from_environment
        .or_else(grid)
        .or_else(|| Some(config.system_ca_dir.clone()))
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

/// `HASH.r0`, as hashed directories name revocation lists.
fn is_crl(path: &Path) -> bool {
    let extension = path.extension().and_then(|it| it.to_str()).unwrap_or("");
    let digits = extension.strip_prefix('r').unwrap_or("");
    !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit())
}

fn read_certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    CertificateDer::pem_file_iter(file)
        .map_err(|source| source.to_string())?
        .collect::<Result<_, _>>()
        .map_err(|source| source.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_any_ca_nothing_is_trusted() {
        let dir = tempfile::tempdir().unwrap();
        let trust = Trust::new(&Config {
            ca_dir: Some(dir.path().into()),
            ..Config::default()
        });
        let error = trust.client(None).unwrap_err();
        assert!(error.message().contains("ca_dir"), "{error}");
    }

    #[test]
    fn a_bad_credential_is_refused_without_showing_it() {
        let trust = Trust::new(&Config::default());
        let text = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n";
        let error = trust.identity(&Secret::new(text)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AuthRequired);
        assert!(!format!("{error:?}").contains("c2VjcmV0"));
    }

    #[test]
    fn revocation_lists_are_told_from_certificates() {
        assert!(is_crl(Path::new("/x/0a1b2c3d.r0")));
        assert!(!is_crl(Path::new("/x/0a1b2c3d.0")));
        assert!(!is_crl(Path::new("/x/0a1b2c3d.rx")));
    }
}
