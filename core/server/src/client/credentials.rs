//! Which certificate, proxy or token to use, in the order clients of the field search.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use causeway_sdk::Secret;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore};

use crate::cli::args::RemoteArgs;

/// With what we present ourselves, and whom we trust.
#[derive(Debug)]
pub struct Credentials {
    /// Certificate chain and key, PEM.
    pub x509: Option<Secret>,
    token: Option<Secret>,
    ca_dir: PathBuf,
    ca_file: Option<PathBuf>,
}

impl Credentials {
    /// Flags, then `BEARER_TOKEN`, `X509_USER_PROXY`, `/tmp/x509up_u<uid>`, `X509_USER_CERT` with
    /// `X509_USER_KEY`. A token and a certificate are never used together.
    ///
    /// # Errors
    /// A file that was named and cannot be read.
    pub fn find(args: &RemoteArgs) -> anyhow::Result<Self> {
        let env_path = |name: &str| {
            std::env::var_os(name)
                .filter(|it| !it.is_empty())
                .map(PathBuf::from)
        };
        let ca_dir = args
            .capath
            .clone()
            .or_else(|| env_path("X509_CERT_DIR"))
            .unwrap_or_else(|| "/etc/grid-security/certificates".into());
        let ca_file = env_path("CURL_CA_BUNDLE").or_else(|| env_path("SSL_CERT_FILE"));
        let token = std::env::var("BEARER_TOKEN")
            .ok()
            .filter(|it| !it.is_empty())
            .map(Secret::new);
        let x509 = match (&args.cert, &token) {
            (Some(cert), _) => Some(read_pair(cert, args.key.as_deref().unwrap_or(cert))?),
            (None, Some(_)) => None,
            (None, None) => ambient(env_path)?,
        };
        let token = if x509.is_some() { None } else { token };
        Ok(Self {
            x509,
            token,
            ca_dir,
            ca_file,
        })
    }

    /// The token, when that is what we use.
    pub fn bearer(&self) -> Option<&Secret> {
        self.token.as_ref()
    }
}

fn ambient(env_path: impl Fn(&str) -> Option<PathBuf>) -> anyhow::Result<Option<Secret>> {
    if let Some(proxy) = env_path("X509_USER_PROXY") {
        return read_pair(&proxy, &proxy).map(Some);
    }
    let default = PathBuf::from(format!(
        "/tmp/x509up_u{}",
        rustix::process::getuid().as_raw()
    ));
    if default.exists() {
        return read_pair(&default, &default).map(Some);
    }
    match (env_path("X509_USER_CERT"), env_path("X509_USER_KEY")) {
        (Some(cert), Some(key)) => read_pair(&cert, &key).map(Some),
        _ => Ok(None),
    }
}

fn read_pair(cert: &Path, key: &Path) -> anyhow::Result<Secret> {
    let read = |path: &Path| {
        std::fs::read_to_string(path)
            .with_context(|| format!("read the credential {}", path.display()))
    };
    let mut text = read(cert)?;
    if cert != key {
        text.push('\n');
        text.push_str(&read(key)?);
    }
    Ok(Secret::new(text))
}

/// TLS for a client with these credentials.
///
/// # Errors
/// No trusted CA at all; a certificate without key.
pub fn client_tls(credentials: &Credentials) -> anyhow::Result<ClientConfig> {
    let mut roots = trusted(&credentials.ca_dir);
    if let Some(file) = &credentials.ca_file {
        add_file(&mut roots, file);
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("prepare TLS")?
        .with_root_certificates(roots);
    let Some(pem) = &credentials.x509 else {
        return Ok(builder.with_no_client_auth());
    };
    let chain: Vec<_> = CertificateDer::pem_slice_iter(pem.expose().as_bytes())
        .collect::<Result<_, _>>()
        .context("read the client certificate")?;
    if chain.is_empty() {
        bail!("the credential holds no certificate");
    }
    let key = PrivateKeyDer::from_pem_slice(pem.expose().as_bytes())
        .map_err(|_| anyhow::anyhow!("the credential holds no private key: name it with --key"))?;
    // Put together by hand: rustls' own constructor parses the leaf, and refuses the critical
    // extension that makes a proxy a proxy (RFC 3820).
    let key =
        rustls::crypto::aws_lc_rs::sign::any_supported_type(&key).context("use the private key")?;
    let identity = SingleCertAndKey::from(CertifiedKey::new(chain, key));
    Ok(builder.with_client_cert_resolver(Arc::new(identity)))
}

/// The CAs in a directory; none when it cannot be read.
pub fn trusted(dir: &Path) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        if is_ca_file(&entry.path()) {
            add_file(&mut roots, &entry.path());
        }
    }
    roots
}

fn is_ca_file(path: &Path) -> bool {
    let extension = path.extension().and_then(|it| it.to_str()).unwrap_or("");
    extension == "pem"
        || extension == "crt"
        || (!extension.is_empty() && extension.bytes().all(|b| b.is_ascii_digit()))
}

fn add_file(roots: &mut RootCertStore, path: &Path) {
    // A CA directory may hold files we cannot use; the handshake says so if one was needed.
    if let Ok(certificates) = CertificateDer::pem_file_iter(path) {
        roots.add_parsable_certificates(certificates.flatten());
    }
}
