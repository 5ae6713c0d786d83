//! Options of the plugin, with their defaults. Holds no secret.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use causeway_sdk::trust::TrustPlaces;
use causeway_sdk::{Algorithm, Error, ErrorKind, Result};
use serde::Deserialize;

const MIB: u64 = 1 << 20;
/// Smallest part but the last that S3 takes.
const MIN_PART: u64 = 5 * MIB;
/// Largest part that S3 takes, also when it is copied.
pub(crate) const MAX_PART: u64 = 5 << 30;

/// Where the name of a bucket goes in a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Addressing {
    /// As the URL has it; else into the host at Amazon, into the path everywhere else.
    #[default]
    Auto,
    /// `https://host/bucket/key`
    Path,
    /// `https://bucket.host/key`
    Virtual,
}

/// Checksum that goes with every upload, for the storage to verify.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UploadChecksum {
    /// None: for storages that refuse what they do not know.
    None,
    /// `x-amz-checksum-crc32c`; ignored by storages that do not know it.
    #[default]
    Crc32c,
    /// `Content-MD5`, and the ETag is compared; known everywhere, costs processor time.
    Md5,
}

/// What is particular to one host.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HostOptions {
    /// Region to sign for.
    pub region: Option<String>,
    /// Where the name of the bucket goes.
    pub addressing: Option<Addressing>,
    /// Whether `s3` speaks TLS there.
    pub tls: Option<bool>,
}

/// The plugin's table of the configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where URLs that name only a bucket lead: `https://host:port`. Without it
    /// `AWS_ENDPOINT_URL_S3`, then `AWS_ENDPOINT_URL`, then Amazon.
    pub endpoint: Option<String>,
    /// Region to sign for. Without it `AWS_REGION`, then `AWS_DEFAULT_REGION`, then `us-east-1`.
    pub region: Option<String>,
    /// Where the name of the bucket goes.
    pub addressing: Addressing,
    /// Particulars by host, or host and port.
    pub hosts: BTreeMap<String, HostOptions>,
    /// `s3` means TLS, too, also for URLs that name their host.
    pub always_tls: bool,
    /// Callers without keys of their own use those of `AWS_ACCESS_KEY_ID` and its companions. Off,
    /// because whoever may submit could then use what is the gateway's.
    pub environment_credentials: bool,
    /// Directory of CA certificates and revocation lists. Without it `X509_CERT_DIR`, else
    /// `/etc/grid-security/certificates`, and besides them [`Config::system_ca_dir`].
    pub ca_dir: Option<PathBuf>,
    /// File of further CA certificates; the only trust when no `ca_dir` is given beside it.
    pub ca_file: Option<PathBuf>,
    /// Where the operating system keeps its CA certificates.
    pub system_ca_dir: PathBuf,
    /// Where uploads are written down while they go on, so that a later life of this process can
    /// remove what a kill left. Without it nothing is written down.
    pub state_dir: Option<PathBuf>,
    /// Directories are made as empty objects whose names end with a slash, and looked for.
    pub directories: bool,
    /// Checksums the storages can be asked for; empty switches the operation off.
    pub checksums: BTreeSet<Algorithm>,
    /// A checksum that the storage does not keep is computed by reading the object.
    pub checksum_by_reading: bool,
    /// An ETag that looks like an MD5 is one.
    pub etag_is_md5: bool,
    /// Checksum that goes with uploads.
    pub upload_checksum: UploadChecksum,
    /// Size of a part, unless the object needs larger ones. Smaller objects go in one request.
    pub part_bytes: u64,
    /// Most parts of one object on their way at the same time.
    pub parallel_parts: u64,
    /// Most bytes of one object on their way, whatever its size.
    pub upload_buffer_bytes: u64,
    /// Largest object that the storage copies in one request; larger ones it copies in parts.
    pub copy_whole_bytes: u64,
    /// Size of a part when the storage copies by itself.
    pub copy_part_bytes: u64,
    /// Gives out signed URLs for others to fetch from or send to.
    pub presigned_urls: bool,
    /// How long a signed URL is good for.
    pub presigned_seconds: u64,
    /// Tier of restores from an archive: `Standard`, `Bulk`, `Expedited`.
    pub restore_tier: String,
    /// Longest wait for a connection.
    pub connect_timeout_seconds: u64,
    /// An unused connection is closed after this.
    pub idle_timeout_seconds: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            endpoint: None,
            region: None,
            addressing: Addressing::Auto,
            hosts: BTreeMap::new(),
            always_tls: false,
            environment_credentials: false,
            ca_dir: None,
            ca_file: None,
            system_ca_dir: "/etc/ssl/certs".into(),
            state_dir: None,
            directories: true,
            checksums: Algorithm::ALL.into(),
            checksum_by_reading: true,
            etag_is_md5: true,
            upload_checksum: UploadChecksum::Crc32c,
            part_bytes: 16 * MIB,
            parallel_parts: 4,
            upload_buffer_bytes: 64 * MIB,
            copy_whole_bytes: MAX_PART,
            copy_part_bytes: 512 * MIB,
            presigned_urls: true,
            presigned_seconds: 6 * 3600,
            restore_tier: "Standard".into(),
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
        const WEEK: u64 = 7 * 24 * 3600;
        let part = config.part_bytes;
        for (name, value, least, most) in [
            ("part_bytes", part, MIN_PART, MAX_PART),
            ("copy_whole_bytes", config.copy_whole_bytes, 0, MAX_PART),
            (
                "copy_part_bytes",
                config.copy_part_bytes,
                MIN_PART,
                MAX_PART,
            ),
            ("parallel_parts", config.parallel_parts, 1, 64),
            (
                "upload_buffer_bytes",
                config.upload_buffer_bytes,
                part,
                u64::MAX,
            ),
            ("presigned_seconds", config.presigned_seconds, 1, WEEK),
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
        if !matches!(
            config.restore_tier.as_str(),
            "Standard" | "Bulk" | "Expedited"
        ) {
            return Err(invalid(
                "restore_tier",
                "Standard, Bulk and Expedited are known",
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
        assert_eq!(Config::parse("").unwrap().addressing, Addressing::Auto);
        let it = Config::parse(r#"{"hosts":{"h:1":{"region":"x"}},"checksums":["md5"]}"#).unwrap();
        assert_eq!(it.hosts["h:1"].region.as_deref(), Some("x"));
        assert_eq!(it.checksums, [Algorithm::Md5].into());
        for (text, name) in [
            (r#"{"secret_key":"x"}"#, "secret_key"),
            (r#"{"part_bytes":1}"#, "part_bytes"),
            (r#"{"parallel_parts":0}"#, "parallel_parts"),
            (r#"{"upload_buffer_bytes":1}"#, "upload_buffer_bytes"),
            (r#"{"restore_tier":"now"}"#, "restore_tier"),
        ] {
            let error = Config::parse(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(error.message().contains(name), "{error}");
        }
    }
}
