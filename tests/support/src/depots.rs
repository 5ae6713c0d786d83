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
    // The configuration is read again on SIGHUP.
    _place: tempfile::TempDir,
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
        let place = tempfile::tempdir().expect("a temporary directory");
        let config = place.path().join("config.toml");
        let endpoint = azure.value("ENDPOINT");
        let text = format!("[plugins.cloud.azure]\nendpoint = \"{endpoint}\"\n");
        std::fs::write(&config, text).expect("the configuration is written");
        let options = options.config(config);
        let grid = Grid::start(options.clone());
        let depots = Self {
            grid,
            web,
            s3,
            ftp,
            azure,
            grid_ftp,
            options,
            _place: place,
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

    /// The server that keeps storages of that kind.
    pub fn server(&self, kind: &str) -> &Server {
        match kind {
            "https" => &self.web,
            "s3" => &self.s3,
            "ftp" => &self.ftp,
            "azure" => &self.azure,
            "gsiftp" => &self.grid_ftp,
            other => panic!("no server keeps this kind of storage: {other}"),
        }
    }

    /// A URL of this name at a storage of that kind.
    pub fn url(&self, kind: &str, name: &str) -> String {
        match kind {
            "file" => self.grid.local_url(name),
            "s3" => format!("{}/{name}", self.s3.value("TLS_URL")),
            other => self.server(other).url(name),
        }
    }

    /// Pieces that have arrived of a transfer that could be gone on with.
    pub fn pieces(&self, job: &str) -> usize {
        let Ok(entries) = std::fs::read_dir(self.grid.gateway.state().join("resume")) else {
            // Made when the first piece arrives.
            return 0;
        };
        let is_it = |path: &PathBuf| path.display().to_string().ends_with(job);
        let ledger = entries.flatten().map(|it| it.path()).find(is_it);
        let text = ledger.and_then(|it| std::fs::read_to_string(it).ok());
        let is_piece = |line: &&str| line.starts_with(|first: char| first.is_ascii_digit());
        text.map_or(0, |it| it.lines().filter(is_piece).count())
    }

    /// Puts a file into the gateway's own directory.
    pub fn put(&self, name: &str, bytes: &[u8]) {
        put(&self.grid.local(name), bytes);
    }

    /// What is stored there, read past the gateway: from the server's disk, where there may be
    /// nothing, or with programs of others.
    pub fn stored(&self, kind: &str, name: &str) -> Option<Vec<u8>> {
        let path: PathBuf = match kind {
            "s3" => return Some(self.by_rclone(name)),
            "azure" => return Some(self.by_curl(name)),
            "file" => self.grid.local(name),
            other => self.server(other).data(name),
        };
        path.exists().then(|| read(&path))
    }

    /// How many uploads plugins have written down.
    pub fn written_down(&self) -> usize {
        let count = |name: &str| {
            let dir = self.grid.gateway.state().join("db/begun").join(name);
            // Made with the first upload.
            std::fs::read_dir(dir).map_or(0, Iterator::count)
        };
        count("s3") + count("ftp")
    }

    /// Removes a file through the gateway.
    pub fn remove(&self, kind: &str, name: &str) {
        let alice = self.grid.user("alice.proxy");
        let body = json!({ "surl": self.url(kind, name) });
        let gateway = &self.grid.gateway;
        gateway
            .rest(Some(&alice), "POST", "/dm/unlink", Some(&body))
            .expect(200);
    }

    fn by_rclone(&self, name: &str) -> Vec<u8> {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let to = dir.path().join("copy");
        let from = format!("lab:{}/{name}", self.s3.value("BUCKET"));
        self.rclone(&["copyto", &from, &to.display().to_string()]);
        read(&to)
    }

    /// With a signature that the account's owner has given out.
    fn by_curl(&self, name: &str) -> Vec<u8> {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let to = dir.path().join("copy");
        let of = |key: &str| self.azure.value(key);
        let mut curl = clean("curl");
        curl.args(["-sSf", "--cacert"])
            .arg(self.grid.pki.file("ca.pem"));
        curl.arg("-o").arg(&to).arg(format!(
            "{}/{}/lab/{name}?{}",
            of("ENDPOINT"),
            of("ACCOUNT"),
            of("SAS")
        ));
        expect(&mut curl, LIMIT);
        read(&to)
    }

    /// Names of the uploads in parts that were begun at the S3 server and not ended, as it lists them
    /// itself.
    pub fn unfinished_uploads(&self) -> Vec<String> {
        let of = |key: &str| self.s3.value(key);
        let mut curl = clean("curl");
        curl.args(["-sSf", "--aws-sigv4", "aws:amz:us-east-1:s3", "--user"])
            .arg(format!("{}:{}", of("ACCESS"), of("SECRET")))
            .args(["-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD"])
            .arg(format!("{}/{}?uploads=", of("ENDPOINT"), of("BUCKET")));
        let list = expect(&mut curl, LIMIT);
        let names = list.split("<UploadId>").skip(1);
        let names = names.filter_map(|it| it.split_once('<'));
        names.map(|(name, _)| name.to_owned()).collect()
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
