//! Real servers, one set per test, in a directory that goes away with it.
#![allow(dead_code)] // each test file uses its own part

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use causeway_gridftp_wire::{Credential, Endpoint, Options, Session, Trust};

/// A running server, stopped on drop.
pub(crate) struct Server {
    script: PathBuf,
    dir: tempfile::TempDir,
    keys: HashMap<String, String>,
}

impl Server {
    /// Starts `tests/servers/NAME`.
    pub(crate) fn start(name: &str) -> Self {
        Self::start_with(name, &[])
    }

    /// The same with variables in its environment.
    pub(crate) fn start_with(name: &str, variables: &[(&str, &str)]) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
        let script = root.join("tests/servers").join(name);
        let dir = tempfile::tempdir().unwrap();
        let output = Command::new(&script)
            .arg("start")
            .envs(variables.iter().copied())
            .arg(dir.path())
            .output()
            .unwrap_or_else(|why| panic!("{}: {why}", script.display()));
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{name} did not start; is the lab installed?\n{text}"
        );
        let lines = String::from_utf8(output.stdout).unwrap();
        let pairs = lines.lines().filter_map(|line| line.split_once('='));
        let keys = pairs
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        Self { script, dir, keys }
    }

    /// One of the values the script printed.
    pub(crate) fn key(&self, name: &str) -> &str {
        &self.keys[name]
    }

    pub(crate) fn port(&self) -> u16 {
        self.key("PORT").parse().unwrap()
    }

    /// Where a file of the server really is, which is also its name there.
    pub(crate) fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.key("DATA"))
    }

    pub(crate) fn trust(&self) -> Trust {
        let dir = Path::new(self.key("PKI")).join("certificates");
        Trust::read(&[&dir]).unwrap()
    }

    /// A credential from a file of the test PKI, or any other file.
    pub(crate) fn credential(&self, name: &str) -> Credential {
        let pem = std::fs::read(Path::new(self.key("PKI")).join(name)).unwrap();
        Credential::from_pem(&pem, self.trust()).unwrap()
    }

    pub(crate) fn voms(&self) -> Credential {
        self.credential(self.key("VOMS_PROXY"))
    }

    pub(crate) fn endpoint(&self, credential: Credential) -> Endpoint {
        Endpoint::gsi("localhost", self.port(), credential, 3600)
    }

    pub(crate) async fn session(&self) -> Session {
        self.session_with(Options::default()).await
    }

    pub(crate) async fn session_with(&self, options: Options) -> Session {
        let endpoint = self.endpoint(self.voms());
        Session::open(&endpoint, Arc::new(options)).await.unwrap()
    }

    /// A log, once it holds a text; the servers write when they feel like it.
    pub(crate) async fn log_with(&self, key: &str, text: &str) -> String {
        for _ in 0..100 {
            if self.log(key).contains(text) {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        self.log(key)
    }

    pub(crate) fn log(&self, key: &str) -> String {
        String::from_utf8_lossy(&std::fs::read(self.key(key)).unwrap()).into_owned()
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
