//! Which servers are believed, and what identity is shown to them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use causeway_sdk::{Error, ErrorKind, Result, Secret};
use rustls::crypto::CryptoProvider;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::grants::Grants;

const GRID: &str = "/etc/grid-security/certificates";

/// Makes TLS settings.
pub(super) struct Trust {
    ca_dir: Option<PathBuf>,
    ca_file: Option<PathBuf>,
    provider: Arc<CryptoProvider>,
}

impl Trust {
    pub(super) fn new(grants: &Grants) -> Self {
        let configured = grants.ca_dir.is_some() || grants.ca_file.is_some();
        let environment = || std::env::var_os("X509_CERT_DIR").map(PathBuf::from);
        let grid = || Some(PathBuf::from(GRID)).filter(|it| it.is_dir());
        let ca_dir = match configured {
            true => grants.ca_dir.clone(),
            false => environment().or_else(grid),
        };
        Self {
            ca_dir,
            ca_file: grants.ca_file.clone(),
            provider: Arc::new(rustls::crypto::aws_lc_rs::default_provider()),
        }
    }

    /// TLS settings of a client that shows this identity, or none.
    pub(super) fn client(&self, identity: Option<&Secret>) -> Result<ClientConfig> {
        let builder = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .map_err(|source| internal("set up TLS", &source))?
            .with_root_certificates(self.roots()?);
        Ok(match identity {
            None => builder.with_no_client_auth(),
            // The usual way parses the leaf, and stumbles over the critical extension of a proxy.
            Some(pem) => {
                let shown = SingleCertAndKey::from(self.identity(pem)?);
                builder.with_client_cert_resolver(Arc::new(shown))
            }
        })
    }

    fn roots(&self) -> Result<RootCertStore> {
        let mut roots = RootCertStore::empty();
        if let Some(file) = &self.ca_file {
            let found = certificates(file).map_err(|why| internal("read the CA file", &why))?;
            roots.add_parsable_certificates(found);
        }
        if let Some(dir) = &self.ca_dir {
            let entries = std::fs::read_dir(dir)
                .map_err(|source| internal("read the CA directory", &source))?;
            for entry in entries.flatten() {
                // Lists and policies lie there, too, and are no certificates.
                roots.add_parsable_certificates(certificates(&entry.path()).unwrap_or_default());
            }
        }
        if self.ca_file.is_none() && self.ca_dir.is_none() {
            let found = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(found.certs);
        }
        if roots.is_empty() {
            let text = "trust any server: no CA certificate found (grants ca_dir, ca_file)";
            return Err(Error::new(ErrorKind::Internal, text));
        }
        Ok(roots)
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
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect)
        .map_err(|source| source.to_string())
}

fn internal(what: &str, source: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::Internal, what).with("cause", source)
}
