//! Encryption towards receivers: whom we believe, and how we prove who we are.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WantsClientCert;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};
use tokio_rustls::TlsConnector;

use crate::config::MessagesConfig;

/// What the configuration asks for; `None` when nothing is to be encrypted.
pub(crate) fn connector(config: &MessagesConfig) -> Result<Option<TlsConnector>, String> {
    if !config.tls {
        return Ok(None);
    }
    let mut roots = RootCertStore::empty();
    trust(&mut roots, "messages.ca_file", &config.ca_file)?;
    let builder = builder(roots)?;
    let tls = match config.certificate_file.as_os_str().is_empty() {
        true => builder.with_no_client_auth(),
        false => {
            let chain = certificates("messages.certificate_file", &config.certificate_file)?;
            let key = PrivateKeyDer::from_pem_file(&config.key_file)
                .map_err(|error| in_file("messages.key_file", &config.key_file, &error))?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| format!("messages.certificate_file: {error}"))?
        }
    };
    Ok(Some(TlsConnector::from(Arc::new(tls))))
}

/// For webhooks: those for whom the system vouches, and those for whom a file does.
pub(crate) fn for_webhook(ca_file: &Path) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    // A system without authorities is one; the handshake says so when nobody vouches.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if !ca_file.as_os_str().is_empty() {
        trust(&mut roots, "ca_file", ca_file)?;
    }
    Ok(builder(roots)?.with_no_client_auth())
}

fn trust(roots: &mut RootCertStore, key: &str, path: &Path) -> Result<(), String> {
    for certificate in certificates(key, path)? {
        let added = roots.add(certificate);
        added.map_err(|error| in_file(key, path, &error))?;
    }
    Ok(())
}

fn builder(roots: RootCertStore) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, String> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("prepare TLS: {error}"))?;
    Ok(builder.with_root_certificates(roots))
}

fn certificates(key: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = read.map_err(|error| in_file(key, path, &error))?;
    match found.is_empty() {
        true => Err(in_file(key, path, &"there is no certificate in it")),
        false => Ok(found),
    }
}

fn in_file(key: &str, path: &Path, error: &dyn std::fmt::Display) -> String {
    format!("{key}: {}: {error}", path.display())
}

#[cfg(test)]
#[path = "tests/tls.rs"]
mod tests;
