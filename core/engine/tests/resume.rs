//! A streamed transfer that is broken off goes on where it was, and only with what is right.

mod support;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use causeway_engine::EngineConfig;
use causeway_engine::plan::PeerCopies;
use causeway_model::ports::{JobControl as _, JobView};
use causeway_model::{ChecksumMode, FileState, Job, JobId, Transfer};
use causeway_plugin_file::FileStorage;
use causeway_sdk::{Algorithm, Bytes, Erased, Error, ErrorKind, Host, Storage as _};
use causeway_testkit::{FaultStorage, Traffic, payload};
use support::probe::{Probe, Seen};
use support::{Bench, Shelf, checksum};
use tempfile::TempDir;

const SOURCE: &str = "memory://a/source";
const DESTINATION: &str = "memory://b/destination";
const SIZE: usize = 1_000_003;
const RANGE: u64 = 100_000;
/// Bytes after which the connection breaks.
const CUT: u64 = 550_000;
/// Most that is read for nothing when a stream breaks: a piece, and chunks on their way.
const LOST: u64 = RANGE + 3 * 65_536;

struct World {
    bench: Bench,
    seen: Seen,
    traffic: Traffic,
    state: TempDir,
}

struct Setup {
    streams: u32,
    probe: Probe,
    breaks: Vec<u64>,
    error: Error,
    bytes: Bytes,
    change: fn(&mut EngineConfig),
}

impl Setup {
    fn new() -> Self {
        Self {
            streams: 1,
            probe: Probe::new(),
            breaks: vec![CUT],
            error: Error::new(ErrorKind::Network, "lose the connection"),
            bytes: payload(1, SIZE),
            change: |_| {},
        }
    }

    async fn build(self) -> World {
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
    async fn submit(&self, destination: &str, change: impl Fn(&mut Job, &mut Transfer)) -> JobId {
        let mut view = self.bench.job(&[(SOURCE, destination)]);
        support::change_rows(&mut view, |job, file| {
            job.retry = 3;
            change(job, file);
        });
        self.bench.submit(view).await
    }

    async fn run(
        &self,
        destination: &str,
        change: impl Fn(&mut Job, &mut Transfer),
    ) -> Arc<Transfer> {
        let id = self.submit(destination, change).await;
        self.end(id).await.files[0].clone()
    }

    async fn end(&self, id: JobId) -> JobView {
        let ended = |view: &JobView| view.job.state.is_terminal();
        self.bench.until_late(id, ended).await
    }

    async fn until_broken(&self, id: JobId) {
        self.bench
            .until_late(id, |view| view.files[0].retry == 1)
            .await;
    }

    fn files(&self, dir: &str) -> Vec<String> {
        names(&self.state.path().join(dir))
    }

    fn file_url(&self) -> String {
        format!(
            "file://{}/destination",
            self.state.path().join("data").display()
        )
    }

    /// Neither ledger nor unfinished file.
    fn nothing_is_left(&self) {
        assert_eq!(self.files("ledgers"), Vec::<String>::new());
        let data = self.files("data");
        assert!(data.iter().all(|name| name == "destination"), "{data:?}");
    }

    /// What the logs of the transfers say, once they say this.
    async fn log_with(&self, text: &str) -> String {
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

fn names(dir: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return Vec::new();
    };
    let name = |it: std::fs::DirEntry| it.file_name().to_string_lossy().into_owned();
    entries.flatten().map(name).collect()
}

fn read_all(dir: &Path) -> String {
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

fn sum(algorithm: Algorithm, bytes: &[u8]) -> String {
    let mut hasher = algorithm.hasher();
    hasher.update(bytes);
    hasher.finish().to_string()
}

fn finished(file: &Transfer) {
    assert_eq!(file.state, FileState::Finished, "{:?}", file.reason);
}

#[tokio::test(start_paused = true)]
async fn only_the_rest_is_read_again() {
    for streams in [1, 4] {
        let world = Setup {
            streams,
            ..Setup::new()
        };
        let bytes = world.bytes.clone();
        let world = world.build().await;
        let right = checksum(ChecksumMode::BOTH, &sum(Algorithm::Adler32, &bytes));
        let file = world.run(DESTINATION, right).await;
        finished(&file);
        assert_eq!((file.retry, file.filesize), (1, Some(SIZE as u64)));
        let there = world.seen.get(DESTINATION).await;
        assert_eq!(there.as_deref(), Some(&bytes[..]));
        let again = world.traffic.bytes_read() - SIZE as u64;
        assert!(
            again <= u64::from(streams) * LOST,
            "{again} bytes read again"
        );
        assert_eq!(
            (world.seen.count("suspend"), world.seen.count("abort")),
            (1, 0)
        );
        world.nothing_is_left();
        world.log_with("Resuming: ").await;
    }
}

#[tokio::test(start_paused = true)]
async fn it_may_break_again_and_again() {
    let world = Setup {
        breaks: vec![200_000, 500_000, 900_000],
        ..Setup::new()
    };
    let bytes = world.bytes.clone();
    let world = world.build().await;
    let file = world.run(&world.file_url(), |_, _| {}).await;
    finished(&file);
    assert_eq!(file.retry, 3);
    let there = std::fs::read(world.state.path().join("data/destination")).unwrap();
    assert_eq!(there, bytes);
    let again = world.traffic.bytes_read() - SIZE as u64;
    assert!(again <= 3 * LOST, "{again} bytes read again");
    world.nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn another_source_starts_over() {
    let world = Setup::new().build().await;
    let id = world.submit(DESTINATION, |_, _| {}).await;
    world.until_broken(id).await;
    assert_eq!(world.files("ledgers").len(), 1);
    let other = payload(2, SIZE);
    world.seen.put(SOURCE, &other).await;
    finished(&world.end(id).await.files[0]);
    let there = world.seen.get(DESTINATION).await;
    assert_eq!(there.as_deref(), Some(&other[..]));
    assert_eq!(world.seen.count("keep"), 0);
    assert!(world.traffic.bytes_read() >= CUT + SIZE as u64);
    world.nothing_is_left();
    world.log_with("The source is another one by now").await;
}

#[tokio::test(start_paused = true)]
async fn what_was_damaged_moves_again() {
    let world = Setup::new();
    let bytes = world.bytes.clone();
    let world = world.build().await;
    let id = world.submit(&world.file_url(), |_, _| {}).await;
    world.until_broken(id).await;
    let data = world.state.path().join("data");
    let [unfinished] = &world.files("data")[..] else {
        panic!("no unfinished file: {:?}", world.files("data"));
    };
    assert!(unfinished.starts_with(".causeway-resume-"));
    let mut held = std::fs::read(data.join(unfinished)).unwrap();
    assert!(held.len() as u64 >= CUT - LOST);
    // In the second piece.
    held[RANGE as usize + 5] ^= 1;
    std::fs::write(data.join(unfinished), held).unwrap();
    finished(&world.end(id).await.files[0]);
    assert_eq!(std::fs::read(data.join("destination")).unwrap(), bytes);
    let again = world.traffic.bytes_read() - SIZE as u64;
    assert!((RANGE..=RANGE + LOST).contains(&again), "{again}");
    world.nothing_is_left();
    world.log_with("3 of 4 pieces verified").await;
}

#[tokio::test(start_paused = true)]
async fn a_damaged_ledger_only_costs_time() {
    let world = Setup::new();
    let bytes = world.bytes.clone();
    let world = world.build().await;
    let id = world.submit(&world.file_url(), |_, _| {}).await;
    world.until_broken(id).await;
    let ledger = world
        .state
        .path()
        .join("ledgers")
        .join(&world.files("ledgers")[0]);
    std::fs::write(&ledger, "causeway-ledger-1 nonsense\n").unwrap();
    finished(&world.end(id).await.files[0]);
    let there = std::fs::read(world.state.path().join("data/destination")).unwrap();
    assert_eq!(there, bytes);
    assert!(world.traffic.bytes_read() >= CUT + SIZE as u64);
    world.nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn what_ended_for_good_leaves_nothing() {
    let last = |job: &mut Job, _: &mut Transfer| job.retry = 0;
    let world = Setup::new().build().await;
    let file = world.run(&world.file_url(), last).await;
    assert_eq!(file.state, FileState::Failed);
    world.nothing_is_left();

    // The last of two attempts finds no source at all.
    let world = Setup::new().build().await;
    let id = world.submit(&world.file_url(), |_, _| {}).await;
    world.until_broken(id).await;
    assert_eq!(world.files("data").len(), 1);
    let cx = causeway_sdk::Ctx::new("test");
    let source = SOURCE.parse().unwrap();
    world.seen.inner.unlink(&cx, &source).await.unwrap();
    assert_eq!(world.end(id).await.files[0].state, FileState::Failed);
    world.nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_transfer_leaves_nothing() {
    let world = Setup {
        probe: Probe::new().slow_reads(Duration::from_secs(1)),
        breaks: Vec::new(),
        ..Setup::new()
    };
    let world = world.build().await;
    let id = world.submit(&world.file_url(), |_, _| {}).await;
    while world.traffic.bytes_read() < 3 * RANGE {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(world.files("ledgers").len(), 1);
    world.bench.engine.cancel_job(id).await.unwrap().unwrap();
    assert_eq!(world.end(id).await.files[0].state, FileState::Canceled);
    for _ in 0..600 {
        if world.files("ledgers").is_empty() && world.files("data").is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    world.nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn a_stopped_engine_leaves_what_arrived_for_the_next() {
    let world = Setup {
        probe: Probe::new().slow_reads(Duration::from_secs(1)),
        breaks: Vec::new(),
        ..Setup::new()
    };
    let bytes = world.bytes.clone();
    let world = world.build().await;
    let id = world.submit(&world.file_url(), |_, _| {}).await;
    while world.traffic.bytes_read() < CUT {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    world.bench.engine.shutdown(Duration::ZERO).await;
    assert_eq!(world.bench.file(id, 0).await.state, FileState::Active);
    let read = world.traffic.bytes_read();
    let bench = &world.bench;
    let (store, clock) = (bench.store.clone(), bench.clock.clone());
    let next = Bench::on(store, bench.config.clone(), bench.shelf.clone(), clock).await;
    let ended = |view: &JobView| view.job.state.is_terminal();
    let view = next.until_late(id, ended).await;
    finished(&view.files[0]);
    assert_eq!(view.files[0].retry, 0);
    let there = std::fs::read(world.state.path().join("data/destination")).unwrap();
    assert_eq!(there, bytes);
    let again = world.traffic.bytes_read() - SIZE as u64;
    assert!(read >= CUT && again <= LOST, "{again} bytes read again");
    world.nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn other_checksums_come_from_the_storages_or_not_at_all() {
    for (able, goes_on) in [(true, true), (false, false)] {
        let probe = match able {
            true => Probe::new(),
            false => Probe::new().able(|it| it.checksums.clear()),
        };
        let world = Setup {
            probe,
            ..Setup::new()
        };
        let bytes = world.bytes.clone();
        let world = world.build().await;
        let right = checksum(ChecksumMode::BOTH, &sum(Algorithm::Md5, &bytes));
        let file = world.run(DESTINATION, right).await;
        finished(&file);
        let there = world.seen.get(DESTINATION).await;
        assert_eq!(there.as_deref(), Some(&bytes[..]));
        let again = world.traffic.bytes_read() - SIZE as u64;
        assert_eq!(again <= LOST, goes_on, "{again} bytes read again");
        world.nothing_is_left();
    }
}

/// What is other than usual in an engine.
type Change = fn(&mut EngineConfig);

#[tokio::test(start_paused = true)]
async fn small_files_and_unable_storages_begin_anew() {
    let rows: [(Change, Probe); 3] = [
        (|it| it.resume_min_bytes = SIZE as u64 + 1, Probe::new()),
        (|_| {}, Probe::new().able(|it| it.write.resumable = false)),
        (|_| {}, Probe::new().able(|it| it.read.ranges = false)),
    ];
    for (change, probe) in rows {
        let world = Setup {
            probe,
            change,
            ..Setup::new()
        };
        let world = world.build().await;
        finished(&*world.run(DESTINATION, |_, _| {}).await);
        let counts = (world.seen.count("suspend"), world.seen.count("keep"));
        assert_eq!((counts, world.seen.count("abort")), ((0, 0), 1));
        assert!(world.traffic.bytes_read() >= CUT + SIZE as u64);
        world.nothing_is_left();
    }
}
