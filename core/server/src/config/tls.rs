//! Certificates and trust.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Section `tls`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TlsConfig {
    /// Certificate of this host, PEM, with its chain.
    pub cert: PathBuf,
    /// Its key, PEM.
    pub key: PathBuf,
    /// Hashed directory of trusted CAs, CRLs and signing policies.
    pub ca_dir: PathBuf,
    /// Accepted VOMS issuers: a folder for each VO with `<host>.lsc` files.
    pub voms_dir: PathBuf,
    /// VOMS servers to ask for attributes: a file, or a directory of files.
    pub vomses: PathBuf,
    /// Refuse certificates whose CA has a CRL that has run out.
    pub reject_expired_crl: bool,
    /// How often the trust directory and the vomsdir are read again, in seconds.
    pub reload_interval_seconds: u64,
}

impl Default for TlsConfig {
    fn default() -> Self {
        Self {
            cert: "/etc/grid-security/hostcert.pem".into(),
            key: "/etc/grid-security/hostkey.pem".into(),
            ca_dir: "/etc/grid-security/certificates".into(),
            voms_dir: "/etc/grid-security/vomsdir".into(),
            vomses: "/etc/vomses".into(),
            reject_expired_crl: true,
            reload_interval_seconds: 300,
        }
    }
}
