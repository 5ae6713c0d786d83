//! Options of the plugin, with their defaults. Holds no secret.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use causeway_gridftp_wire::data::{Dcau, Limits, Protection, SocketOptions};
use causeway_gridftp_wire::{Options, PoolLimits};
use causeway_sdk::{Algorithm, Error, ErrorKind, Result};
use serde::Deserialize;

/// Fewer bytes in the time of a stall are none: a server that drips is not waited for.
const LEAST_PROGRESS: u64 = 64 * 1024;
/// Scheme of servers with GSI.
const SCHEME: &str = "gsiftp";
/// Scheme of servers without security.
pub(crate) const PLAIN_SCHEME: &str = "ftp";

/// Who the other end of a data connection must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authentication {
    /// Nobody is asked (`DCAU N`), as other clients of the field do.
    #[default]
    None,
    /// Both ends show the user's delegated credential (`DCAU A`).
    #[serde(rename = "self")]
    Own,
}

/// What protects the bytes of a data connection; more than `clear` needs authentication.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protected {
    /// Nothing (`PROT C`).
    #[default]
    Clear,
    /// TLS (`PROT S`).
    Safe,
    /// TLS (`PROT P`).
    Private,
}

/// Whether a proxy is left with the servers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delegation {
    /// When data connections are authenticated, and for stripes: a server of several machines shows
    /// it to its own data nodes.
    #[default]
    Needed,
    /// Always: some storages work with it inside.
    Always,
}

/// The plugin's table of the configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Directory of CA certificates, revocation lists and signing policies. Without it
    /// `X509_CERT_DIR`, then `/etc/grid-security/certificates`.
    pub ca_dir: Option<PathBuf>,
    /// File of further CA certificates; the only trust when no `ca_dir` is given beside it.
    pub ca_file: Option<PathBuf>,
    /// Subject that a server's certificate must have, by `host` or `host:port`, where it is not the
    /// host's.
    pub subjects: BTreeMap<String, String>,
    /// Who the other end of a data connection must be.
    pub data_authentication: Authentication,
    /// What protects the bytes.
    pub data_protection: Protected,
    /// Whether a proxy is left with the servers.
    pub delegation: Delegation,
    /// Lifetime of that proxy.
    pub delegation_seconds: u64,
    /// Parallel connections of a file when the job has no wish.
    pub streams: u32,
    /// Most parallel connections of a file, whatever the job wishes.
    pub max_streams: u32,
    /// Servers may connect to the gateway: files are then read over parallel connections, too.
    pub accept_data_connections: bool,
    /// URLs of `ftp`, too: GridFTP servers without security, as anonymous.
    pub plain_ftp: bool,
    /// All stripes of servers that have several.
    pub striped: bool,
    /// Size of the socket buffers at both ends of data connections; 0 leaves it to the systems.
    pub tcp_buffer_bytes: u32,
    /// How often a copy between servers that broke is taken up again from its markers.
    pub restarts: u32,
    /// Pairs of sessions that small files between the same two servers share; 0 gives each file
    /// its own.
    pub lanes: usize,
    /// Largest file that goes over a lane.
    pub lane_max_bytes: u64,
    /// Checksums the servers can be asked for; empty switches the operation off.
    pub checksums: BTreeSet<Algorithm>,
    /// Whether servers copy between each other.
    pub third_party_copy: bool,
    /// Longest wait for a connection and for an ordinary reply.
    pub reply_timeout_seconds: u64,
    /// Longest time without progress while bytes move.
    pub stall_timeout_seconds: u64,
    /// Longest wait for a checksum.
    pub checksum_timeout_seconds: u64,
    /// An unused control connection is closed after this.
    pub idle_timeout_seconds: u64,
    /// Most unused control connections, in all.
    pub max_idle_sessions: usize,
    /// Most directories held open between two pages.
    pub max_open_listings: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            ca_dir: None,
            ca_file: None,
            subjects: BTreeMap::new(),
            data_authentication: Authentication::None,
            data_protection: Protected::Clear,
            delegation: Delegation::Needed,
            delegation_seconds: 12 * 3600,
            streams: 4,
            max_streams: 64,
            accept_data_connections: false,
            plain_ftp: false,
            striped: false,
            tcp_buffer_bytes: 0,
            restarts: 3,
            lanes: 4,
            lane_max_bytes: 4 << 20,
            checksums: [Algorithm::Adler32, Algorithm::Md5].into(),
            third_party_copy: true,
            reply_timeout_seconds: 60,
            stall_timeout_seconds: 360,
            checksum_timeout_seconds: 3600,
            idle_timeout_seconds: 60,
            max_idle_sessions: 256,
            max_open_listings: 64,
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
            ("streams", u64::from(config.streams)),
            ("max_streams", u64::from(config.max_streams)),
            ("delegation_seconds", config.delegation_seconds),
            ("reply_timeout_seconds", config.reply_timeout_seconds),
            ("stall_timeout_seconds", config.stall_timeout_seconds),
            ("checksum_timeout_seconds", config.checksum_timeout_seconds),
        ] {
            if value == 0 {
                return Err(invalid(&format!(
                    "use option {name}: it must be greater than zero"
                )));
            }
        }
        let is_open = config.data_authentication == Authentication::None;
        if is_open && config.data_protection != Protected::Clear {
            return Err(invalid(
                "use option data_protection: it needs data_authentication",
            ));
        }
        Ok(config)
    }

    /// What URLs it is for.
    pub(crate) fn schemes(&self) -> Vec<&'static str> {
        let plain = self.plain_ftp.then_some(PLAIN_SCHEME);
        std::iter::once(SCHEME).chain(plain).collect()
    }

    /// How many connections a file gets.
    pub(crate) fn streams(&self, wished: u32) -> u32 {
        let wished = if wished == 0 { self.streams } else { wished };
        wished.min(self.max_streams)
    }

    /// Seconds a proxy left with a server may live, when one is left.
    pub(crate) fn delegate(&self) -> Option<u64> {
        let is_needed = self.data_authentication == Authentication::Own || self.striped;
        (is_needed || self.delegation == Delegation::Always).then_some(self.delegation_seconds)
    }

    /// Size of socket buffers, when one is wanted.
    pub(crate) fn buffer(&self) -> Option<u32> {
        Some(self.tcp_buffer_bytes).filter(|it| *it > 0)
    }

    pub(crate) fn wire(&self) -> Options {
        let stall = Duration::from_secs(self.stall_timeout_seconds);
        Options {
            reply: Duration::from_secs(self.reply_timeout_seconds),
            checksum: Duration::from_secs(self.checksum_timeout_seconds),
            stall,
            client: format!("causeway/{}", env!("CARGO_PKG_VERSION")),
            dcau: match self.data_authentication {
                Authentication::None => Dcau::None,
                Authentication::Own => Dcau::SelfIdentity,
            },
            protection: match self.data_protection {
                Protected::Clear => Protection::Clear,
                Protected::Safe => Protection::Safe,
                Protected::Private => Protection::Private,
            },
            data: Limits {
                idle: stall,
                least: LEAST_PROGRESS,
                ..Limits::default()
            },
            sockets: SocketOptions {
                buffer: self.buffer(),
                ..SocketOptions::default()
            },
            ..Options::default()
        }
    }

    pub(crate) fn pool(&self) -> PoolLimits {
        PoolLimits {
            total: self.max_idle_sessions,
            per_endpoint: self.max_idle_sessions,
            idle: Duration::from_secs(self.idle_timeout_seconds),
        }
    }
}

fn invalid(text: &str) -> Error {
    Error::new(ErrorKind::Invalid, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_means_defaults_and_mistakes_are_named() {
        let defaults = Config::parse("").unwrap();
        assert_eq!((defaults.streams(0), defaults.streams(1000)), (4, 64));
        assert_eq!(defaults.delegate(), None);
        let own = Config::parse(r#"{"data_authentication":"self","data_protection":"private"}"#);
        assert_eq!(own.unwrap().delegate(), Some(12 * 3600));
        let striped = Config::parse(r#"{"striped":true}"#).unwrap();
        assert_eq!(striped.delegate(), Some(12 * 3600));
        for (text, name) in [
            (r#"{"insecure":true}"#, "insecure"),
            (r#"{"streams":0}"#, "streams"),
            (r#"{"data_protection":"private"}"#, "data_protection"),
        ] {
            let error = Config::parse(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(error.message().contains(name), "{error}");
        }
    }
}
