//! Real servers, one set per test, in a directory that goes away with it.
#![allow(dead_code, reason = "every test binary uses its own part")]

pub(crate) mod double;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use causeway_plugin_gridftp::GridftpStorage;
use causeway_sdk::types::Direction;
use causeway_sdk::{
    Bytes, CopyRequest, Credential, Ctx, Host, ReadBody, ReadOptions, Result, Secret, Storage, Url,
    WriteBody, WriteOptions, Written,
};

/// A running server, stopped on drop.
pub(crate) struct Server {
    script: PathBuf,
    dir: tempfile::TempDir,
    keys: HashMap<String, String>,
}

impl Server {
    /// Starts `tests/servers/NAME`.
    pub(crate) fn start(name: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let script = root.join("tests/servers").join(name);
        let dir = tempfile::tempdir().unwrap();
        let output = Command::new(&script)
            .arg("start")
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

    pub(crate) fn url(&self, path: &str) -> Url {
        format!("{}/{}", self.key("URL"), path.trim_start_matches('/'))
            .parse()
            .unwrap()
    }

    /// Where a file of the server really is.
    pub(crate) fn file(&self, path: &str) -> PathBuf {
        Path::new(self.key("DATA")).join(path)
    }

    /// A proxy of the test PKI, or of any file.
    pub(crate) fn credential(&self, name: &str) -> Credential {
        let path = Path::new(self.key("PKI")).join(name);
        Credential::X509(Secret::new(std::fs::read_to_string(path).unwrap()))
    }

    pub(crate) fn voms(&self) -> Credential {
        self.credential(self.key("VOMS_PROXY"))
    }

    pub(crate) fn cx(&self) -> Ctx {
        Ctx::new("test").with_credential(self.voms())
    }

    /// A storage that trusts the test CA, with further options.
    pub(crate) fn storage(&self, options: &str) -> GridftpStorage {
        let comma = if options.is_empty() { "" } else { "," };
        let text = format!(
            r#"{{"ca_dir":"{}/certificates"{comma}{options}}}"#,
            self.key("PKI")
        );
        GridftpStorage::create(&text, Host::new(|_, text| eprintln!("{text}"))).unwrap()
    }

    /// The processes of its sessions: one for each control connection.
    pub(crate) fn workers(&self) -> Vec<u32> {
        let server = self.key("PID");
        let children = format!("/proc/{server}/task/{server}/children");
        let list = std::fs::read_to_string(children).unwrap_or_default();
        list.split_whitespace()
            .map(|it| it.parse().unwrap())
            .collect()
    }

    /// A log, once it holds a text.
    pub(crate) async fn log_with(&self, key: &str, text: &str) -> String {
        self.log_once(key, |it| it.contains(text)).await
    }

    /// A log, once it is as it should be; the servers write when they feel like it. After a while it comes as
    /// it is.
    pub(crate) async fn log_once(&self, key: &str, is_so: impl Fn(&str) -> bool) -> String {
        for _ in 0..100 {
            let log = self.log(key);
            if is_so(&log) {
                return log;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
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

pub(crate) async fn read(storage: &GridftpStorage, cx: &Ctx, at: &Url) -> Result<Vec<u8>> {
    let mut body = storage.open_read(cx, at, ReadOptions::default()).await?;
    let mut all = Vec::new();
    while let Some(chunk) = body.next().await? {
        assert!(!chunk.is_empty());
        all.extend_from_slice(&chunk);
    }
    Ok(all)
}

pub(crate) async fn write(
    storage: &GridftpStorage,
    cx: &Ctx,
    at: &Url,
    data: &[u8],
) -> Result<Written> {
    let options = WriteOptions {
        size: Some(data.len() as u64),
        ..WriteOptions::default()
    };
    let mut body = storage.open_write(cx, at, options).await?;
    let mut offset = 0;
    for chunk in data.chunks(64 << 10) {
        body.write(offset, Bytes::copy_from_slice(chunk)).await?;
        offset += chunk.len() as u64;
    }
    body.commit().await
}

/// Bytes that differ from place to place.
pub(crate) fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 31 + i / 257) as u8).collect()
}

/// A copy from one place to another, in the name of a user of both servers.
pub(crate) fn request(server: &Server, source: Url, destination: Url) -> CopyRequest {
    CopyRequest {
        direction: Direction::Pull,
        source,
        destination,
        peer_credential: server.voms(),
        overwrite: false,
        streams: 0,
        size: None,
        expect: None,
    }
}
