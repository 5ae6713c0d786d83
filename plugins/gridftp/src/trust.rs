//! Which certificate authorities are believed, read anew every few minutes, so that a rolled CA or
//! revocation list needs no restart.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use causeway_gridftp_wire::Trust;
use causeway_sdk::{Error, ErrorKind, Result};
use parking_lot::Mutex;

use crate::Config;

/// Trust older than this is read again.
const RELOAD: Duration = Duration::from_secs(600);
const GRID_CA_DIR: &str = "/etc/grid-security/certificates";

/// Trust, and where it comes from.
pub(crate) struct Anchors {
    paths: Vec<PathBuf>,
    loaded: Mutex<Option<(Instant, Trust)>>,
}

impl Anchors {
    pub(crate) fn new(config: &Config) -> Self {
        let dir = match (&config.ca_dir, &config.ca_file) {
            (Some(dir), _) => Some(dir.clone()),
            (None, Some(_)) => None,
            (None, None) => {
                let from_environment = std::env::var_os("X509_CERT_DIR").map(PathBuf::from);
                from_environment.or_else(|| Some(GRID_CA_DIR.into()))
            }
        };
        Self {
            paths: dir.into_iter().chain(config.ca_file.clone()).collect(),
            loaded: Mutex::new(None),
        }
    }

    /// What is believed now. When reading it anew fails, what was read before stays in force.
    pub(crate) fn current(&self) -> Result<Trust> {
        let mut loaded = self.loaded.lock();
        if let Some((since, trust)) = &*loaded
            && since.elapsed() < RELOAD
        {
            return Ok(trust.clone());
        }
        let paths: Vec<&Path> = self.paths.iter().map(PathBuf::as_path).collect();
        let trust = match (Trust::read(&paths), &*loaded) {
            (Ok(trust), _) => trust,
            (Err(_), Some((_, trust))) => trust.clone(),
            (Err(why), None) => {
                let text = format!("{why} (options ca_dir, ca_file)");
                return Err(Error::new(ErrorKind::Internal, text));
            }
        };
        *loaded = Some((Instant::now(), trust.clone()));
        Ok(trust)
    }
}
