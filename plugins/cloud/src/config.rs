//! Options of the plugin, with their defaults. Holds no secret.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use causeway_sdk::trust::TrustPlaces;
use causeway_sdk::{Algorithm, Error, ErrorKind, Result};
use serde::Deserialize;

const MIB: u64 = 1 << 20;
/// Every service takes parts that are multiples of this.
pub(crate) const PART_UNIT: u64 = 4 * MIB;
/// Largest part every service takes.
pub(crate) const MAX_PART: u64 = 128 * MIB;

/// Where a service is reached instead of at its provider's own address.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServiceOptions {
    /// `http://host:port` or `https://host:port`, perhaps with a path. For `azure`, `{account}`
    /// stands for the account; without it the account becomes the first part of the path.
    pub endpoint: Option<String>,
    /// For `dropbox`: where content goes, when that is elsewhere.
    pub content_endpoint: Option<String>,
}

/// The plugin's table of the configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Azure Blob Storage.
    pub azure: ServiceOptions,
    /// Google Cloud Storage.
    pub gs: ServiceOptions,
    /// Dropbox.
    pub dropbox: ServiceOptions,
    /// Google Drive.
    pub gdrive: ServiceOptions,
    /// Callers without a credential of their own use that of the usual environment variables. Off,
    /// because whoever may submit could then use what is the gateway's.
    pub environment_credentials: bool,
    /// Directory of CA certificates and revocation lists. Without it `X509_CERT_DIR`, else
    /// `/etc/grid-security/certificates`, and besides them [`Config::system_ca_dir`].
    pub ca_dir: Option<PathBuf>,
    /// File of further CA certificates; the only trust when no `ca_dir` is given beside it.
    pub ca_file: Option<PathBuf>,
    /// Where the operating system keeps its CA certificates.
    pub system_ca_dir: PathBuf,
    /// Checksums the storages can be asked for; empty switches the operation off.
    pub checksums: BTreeSet<Algorithm>,
    /// A checksum that the storage does not keep is computed by reading the file.
    pub checksum_by_reading: bool,
    /// Gives out links with which others may read a file.
    pub shared_links: bool,
    /// How long a link is good for that is signed here.
    pub link_seconds: u64,
    /// Size of a part, unless the file needs larger ones. Smaller files go in one request.
    pub part_bytes: u64,
    /// Most parts of one file on their way at the same time, where a service takes several.
    pub parallel_parts: u64,
    /// Most bytes of one file on their way, unless a single part is larger.
    pub upload_buffer_bytes: u64,
    /// How often a request that changes nothing twice is tried when the service is busy.
    pub attempts: u32,
    /// Longest pause between two attempts; a service that asks for more is not waited for.
    pub longest_pause_seconds: u64,
    /// Longest wait for a connection.
    pub connect_timeout_seconds: u64,
    /// An unused connection is closed after this.
    pub idle_timeout_seconds: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            azure: ServiceOptions::default(),
            gs: ServiceOptions::default(),
            dropbox: ServiceOptions::default(),
            gdrive: ServiceOptions::default(),
            environment_credentials: false,
            ca_dir: None,
            ca_file: None,
            system_ca_dir: "/etc/ssl/certs".into(),
            checksums: Algorithm::ALL.into(),
            checksum_by_reading: true,
            shared_links: true,
            link_seconds: 6 * 3600,
            part_bytes: 16 * MIB,
            parallel_parts: 4,
            upload_buffer_bytes: 64 * MIB,
            attempts: 4,
            longest_pause_seconds: 10,
            connect_timeout_seconds: 30,
            idle_timeout_seconds: 60,
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
        let part = config.part_bytes;
        for (name, value, least, most) in [
            ("part_bytes", part, PART_UNIT, MAX_PART),
            ("parallel_parts", config.parallel_parts, 1, 64),
            (
                "upload_buffer_bytes",
                config.upload_buffer_bytes,
                part,
                u64::MAX,
            ),
            ("attempts", config.attempts.into(), 1, 20),
            ("link_seconds", config.link_seconds, 1, 7 * 24 * 3600),
            (
                "connect_timeout_seconds",
                config.connect_timeout_seconds,
                1,
                u64::MAX,
            ),
        ] {
            if !(least..=most).contains(&value) {
                return Err(invalid(name, &format!("it must be from {least} to {most}")));
            }
        }
        if !part.is_multiple_of(PART_UNIT) {
            return Err(invalid(
                "part_bytes",
                &format!("it must be a multiple of {PART_UNIT}"),
            ));
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

    pub(crate) fn longest_pause(&self) -> Duration {
        Duration::from_secs(self.longest_pause_seconds)
    }
}

/// A mistake in an option.
pub(crate) fn invalid(name: &str, why: &str) -> Error {
    Error::new(ErrorKind::Invalid, format!("use option {name}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_means_defaults_and_mistakes_are_named() {
        assert_eq!(Config::parse("").unwrap().part_bytes, 16 * MIB);
        let it = Config::parse(r#"{"azure":{"endpoint":"http://h"},"checksums":["md5"]}"#).unwrap();
        assert_eq!(it.azure.endpoint.as_deref(), Some("http://h"));
        assert_eq!(it.checksums, [Algorithm::Md5].into());
        for (text, name) in [
            (r#"{"account_key":"x"}"#, "account_key"),
            (r#"{"azure":{"key":"x"}}"#, "key"),
            (r#"{"part_bytes":1}"#, "part_bytes"),
            (r#"{"part_bytes":4194305}"#, "part_bytes"),
            (r#"{"parallel_parts":0}"#, "parallel_parts"),
            (r#"{"upload_buffer_bytes":1}"#, "upload_buffer_bytes"),
            (r#"{"attempts":0}"#, "attempts"),
        ] {
            let error = Config::parse(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(error.message().contains(name), "{error}");
        }
    }
}
