//! Real servers, one set per test process, in a directory that goes away with it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A running server, stopped on drop.
pub(crate) struct Server {
    script: PathBuf,
    dir: tempfile::TempDir,
    keys: HashMap<String, String>,
}

impl Server {
    /// Starts `tests/servers/NAME`.
    pub(crate) fn start(name: &str) -> Self {
        let script = root().join("tests/servers").join(name);
        let dir = tempfile::tempdir().unwrap();
        let output = Command::new(&script)
            .arg("start")
            .arg(dir.path())
            .output()
            .unwrap_or_else(|why| panic!("{}: {why}", script.display()));
        assert!(
            output.status.success(),
            "{name} did not start; is the lab installed? run tests/install.sh\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let keys = String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .filter_map(|line| line.split_once('='))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        Self { script, dir, keys }
    }

    /// One of the values the script printed.
    pub(crate) fn key(&self, name: &str) -> &str {
        &self.keys[name]
    }

    pub(crate) fn url(&self, path: &str) -> causeway_sdk::Url {
        super::url(format!("{}{path}", self.key("URL")))
    }

    /// Options that trust the test CA.
    pub(crate) fn trust(&self) -> String {
        format!(r#""ca_dir":"{}/certificates""#, self.key("PKI"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let stopped = Command::new(&self.script)
            .arg("stop")
            .arg(self.dir.path())
            .status();
        // It ends by itself later, should this fail.
        if let Err(why) = stopped {
            eprintln!("{} stop: {why}", self.script.display());
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
