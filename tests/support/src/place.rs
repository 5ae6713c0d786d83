//! A gateway whose worker processes are looked at, and the jobs that are given to it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::processes::{maps, until};
use crate::{Gateway, GatewayOptions};

/// Longest wait for anything that must come.
pub const LIMIT: Duration = Duration::from_secs(120);

/// A gateway in a directory of its own.
pub struct Place {
    /// Its directory.
    pub dir: tempfile::TempDir,
    /// The gateway.
    pub gateway: Gateway,
}

impl Place {
    /// With these options.
    pub fn with(options: &GatewayOptions) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let gateway = Gateway::start(dir.path(), options);
        Self { dir, gateway }
    }

    /// With the usual ones.
    pub fn usual() -> Self {
        Self::with(&GatewayOptions::default())
    }

    /// Transfers of one job, as REST shows them.
    pub async fn files(&self, id: &str) -> Vec<Value> {
        let files = self.gateway.get(&format!("/jobs/{id}/files")).await;
        files.as_array().expect("a list of transfers").clone()
    }

    /// Reason of the first transfer of a job.
    pub async fn reason(&self, id: &str) -> String {
        let file = self.files(id).await.remove(0);
        file["reason"].as_str().unwrap_or_default().to_owned()
    }

    /// Waits until as many workers as usual are at work.
    pub fn staffed(&self, number: usize) -> Vec<u32> {
        let works = || {
            let workers = self.gateway.workers();
            let loaded = |pid: &u32| maps(*pid).contains("libcauseway_plugin");
            workers.into_iter().filter(loaded).collect::<Vec<_>>()
        };
        until(LIMIT, "workers", || works().len() == number);
        works()
    }

    /// Waits until a worker has begun with a transfer of a job. The job says `ACTIVE` before that:
    /// a transfer that is `READY` has been handed out, and is taken up again when nobody began it.
    pub async fn active(&self, id: &str) {
        let start = Instant::now();
        while !self
            .files(id)
            .await
            .iter()
            .any(|it| it["file_state"] == "ACTIVE")
        {
            assert!(start.elapsed() < LIMIT, "no transfer of job {id} began");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Two workers, whatever the machine has.
pub fn two() -> GatewayOptions {
    GatewayOptions::default().env("CAUSEWAY__ENGINE__WORKERS", "2")
}

/// A job of so many transfers over several links, each of which takes so long.
pub fn mock(number: usize, seconds: f64, parameters: Value) -> Value {
    let file = |index: usize| {
        json!({
            "sources": [format!("mock://source{}.example/f{index}?size=10", index % 7)],
            "destinations": [format!(
                "mock://destination{}.example/f{index}?size_post=10&time={seconds}", index % 5
            )],
        })
    };
    json!({ "files": (0..number).map(file).collect::<Vec<_>>(), "params": parameters })
}

/// A job of one transfer.
pub fn one(source: &str, destination: &str, parameters: Value) -> Value {
    json!({
        "files": [{ "sources": [source], "destinations": [destination] }],
        "params": parameters,
    })
}

/// A transfer in whose middle the plugin sends a signal to its own process.
pub fn deadly(number: u32, parameters: Value) -> Value {
    let source = format!("mock://a.example/deadly?size=10&signal={number}");
    one(
        &source,
        "mock://b.example/deadly?size_post=10&time=1",
        parameters,
    )
}

/// Parameters of a job with retries enough.
pub fn tried_again() -> Value {
    json!({ "retry": 20, "retry_delay": 1 })
}
