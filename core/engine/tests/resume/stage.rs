//! A source that breaks, a destination that keeps what arrived, and an engine between them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use causeway_engine::EngineConfig;
use causeway_engine::plan::PeerCopies;
use causeway_model::ports::JobView;
use causeway_model::{FileState, Job, JobId, Transfer};
use causeway_plugin_file::FileStorage;
use causeway_sdk::{Algorithm, Bytes, Erased, Error, ErrorKind, Host, Storage as _};
use causeway_testkit::{FaultStorage, Traffic, payload};
use tempfile::TempDir;

use crate::support::probe::{Probe, Seen};
use crate::support::{self, Bench, Shelf};

pub const SOURCE: &str = "memory://a/source";
pub const DESTINATION: &str = "memory://b/destination";
pub const SIZE: usize = 1_000_003;
pub const RANGE: u64 = 100_000;
/// Bytes after which the connection breaks.
pub const CUT: u64 = 550_000;
/// Most that is read for nothing when a stream breaks: a piece, and chunks on their way.
pub const LOST: u64 = RANGE + 3 * 65_536;

pub struct World {
    pub bench: Bench,
    pub seen: Seen,
    pub traffic: Traffic,
    pub state: TempDir,
}

pub struct Setup {
    pub streams: u32,
    pub probe: Probe,
    pub breaks: Vec<u64>,
    pub error: Error,
    pub bytes: Bytes,
    pub change: fn(&mut EngineConfig),
}

impl Setup {
    pub fn new() -> Self {
        Self {
            streams: 1,
            probe: Probe::new(),
            breaks: vec![CUT],
            error: Error::new(ErrorKind::Network, "lose the connection"),
            bytes: payload(1, SIZE),
            change: |_| {},
        }
    }

    pub async fn build(self) -> World {
        let state = tempfile::tempdir().unwrap();
        let mut config = EngineConfig {
            peer_copies: PeerCopies::None,
            streams: self.streams,
            stream_range_bytes: RANGE,
            resume_dir: Some(state.path().join("ledgers")),
            resume_min_bytes: 1,
            log_dir: Some(state.path().join("logs")),
            ..EngineConfig::default()
        };
        (self.change)(&mut config);
        let (storage, seen) = self.probe.shared();
        seen.put(SOURCE, &self.bytes).await;
        let mut faulty = FaultStorage::new(storage);
        for at in self.breaks {
            faulty = faulty.break_once(at, self.error.clone());
        }
        let traffic = faulty.traffic();
        std::fs::create_dir(state.path().join("data")).unwrap();
        let roots = format!(r#"{{"roots":[{:?}]}}"#, state.path().join("data"));
        let file = FileStorage::create(&roots, Host::silent()).unwrap();
        let shelf = Shelf::mock()
            .with("memory", faulty.shared())
            .with("file", Erased::shared(file));
        World {
            bench: Bench::with(config, shelf).await,
            seen,
            traffic,
            state,
        }
    }
}

impl World {
    pub async fn submit(
        &self,
        destination: &str,
        change: impl Fn(&mut Job, &mut Transfer),
    ) -> JobId {
        let mut view = self.bench.job(&[(SOURCE, destination)]);
        support::change_rows(&mut view, |job, file| {
            job.retry = 3;
            change(job, file);
        });
        self.bench.submit(view).await
    }

    pub async fn run(
        &self,
        destination: &str,
        change: impl Fn(&mut Job, &mut Transfer),
    ) -> Arc<Transfer> {
        let id = self.submit(destination, change).await;
        self.end(id).await.files[0].clone()
    }

    pub async fn end(&self, id: JobId) -> JobView {
        let ended = |view: &JobView| view.job.state.is_terminal();
        self.bench.until_late(id, ended).await
    }

    pub async fn until_broken(&self, id: JobId) {
        self.bench
            .until_late(id, |view| view.files[0].retry == 1)
            .await;
    }

    pub fn files(&self, dir: &str) -> Vec<String> {
        names(&self.state.path().join(dir))
    }

    pub fn file_url(&self) -> String {
        format!(
            "file://{}/destination",
            self.state.path().join("data").display()
        )
    }

    /// Neither ledger nor unfinished file.
    pub fn nothing_is_left(&self) {
        assert_eq!(self.files("ledgers"), Vec::<String>::new());
        let data = self.files("data");
        assert!(data.iter().all(|name| name == "destination"), "{data:?}");
    }

    /// What the logs of the transfers say, once they say this.
    pub async fn log_with(&self, text: &str) -> String {
        let mut all = String::new();
        for _ in 0..1000 {
            all = read_all(&self.state.path().join("logs"));
            if all.contains(text) {
                return all;
            }
            // The clock of the runtime stands still, the thread that writes does not.
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("{text} is not in\n{all}");
    }
}

pub fn names(dir: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return Vec::new();
    };
    let name = |it: std::fs::DirEntry| it.file_name().to_string_lossy().into_owned();
    entries.flatten().map(name).collect()
}

pub fn read_all(dir: &Path) -> String {
    let mut all = String::new();
    for name in names(dir) {
        let path = dir.join(name);
        all += &match path.is_dir() {
            true => read_all(&path),
            false => std::fs::read_to_string(&path).unwrap(),
        };
    }
    all
}

pub fn sum(algorithm: Algorithm, bytes: &[u8]) -> String {
    let mut hasher = algorithm.hasher();
    hasher.update(bytes);
    hasher.finish().to_string()
}

pub fn finished(file: &Transfer) {
    assert_eq!(file.state, FileState::Finished, "{:?}", file.reason);
}
