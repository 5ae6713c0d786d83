//! A gateway among storages of every kind, with a user who holds an account at each of them: real
//! servers for https, S3, FTP, GridFTP and Azure blobs, and the gateway's own directory.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::data::put;
use crate::programs::{clean, expect};
use crate::{GatewayOptions, Grid, Identity, Pki, Server};

const LIMIT: Duration = Duration::from_secs(120);

/// The kinds there are.
pub const KINDS: [&str; 6] = ["file", "https", "s3", "ftp", "azure", "gsiftp"];

/// The gateway and the storages around it.
#[derive(Debug)]
pub struct Depots {
    /// The gateway, its PKI and its own directory.
    pub grid: Grid,
    web: Server,
    /// The S3 server.
    pub s3: Server,
    ftp: Server,
    azure: Server,
    grid_ftp: Server,
    options: GatewayOptions,
    // Read again on SIGHUP.
    _config: tempfile::NamedTempFile,
}

impl Depots {
    /// Starts all servers and the gateway, and gives Alice's VO its keys.
    pub fn start() -> Self {
        Self::with(GatewayOptions::default())
    }

    /// The same with these options of the gateway.
    pub fn with(options: GatewayOptions) -> Self {
        let pki = Pki::shared();
        let start = |name: &str| Server::start(name, &pki);
        let (web, s3, ftp) = (start("xrdhttp"), start("radosgw"), start("pyftpdlib"));
        let (azure, grid_ftp) = (start("azurite"), start("gridftp"));
        let config = tempfile::NamedTempFile::new().expect("a temporary file");
        let endpoint = azure.value("ENDPOINT");
        let text = format!("[plugins.cloud.azure]\nendpoint = \"{endpoint}\"\n");
        std::fs::write(config.path(), text).expect("the configuration is written");
        let options = options.config(config.path());
        let grid = Grid::start(options.clone());
        let depots = Self {
            grid,
            web,
            s3,
            ftp,
            azure,
            grid_ftp,
            options,
            _config: config,
        };
        let of = |server: &Server, key: &str| server.value(key).to_owned();
        let s3 = (of(&depots.s3, "ACCESS"), of(&depots.s3, "SECRET"));
        let azure = (of(&depots.azure, "ACCOUNT"), of(&depots.azure, "KEY"));
        depots.give("S3:localhost", &s3);
        depots.give(
            "FTP:localhost",
            &("alice".to_owned(), "wonderland".to_owned()),
        );
        depots.give(&format!("AZURE:{}", azure.0), &azure);
        depots
    }

    /// The same after a kill -9 of the gateway and a new start.
    #[must_use]
    pub fn restarted(self) -> Self {
        let grid = self.grid.restarted(&self.options);
        Self { grid, ..self }
    }

    /// Operators write a storage down, and with which keys Alice uses it.
    fn give(&self, storage: &str, (access, secret): &(String, String)) {
        let operator = Identity::file(self.grid.gateway.pki("userproxy.pem"));
        let post = |path: &str, body: &Value| {
            let answer = self
                .grid
                .gateway
                .rest(Some(&operator), "POST", path, Some(body));
            answer.expect(201)
        };
        post("/config/cloud_storage", &json!({ "storage_name": storage }));
        let alice = self.grid.user("alice.proxy");
        let me = self.grid.gateway.rest(Some(&alice), "GET", "/whoami", None);
        let keys = json!({
            "user_dn": me.expect(200)["user_dn"],
            "access_key": access,
            "secret_key": secret,
        });
        post(&format!("/config/cloud_storage/{storage}"), &keys);
    }

    /// A URL of this name at a storage of that kind.
    pub fn url(&self, kind: &str, name: &str) -> String {
        match kind {
            "file" => self.grid.local_url(name),
            "https" => self.web.url(name),
            "s3" => format!("{}/{name}", self.s3.value("TLS_URL")),
            "ftp" => self.ftp.url(name),
            "azure" => self.azure.url(name),
            "gsiftp" => self.grid_ftp.url(name),
            other => panic!("no such kind of storage: {other}"),
        }
    }

    /// Puts a file into the gateway's own directory.
    pub fn put(&self, name: &str, bytes: &[u8]) {
        put(&self.grid.local(name), bytes);
    }

    /// What is stored there, read past the gateway: from the server's disk, or with rclone; nothing
    /// for storages that neither can look into.
    pub fn stored(&self, kind: &str, name: &str) -> Option<Vec<u8>> {
        let path: PathBuf = match kind {
            "file" => self.grid.local(name),
            "https" => self.web.data(name),
            "ftp" => self.ftp.data(name),
            "gsiftp" => self.grid_ftp.data(name),
            "s3" => return Some(self.by_rclone(name)),
            _ => return None,
        };
        let read = std::fs::read(&path);
        Some(read.unwrap_or_else(|error| panic!("read {}: {error}", path.display())))
    }

    fn by_rclone(&self, name: &str) -> Vec<u8> {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let to = dir.path().join("copy");
        let from = format!("lab:{}/{name}", self.s3.value("BUCKET"));
        self.rclone(&["copyto", &from, &to.display().to_string()]);
        read(&to)
    }

    /// Somebody else's program, with the keys of the S3 server.
    fn rclone(&self, args: &[&str]) -> String {
        let mut rclone = clean("rclone");
        rclone.args(["--config", "/dev/null"]).args(args);
        for (key, value) in [
            ("TYPE", "s3"),
            ("PROVIDER", "Ceph"),
            ("ENDPOINT", self.s3.value("ENDPOINT")),
            ("ACCESS_KEY_ID", self.s3.value("ACCESS")),
            ("SECRET_ACCESS_KEY", self.s3.value("SECRET")),
        ] {
            rclone.env(format!("RCLONE_CONFIG_LAB_{key}"), value);
        }
        let home = self.grid.gateway.state();
        expect(rclone.env("HOME", home), LIMIT)
    }
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()))
}
