//! Options of the plugin, with their defaults. Passwords are in files of their own, never here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use causeway_sdk::trust::TrustPlaces;
use causeway_sdk::{Algorithm, Error, ErrorKind, Result};
use serde::Deserialize;

/// When TLS is asked for on a connection that begins without it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TlsPolicy {
    /// Required where a password is sent, not asked for by the anonymous.
    #[default]
    Auto,
    /// A server without it is refused.
    Required,
    /// Where the server has it.
    Preferred,
    /// Not asked for.
    Never,
}

/// What `ftps` in a URL means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FtpsMode {
    /// The connection begins with TLS; port 990 unless told.
    #[default]
    Implicit,
    /// `AUTH TLS` is required; port 21 unless told.
    Explicit,
}

/// Where the path of a URL begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Paths {
    /// At the root of the server.
    #[default]
    Absolute,
    /// Where the server puts the user after the login (RFC 1738 section 3.2.2).
    Home,
}

/// How a file is put in place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UploadMode {
    /// Under a temporary name beside it, then renamed.
    #[default]
    Temporary,
    /// Under the final name; removed again on failure.
    Direct,
}

/// How data connections are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Passive {
    /// EPSV, and PASV where the server refuses that.
    #[default]
    Auto,
    /// EPSV only (RFC 2428).
    Extended,
    /// PASV only; IPv4.
    Plain,
}

/// Whom to be on a host when the call brings no user and password.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountOptions {
    /// Name of the user.
    pub user: String,
    /// File with the password in its first line.
    pub password_file: PathBuf,
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
    /// Where uploads are written down while they go on, so that a later life of this process can
    /// remove what a kill left. Without it nothing is written down.
    pub state_dir: Option<PathBuf>,
    /// When TLS is asked for under `ftp`.
    pub tls: TlsPolicy,
    /// What `ftps` means.
    pub ftps: FtpsMode,
    /// Where the path of a URL begins.
    pub paths: Paths,
    /// How a file is put in place.
    pub upload: UploadMode,
    /// How data connections are asked for.
    pub passive: Passive,
    /// Checksums the storages can be asked for.
    pub checksums: BTreeSet<Algorithm>,
    /// Accounts by host, for calls without user and password.
    pub accounts: BTreeMap<String, AccountOptions>,
    /// What the anonymous give for a password.
    pub anonymous_password: String,
    /// Longest wait for a connection.
    pub connect_timeout_seconds: u64,
    /// Longest wait for a reply.
    pub reply_timeout_seconds: u64,
    /// Longest time in which no byte moves.
    pub data_timeout_seconds: u64,
    /// Longest wait for the reply that ends an upload.
    pub finish_timeout_seconds: u64,
    /// An unused connection is closed after this.
    pub idle_timeout_seconds: u64,
    /// Most connections to one host under one account.
    pub max_connections: usize,
    /// Most pairs of host and account whose connections are kept.
    pub max_endpoints: usize,
    /// Most directories held open between two pages.
    pub max_open_listings: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            ca_dir: None,
            ca_file: None,
            system_ca_dir: "/etc/ssl/certs".into(),
            state_dir: None,
            tls: TlsPolicy::default(),
            ftps: FtpsMode::default(),
            paths: Paths::default(),
            upload: UploadMode::default(),
            passive: Passive::default(),
            checksums: BTreeSet::new(),
            accounts: BTreeMap::new(),
            anonymous_password: "anonymous@".into(),
            connect_timeout_seconds: 30,
            reply_timeout_seconds: 60,
            data_timeout_seconds: 120,
            finish_timeout_seconds: 300,
            idle_timeout_seconds: 60,
            max_connections: 64,
            max_endpoints: 256,
            max_open_listings: 64,
        }
    }
}

/// How long to wait for what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) connect: Duration,
    pub(crate) reply: Duration,
    pub(crate) data: Duration,
    pub(crate) finish: Duration,
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
            ("reply_timeout_seconds", config.reply_timeout_seconds),
            ("data_timeout_seconds", config.data_timeout_seconds),
            ("finish_timeout_seconds", config.finish_timeout_seconds),
            ("max_connections", config.max_connections as u64),
            ("max_endpoints", config.max_endpoints as u64),
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

    pub(crate) fn limits(&self) -> Limits {
        Limits {
            connect: Duration::from_secs(self.connect_timeout_seconds),
            reply: Duration::from_secs(self.reply_timeout_seconds),
            data: Duration::from_secs(self.data_timeout_seconds),
            finish: Duration::from_secs(self.finish_timeout_seconds),
        }
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
        assert_eq!(Config::parse("").unwrap().upload, UploadMode::Temporary);
        let it = Config::parse(r#"{"upload":"direct","checksums":["md5"],"tls":"required"}"#);
        let it = it.unwrap();
        assert_eq!(
            (it.upload, it.tls),
            (UploadMode::Direct, TlsPolicy::Required)
        );
        assert_eq!(it.checksums, [Algorithm::Md5].into());
        for (text, name) in [
            (r#"{"insecure":true}"#, "insecure"),
            (r#"{"max_connections":0}"#, "max_connections"),
            (
                r#"{"accounts":{"h":{"user":"u","password":"p"}}}"#,
                "password",
            ),
        ] {
            let error = Config::parse(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(error.message().contains(name), "{error}");
        }
    }
}
