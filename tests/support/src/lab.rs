//! Real servers, started by the scripts under `tests/servers`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::programs::{clean, expect, repository, run};

// The largest of them is a small cluster, and others may be starting beside it.
const LIMIT: Duration = Duration::from_secs(300);

/// A throw-away PKI, made by `tests/pki/make.sh`.
#[derive(Debug)]
pub struct Pki {
    dir: PathBuf,
    // Removed with the value; none for the shared one.
    _temporary: Option<tempfile::TempDir>,
}

impl Pki {
    /// Makes one for this test alone: for tests that change it.
    pub fn make() -> Self {
        let temporary = tempfile::tempdir().expect("a temporary directory");
        Self::at(temporary.path().to_owned(), Some(temporary))
    }

    /// The one all tests share; they only read it. Making it takes seconds, so it is kept.
    pub fn shared() -> Self {
        Self::at(repository().join("target/lab/pki"), None)
    }

    fn at(dir: PathBuf, temporary: Option<tempfile::TempDir>) -> Self {
        expect(
            clean(repository().join("tests/pki/make.sh")).arg(&dir),
            LIMIT,
        );
        Self {
            dir,
            _temporary: temporary,
        }
    }

    /// Its directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

/// A running server. Stops when dropped.
#[derive(Debug)]
pub struct Server {
    script: PathBuf,
    dir: tempfile::TempDir,
    pki: PathBuf,
    values: BTreeMap<String, String>,
}

impl Server {
    /// Starts `tests/servers/<name>`.
    pub fn start(name: &str, pki: &Pki) -> Self {
        let script = repository().join("tests/servers").join(name);
        let dir = tempfile::tempdir().expect("a temporary directory");
        let text = expect(
            clean(&script)
                .arg("start")
                .arg(dir.path())
                .env("CAUSEWAY_LAB_PKI", pki.dir()),
            LIMIT,
        );
        let values = text
            .lines()
            .filter_map(|line| line.split_once('='))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        Self {
            script,
            dir,
            pki: pki.dir().to_owned(),
            values,
        }
    }

    /// Ends the server before its time.
    pub fn halt(&self) {
        expect(
            clean(&self.script)
                .arg("stop")
                .arg(self.dir.path())
                .env("CAUSEWAY_LAB_PKI", &self.pki),
            LIMIT,
        );
    }

    /// Sends a signal to its process, by name.
    pub fn signal(&self, name: &str) {
        expect(
            clean("kill").args([&format!("-{name}"), self.value("PID")]),
            LIMIT,
        );
    }

    /// What the script printed, for instance `URL` or `LOG`.
    pub fn value(&self, key: &str) -> &str {
        self.values
            .get(key)
            .unwrap_or_else(|| panic!("the script printed no {key}: {:?}", self.values))
    }

    /// A URL below its base.
    pub fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.value("URL"))
    }

    /// A file it serves.
    pub fn data(&self, path: &str) -> PathBuf {
        Path::new(self.value("DATA")).join(path)
    }

    /// Text of the server's own log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.value("LOG")).unwrap_or_default()
    }

    /// Text of another file it writes, by its key.
    pub fn read(&self, key: &str) -> String {
        std::fs::read_to_string(self.value(key)).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        run(
            clean(&self.script)
                .arg("stop")
                .arg(self.dir.path())
                .env("CAUSEWAY_LAB_PKI", &self.pki),
            LIMIT,
        );
    }
}
