//! One line per finished copy or commit, for tests that kill the gateway and count afterwards.
//!
//! `<milliseconds since 1970> <copy|commit> <request id> <destination>`, appended in one write
//! before the call returns, so a line survives the death of the process.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use causeway_sdk::{Error, ErrorKind, Result, Url};

/// The journal, or none.
#[derive(Debug)]
pub(crate) struct Journal(Option<File>);

impl Journal {
    pub(crate) fn open(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else {
            return Ok(Self(None));
        };
        let file = OpenOptions::new().create(true).append(true).open(path);
        match file {
            Ok(file) => Ok(Self(Some(file))),
            Err(source) => Err(Error::new(
                ErrorKind::Invalid,
                format!("open journal {}: {source}", path.display()),
            )),
        }
    }

    pub(crate) fn note(&self, what: &str, request_id: &str, at: &Url) -> Result<()> {
        let Some(mut file) = self.0.as_ref() else {
            return Ok(());
        };
        let line = format!("{} {what} {request_id} {}\n", now_millis(), at.as_str());
        Ok(file.write_all(line.as_bytes())?)
    }
}

/// Milliseconds since 1970 by the wall clock.
pub(crate) fn now_millis() -> u64 {
    // A clock before 1970 counts as 1970.
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |it| it.as_millis() as u64)
}
