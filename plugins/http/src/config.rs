//! Options of the plugin, with their defaults. Holds no secret.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use causeway_sdk::trust::TrustPlaces;
use causeway_sdk::{Algorithm, Error, ErrorKind, Result};
use serde::Deserialize;

/// How a file is put in place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UploadMode {
    /// PUT under the final name, as other clients of the field do; removed again on failure.
    #[default]
    Direct,
    /// PUT under a temporary name beside it, then MOVE.
    Temporary,
}

/// The plugin's table of the configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Directory of CA certificates and revocation lists. Without it `X509_CERT_DIR`, then
    /// `/etc/grid-security/certificates`, then [`Config::system_ca_dir`].
    pub ca_dir: Option<PathBuf>,
    /// File of further CA certificates; the only trust when no `ca_dir` is given beside it.
    pub ca_file: Option<PathBuf>,
    /// Where the operating system keeps its CA certificates.
    pub system_ca_dir: PathBuf,
    /// How a file is put in place.
    pub upload: UploadMode,
    /// Checksums the storages can be asked for; empty switches the operation off.
    pub checksums: BTreeSet<Algorithm>,
    /// Whether the storages tell their room (RFC 4331).
    pub space: bool,
    /// Whether the storages do third-party copies.
    pub third_party_copy: bool,
    /// Lets a third-party copy fail when the passive side offers no checksum.
    pub require_checksum_verification: bool,
    /// Lifetime of a macaroon asked for the passive side of a copy.
    pub macaroon_validity_seconds: u64,
    /// Longest wait for a connection.
    pub connect_timeout_seconds: u64,
    /// An unused connection is closed after this.
    pub idle_timeout_seconds: u64,
    /// Most pairs of host and credential whose connections are kept.
    pub max_clients: usize,
    /// Most directories held open between two pages.
    pub max_open_listings: usize,
    /// Most bytes skipped when a server ignores `Range`; beyond that the read is refused.
    pub max_skip_bytes: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            ca_dir: None,
            ca_file: None,
            system_ca_dir: "/etc/ssl/certs".into(),
            upload: UploadMode::Direct,
            checksums: crate::digest::named().collect(),
            space: true,
            third_party_copy: true,
            require_checksum_verification: false,
            macaroon_validity_seconds: 6 * 3600,
            connect_timeout_seconds: 30,
            idle_timeout_seconds: 60,
            max_clients: 256,
            max_open_listings: 64,
            max_skip_bytes: 64 << 20,
        }
    }
}

impl Config {
    /// Reads the options from the JSON text a plugin gets.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] that names the option.
    pub fn parse(text: &str) -> Result<Self> {
        let config: Self = causeway_sdk::context::parse_config(text)?;
        for (name, value) in [
            ("connect_timeout_seconds", config.connect_timeout_seconds),
            (
                "macaroon_validity_seconds",
                config.macaroon_validity_seconds,
            ),
            ("max_clients", config.max_clients as u64),
        ] {
            if value == 0 {
                let text = format!("use option {name}: it must be greater than zero");
                return Err(Error::new(ErrorKind::Invalid, text));
            }
        }
        Ok(config)
    }

    /// Where the certificates of CAs are.
    pub(crate) fn trust(&self) -> TrustPlaces {
        TrustPlaces {
            ca_dir: self.ca_dir.clone(),
            ca_file: self.ca_file.clone(),
            system_ca_dir: self.system_ca_dir.clone(),
        }
    }

    pub(crate) fn connect_timeout(&self) -> Duration {
        Duration::from_secs(self.connect_timeout_seconds)
    }

    pub(crate) fn idle_timeout(&self) -> Duration {
        Duration::from_secs(self.idle_timeout_seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_means_defaults_and_mistakes_are_named() {
        assert_eq!(Config::parse("").unwrap().upload, UploadMode::Direct);
        let it = Config::parse(r#"{"upload":"temporary","checksums":["md5"]}"#).unwrap();
        assert_eq!(it.upload, UploadMode::Temporary);
        assert_eq!(it.checksums, [Algorithm::Md5].into());
        for (text, name) in [
            (r#"{"insecure":true}"#, "insecure"),
            (r#"{"max_clients":0}"#, "max_clients"),
        ] {
            let error = Config::parse(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(error.message().contains(name), "{error}");
        }
    }
}
