//! A gateway among real storages: it trusts their CA, and their users have left a proxy with it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::data::eventually;
use crate::programs::{causeway, clean, expect};
use crate::rest::{Answer, Identity};
use crate::{Gateway, GatewayOptions, Pki, Server};

/// Longest wait for a transfer.
const TRANSFER: Duration = Duration::from_secs(120);

/// A gateway, the PKI of its storages, and a directory of its own that it serves as `file:`.
#[derive(Debug)]
pub struct Grid {
    /// The gateway.
    pub gateway: Gateway,
    /// PKI of servers and users.
    pub pki: Pki,
    state: tempfile::TempDir,
}

/// A transfer that has ended.
#[derive(Clone, Debug)]
pub struct Done {
    /// The job.
    pub job: Value,
    /// Its only transfer.
    pub file: Value,
    /// Its failed attempts.
    pub retries: Value,
}

impl Done {
    /// Last copy mode the log of a finished transfer names.
    pub fn mode(&self) -> String {
        let log = self.log_with("Transfer finished");
        let line = log
            .lines()
            .filter_map(|line| line.split_once("Copy mode: "))
            .next_back();
        line.unwrap_or_else(|| panic!("no copy mode in the log: {log}"))
            .1
            .trim()
            .to_owned()
    }

    /// The log of the transfer, once it holds this. It is written soon, not at once.
    pub fn log_with(&self, part: &str) -> String {
        let path = self.file["log_file"]
            .as_str()
            .expect("the transfer has a log");
        let read = || std::fs::read_to_string(path).unwrap_or_default();
        eventually(
            &format!("{part:?} in {path}"),
            Duration::from_secs(10),
            || read().contains(part),
        );
        read()
    }

    /// Expects a finished transfer.
    pub fn finished(&self) -> &Self {
        assert_eq!(self.file["file_state"], "FINISHED", "{self:#?}");
        assert_eq!(self.job["job_state"], "FINISHED", "{self:#?}");
        self
    }

    /// Expects a failed transfer, and gives its reason.
    pub fn failed(&self) -> &str {
        assert_eq!(self.file["file_state"], "FAILED", "{self:#?}");
        assert_eq!(self.job["job_state"], "FAILED", "{self:#?}");
        self.file["reason"]
            .as_str()
            .expect("a failed transfer has a reason")
    }
}

impl Grid {
    /// Starts the gateway and lets Alice delegate.
    pub fn start(options: GatewayOptions) -> Self {
        let pki = Pki::shared();
        let state = tempfile::tempdir().expect("a temporary directory");
        trust(&pki, &state.path().join("pki/certificates"));
        let gateway = Gateway::start(state.path(), &options);
        let grid = Self {
            gateway,
            pki,
            state,
        };
        grid.delegate("alice.proxy");
        grid
    }

    /// Starts one of the lab's servers.
    pub fn server(&self, name: &str) -> Server {
        Server::start(name, &self.pki)
    }

    /// Waits for the end of the gateway, and gives its state directory for the next one.
    pub fn stop(self) -> (tempfile::TempDir, std::process::ExitStatus) {
        let status = self.gateway.ended(TRANSFER);
        (self.state, status)
    }

    /// The same after a kill -9 of the gateway and a new start.
    #[must_use]
    pub fn restarted(self, options: &GatewayOptions) -> Self {
        self.gateway.kill();
        Self {
            gateway: Gateway::start(self.state.path(), options),
            ..self
        }
    }

    /// A user of the lab, by the file of the proxy.
    pub fn user(&self, proxy: &str) -> Identity {
        Identity::file(self.pki.file(proxy))
    }

    /// Leaves a proxy with the gateway, by the product's own command.
    pub fn delegate(&self, proxy: &str) {
        let mut command = clean(causeway());
        command
            .args(["delegate", "--endpoint", self.gateway.endpoint(), "--cert"])
            .arg(self.pki.file(proxy));
        expect(
            command
                .arg("--capath")
                .arg(self.gateway.pki("certificates")),
            Duration::from_secs(60),
        );
    }

    /// A file in the directory the gateway serves.
    pub fn local(&self, name: &str) -> PathBuf {
        self.state
            .path()
            .canonicalize()
            .expect("it exists")
            .join("data/in")
            .join(name)
    }

    /// Its URL.
    pub fn local_url(&self, name: &str) -> String {
        file_url(&self.local(name))
    }

    /// Submits as a user of the lab.
    pub fn submit_as(&self, proxy: &str, job: &Value) -> Answer {
        self.gateway
            .rest(Some(&self.user(proxy)), "POST", "/jobs", Some(job))
    }

    /// A transfer of Alice's, from submission to end.
    pub async fn transfer(&self, source: &str, destination: &str, params: Value) -> Done {
        self.transfer_as("alice.proxy", source, destination, Value::Null, params)
            .await
    }

    /// A transfer of somebody's, with a checksum or null.
    pub async fn transfer_as(
        &self,
        who: &str,
        source: &str,
        destination: &str,
        checksum: Value,
        params: Value,
    ) -> Done {
        let job = job(source, destination, checksum, params);
        let answer = self.submit_as(who, &job).expect(200);
        let id = answer["job_id"].as_str().expect("a job id").to_owned();
        self.gateway.wait(&id, TRANSFER).await;
        self.done(&id).await
    }

    /// What is known about a job of one transfer.
    pub async fn done(&self, id: &str) -> Done {
        let job = self.gateway.get(&format!("/jobs/{id}")).await;
        let file = self.gateway.get(&format!("/jobs/{id}/files")).await[0].take();
        let retries = self
            .gateway
            .get(&format!("/jobs/{id}/files/{}/retries", file["file_id"]))
            .await;
        Done { job, file, retries }
    }
}

/// A job of one transfer.
pub fn job(source: &str, destination: &str, checksum: Value, params: Value) -> Value {
    json!({
        "files": [{ "sources": [source], "destinations": [destination], "checksum": checksum }],
        "params": params,
    })
}

/// The URL of a local file.
pub fn file_url(path: &Path) -> String {
    format!("file://{}", path.display())
}

/// Puts the lab's CA where the gateway will put its own: then it trusts both.
fn trust(pki: &Pki, dir: &Path) {
    std::fs::create_dir_all(dir).expect("the state directory is writable");
    for entry in std::fs::read_dir(pki.file("certificates"))
        .expect("the PKI has a CA directory")
        .flatten()
    {
        std::fs::copy(entry.path(), dir.join(entry.file_name()))
            .expect("the state directory is writable");
    }
}
