//! A gateway with a hostile plugin in it, and innocent transfers that go on all the time.
//!
//! What must hold whatever the plugin does is checked here, once for all tests: the server is the
//! process it was and answers, every innocent transfer finishes with its bytes, and after a crash
//! of the server the store tells the same as before.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::attack::{assert_presentable, library, sink, source};
use crate::data::content;
use crate::grid::{file_url, job};
use crate::programs::install;
use crate::{Gateway, GatewayOptions};

/// Longest wait for anything that is bounded by the short time-outs of [`Arena::options`].
pub const BOUND: Duration = Duration::from_secs(100);
/// Jobs of innocents that a test submits at most.
const INNOCENTS: usize = 150;
const FILE_BYTES: usize = 3 << 20;

/// The gateway and what was asked of it.
pub struct Arena {
    gateway: Gateway,
    options: GatewayOptions,
    state: tempfile::TempDir,
    plugins: tempfile::TempDir,
    jobs: Mutex<Vec<String>>,
    /// Attempts that an innocent may lose.
    pub innocent_retries: i32,
}

impl Arena {
    /// Short time-outs. Plugins stay in service however many workers they end.
    pub fn options() -> GatewayOptions {
        let engine = |key: &str| format!("CAUSEWAY__ENGINE__{key}");
        let settings = [
            ("WORKERS", "2"),
            ("OPERATION_TIMEOUT_SECONDS", "2"),
            ("CHECKSUM_TIMEOUT_SECONDS", "2"),
            ("STALL_TIMEOUT_SECONDS", "3"),
            ("CLEANUP_TIMEOUT_SECONDS", "2"),
            ("WORKER_PING_TIMEOUT_SECONDS", "4"),
            ("RETRY_DELAY_SECONDS", "1"),
            ("PLUGIN_DEATHS_MAX", "0"),
            ("STAGING_WAITING_FACTOR_SECONDS", "1"),
            ("STAGING_SCHEDULING_INTERVAL_SECONDS", "1"),
            ("STAGING_POLL_INTERVAL_SECONDS", "1"),
        ];
        let options = GatewayOptions::default();
        settings.iter().fold(options, |options, (key, value)| {
            options.env(&engine(key), *value)
        })
    }

    /// Starts a gateway with the product's plugins and a hostile native one.
    pub async fn start(hostile: &str, options: GatewayOptions) -> Self {
        Self::start_with(&library(hostile), options).await
    }

    /// The same with the file of a plugin.
    pub async fn start_with(hostile: &Path, options: GatewayOptions) -> Self {
        let plugins = tempfile::tempdir().expect("a temporary directory");
        install(hostile, plugins.path());
        let options = options.plugin_dir(plugins.path());
        let state = tempfile::tempdir().expect("a temporary directory");
        let gateway = Gateway::start(state.path(), &options);
        let begun = std::time::Instant::now();
        while gateway.ask("GET", "/readyz", &Value::Null, BOUND).await.0 != 200 {
            assert!(begun.elapsed() < BOUND, "not ready: {}", gateway.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let source = state.path().join("data/out/innocent");
        std::fs::write(source, content(FILE_BYTES)).expect("the state directory is writable");
        Self {
            gateway,
            options,
            state,
            plugins,
            jobs: Mutex::default(),
            innocent_retries: -1,
        }
    }

    /// The gateway.
    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// The directory of the hostile plugin.
    pub fn plugins(&self) -> &Path {
        self.plugins.path()
    }

    /// A directory that the gateway serves.
    pub fn data(&self) -> PathBuf {
        let state = self.state.path().canonicalize().expect("it exists");
        state.join("data/in")
    }

    /// Does something while innocent transfers run, and checks that nothing became of them but
    /// what should.
    pub async fn beside<T>(&self, attacks: impl Future<Output = T>) -> T {
        let pid = self.gateway.pid();
        let over = AtomicBool::new(false);
        let innocents = async {
            let mut jobs = Vec::new();
            for number in 0..INNOCENTS {
                jobs.push(self.submit_innocent(number).await);
                tokio::time::sleep(Duration::from_millis(400)).await;
                if over.load(Ordering::Relaxed) {
                    break;
                }
            }
            jobs
        };
        let attacks = async {
            let outcome = attacks.await;
            over.store(true, Ordering::Relaxed);
            outcome
        };
        let (jobs, outcome) = futures_util::join!(innocents, attacks);
        for (number, id) in jobs.iter().enumerate() {
            self.assert_unharmed(number, id).await;
        }
        assert_eq!(self.gateway.pid(), pid);
        // Signal 0: it fails when the process is gone.
        self.gateway.signal("0");
        outcome
    }

    /// Submits a job of innocents. The question whether a storage takes its URLs goes to a worker;
    /// where an innocent may lose an attempt, it may lose such a question, too, and is asked again.
    async fn submit_innocent(&self, number: usize) -> String {
        let job = self.innocent(number);
        for _ in 0..20 {
            let (status, answer) = self.gateway.ask("POST", "/jobs", &job, BOUND).await;
            if let Some(id) = answer["job_id"].as_str().filter(|_| status == 200) {
                self.jobs.lock().expect("no panic").push(id.to_owned());
                return id.to_owned();
            }
            let text = answer["message"].as_str().unwrap_or_default();
            let lost = text.contains("process of the plugin died");
            assert!(lost && self.innocent_retries > 0, "{status} {answer}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        panic!("innocent {number} is not taken: {}", self.gateway.log());
    }

    /// One transfer between mocks that takes a while, and one of real bytes.
    fn innocent(&self, number: usize) -> Value {
        let data = self.state.path().canonicalize().expect("it exists");
        let file = file_url(&data.join("data/out/innocent"));
        let pairs = [
            (
                format!("mock://innocent-{number}.example/a?size=1000"),
                format!("mock://safe-{number}.example/a?size_post=1000&time=0.7"),
            ),
            (
                file,
                file_url(&self.data().join(format!("innocent-{number}"))),
            ),
        ];
        let files: Vec<Value> = pairs
            .iter()
            .map(|(from, to)| json!({ "sources": [from], "destinations": [to] }))
            .collect();
        json!({ "files": files, "params": { "retry": self.innocent_retries } })
    }

    async fn assert_unharmed(&self, number: usize, id: &str) {
        let job = self.gateway.wait(id, BOUND).await;
        let files = self.gateway.get(&format!("/jobs/{id}/files")).await;
        assert_eq!(
            job["job_state"],
            "FINISHED",
            "an innocent was harmed: {files}\n{}",
            self.gateway.log()
        );
        let copy = std::fs::read(self.data().join(format!("innocent-{number}")));
        let copy = copy.expect("what finished is there");
        assert!(
            copy == content(FILE_BYTES),
            "innocent {number} has other bytes"
        );
    }

    /// Submits a job that [`Arena::assert_whole`] will look for.
    pub async fn submit(&self, job: &Value) -> String {
        let id = self.gateway.submit(job).await;
        self.jobs.lock().expect("no panic").push(id.clone());
        id
    }

    /// A transfer, from submission to its end: state and reason.
    pub async fn transfer(&self, from: &str, to: &str, params: Value) -> (String, String) {
        let mut params = params;
        if params.get("retry").is_none() {
            params["retry"] = json!(-1);
        }
        let id = self.submit(&job(from, to, Value::Null, params)).await;
        self.gateway.wait(&id, BOUND).await;
        let files = self.gateway.get(&format!("/jobs/{id}/files")).await;
        let text = |key: &str| files[0][key].as_str().unwrap_or_default().to_owned();
        (text("file_state"), text("reason"))
    }

    /// A transfer that must fail, with a reason that may be shown.
    pub async fn fails(&self, from: &str, to: &str) -> String {
        self.fails_with(from, to, json!({})).await
    }

    /// The same with parameters of the job.
    pub async fn fails_with(&self, from: &str, to: &str, params: Value) -> String {
        let (state, reason) = self.transfer(from, to, params).await;
        assert_eq!(state, "FAILED", "{from} -> {to}: {reason}");
        assert_presentable(&reason);
        reason
    }

    /// Asked for nothing, a hostile plugin is honest: it was not given up for what it did before.
    pub async fn assert_works(&self, scheme: &str) {
        let pairs = [
            (format!("{scheme}://works/f?size=100000"), sink("works")),
            (source("works"), format!("{scheme}://works/copy")),
        ];
        for (from, to) in pairs {
            let (state, reason) = self.transfer(&from, &to, json!({})).await;
            assert_eq!(state, "FINISHED", "{from} -> {to}: {reason}");
        }
    }

    /// A request about names on a storage that must be refused: status and text.
    pub async fn refused(&self, method: &str, path: &str, body: Value) -> (u16, String) {
        let (status, answer) = self.gateway.ask(method, path, &body, BOUND).await;
        assert!(
            (400..600).contains(&status),
            "{method} {path}: {status} {answer}"
        );
        let text = answer["message"].as_str();
        let text = text.unwrap_or_else(|| panic!("{method} {path}: no message: {answer}"));
        assert_presentable(text);
        (status, text.to_owned())
    }

    /// Ends the server as a power cut would, starts it again, and compares every job and transfer.
    pub async fn assert_whole(self) {
        let ids = self.jobs.into_inner().expect("no panic");
        let before = rows(&self.gateway, &ids).await;
        self.gateway.kill();
        let gateway = Gateway::start(self.state.path(), &self.options);
        let after = rows(&gateway, &ids).await;
        assert_eq!(before, after);
    }
}

/// Attempts that innocents may lose where plugins may end workers as often as they like: whoever
/// shares one with such a plugin every time loses an attempt in the end. With the usual limit nobody
/// does.
pub const SOME: i32 = 10;

/// State and reason of every transfer, and the state of its job.
async fn rows(gateway: &Gateway, ids: &[String]) -> BTreeMap<String, Vec<Value>> {
    let mut rows = BTreeMap::new();
    for id in ids {
        let job = gateway.get(&format!("/jobs/{id}")).await;
        let files = gateway.get(&format!("/jobs/{id}/files")).await;
        let files = files.as_array().unwrap_or_else(|| panic!("{id}: {files}"));
        let mut row = vec![job["job_state"].clone()];
        for file in files {
            row.extend(
                ["file_state", "reason", "filesize", "finish_time"].map(|it| file[it].clone()),
            );
        }
        rows.insert(id.clone(), row);
    }
    rows
}
