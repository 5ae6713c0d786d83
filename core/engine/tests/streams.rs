//! Bytes through the worker: right ones, bounded memory, nothing left behind.

mod support;

use std::time::Duration;

use causeway_engine::EngineConfig;
use causeway_engine::plan::PeerCopies;
use causeway_model::{ChecksumMode, FileState};
use causeway_sdk::{Algorithm, Bytes, Capabilities, Error, ErrorKind, Operation};
use causeway_testkit::{FaultStorage, ReadFault, payload};
use support::probe::{Probe, Seen};
use support::{Bench, Shelf, checksum};

const SOURCE: &str = "memory://a/source";
const DESTINATION: &str = "memory://b/dir/destination";

fn streaming() -> EngineConfig {
    EngineConfig {
        peer_copies: PeerCopies::None,
        ..EngineConfig::default()
    }
}

async fn bench(config: EngineConfig, probe: Probe, bytes: &Bytes) -> (Bench, Seen) {
    let (storage, seen) = probe.shared();
    seen.put(SOURCE, bytes).await;
    let bench = Bench::with(config, Shelf::mock().with("memory", storage)).await;
    (bench, seen)
}

fn adler(bytes: &[u8]) -> String {
    let mut hasher = Algorithm::Adler32.hasher();
    hasher.update(bytes);
    hasher.finish().to_string()
}

fn reason(file: &causeway_model::Transfer) -> &str {
    file.reason.as_deref().unwrap_or("")
}

#[tokio::test(start_paused = true)]
async fn the_same_bytes_arrive() {
    for len in [0, 1, 65_536, 1_000_003] {
        let bytes = payload(1, len);
        let (bench, seen) = bench(streaming(), Probe::new(), &bytes).await;
        let file = bench
            .run_with(
                SOURCE,
                DESTINATION,
                checksum(ChecksumMode::BOTH, &adler(&bytes)),
            )
            .await;
        assert_eq!(file.state, FileState::Finished, "{len}: {}", reason(&file));
        assert_eq!(file.filesize, Some(len as u64));
        assert_eq!(seen.get(DESTINATION).await.as_deref(), Some(&bytes[..]));
        assert!(file.commit_intent.is_none() && !file.destination_cleared);
    }
}

#[tokio::test(start_paused = true)]
async fn parallel_ranges_give_the_same_bytes_and_checksum() {
    let bytes = payload(2, 1_000_003);
    let config = EngineConfig {
        stream_range_bytes: 100_000,
        streams: 4,
        ..streaming()
    };
    // A source that computes no checksum: it comes from the stream.
    let probe = Probe::new().able(|it| it.checksums.clear());
    let (bench, seen) = bench(config, probe, &bytes).await;
    let right = checksum(ChecksumMode::BOTH, &adler(&bytes));
    let file = bench.run_with(SOURCE, DESTINATION, right).await;
    assert_eq!(file.state, FileState::Finished, "{}", reason(&file));
    assert_eq!(seen.count("open_read"), 11);
    assert_eq!(seen.get(DESTINATION).await.as_deref(), Some(&bytes[..]));
    assert!(seen.gauge.most() <= 7, "{} chunks", seen.gauge.most());
}

#[tokio::test(start_paused = true)]
async fn a_slow_sink_holds_two_chunks() {
    let bytes = payload(3, 4 << 20);
    let probe = Probe::new().slow_writes(Duration::from_secs(1));
    let (bench, seen) = bench(streaming(), probe, &bytes).await;
    let file = bench.run(SOURCE, DESTINATION).await;
    assert_eq!(file.state, FileState::Finished, "{}", reason(&file));
    assert!(file.tx_duration.unwrap() >= 60.0);
    assert!(seen.gauge.most() <= 2, "{} chunks", seen.gauge.most());
}

#[tokio::test(start_paused = true)]
async fn a_wrong_value_is_found_before_anything_is_visible() {
    let bytes = payload(4, 200_000);
    // Summed up while streaming: the storage cannot tell.
    let probe = Probe::new().able(|it| it.checksums.clear());
    let (bench, seen) = bench(streaming(), probe, &bytes).await;
    let wrong = checksum(ChecksumMode::SOURCE, "ADLER32:12345678");
    let file = bench.run_with(SOURCE, DESTINATION, wrong).await;
    assert!(
        reason(&file)
            .starts_with("SOURCE [5] Source and user-defined ADLER32 checksum do not match ("),
        "{}",
        reason(&file)
    );
    assert_eq!((seen.count("commit"), seen.count("abort")), (0, 1));
    assert!(seen.get(DESTINATION).await.is_none());
    assert_eq!(file.recoverable, Some(false));
}

#[tokio::test(start_paused = true)]
async fn a_local_source_is_read_once() {
    let bytes = payload(5, 200_000);
    let (bench, seen) = bench(streaming(), Probe::new().able(|it| it.local = true), &bytes).await;
    let right = checksum(ChecksumMode::SOURCE, &adler(&bytes));
    let file = bench.run_with(SOURCE, DESTINATION, right).await;
    assert_eq!(file.state, FileState::Finished, "{}", reason(&file));
    assert_eq!((seen.count("checksum"), seen.count("open_read")), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn what_is_stored_counts_not_what_passed() {
    let bytes = payload(6, 200_000);
    let (inner, seen) = Probe::new().shared();
    seen.put(SOURCE, &bytes).await;
    let corrupt = FaultStorage::new(inner)
        .read_fault(ReadFault::Corrupt(77))
        .shared();
    let bench = Bench::with(streaming(), Shelf::mock().with("memory", corrupt)).await;
    let file = bench
        .run_with(SOURCE, DESTINATION, checksum(ChecksumMode::BOTH, ""))
        .await;
    assert!(
        reason(&file).contains("DESTINATION [5] Source and destination ADLER32 checksum"),
        "{}",
        reason(&file)
    );
    assert!(
        seen.get(DESTINATION).await.is_none(),
        "the bad copy is removed"
    );
}

#[tokio::test(start_paused = true)]
async fn a_truncated_source_is_not_committed() {
    let bytes = payload(7, 200_000);
    let (inner, seen) = Probe::new().shared();
    seen.put(SOURCE, &bytes).await;
    let short = FaultStorage::new(inner)
        .read_fault(ReadFault::Truncate(1000))
        .shared();
    let bench = Bench::with(streaming(), Shelf::mock().with("memory", short)).await;
    let file = bench.run(SOURCE, DESTINATION).await;
    assert_eq!(
        reason(&file),
        "DESTINATION [22] Source and destination file size mismatch"
    );
    assert_eq!((seen.count("commit"), seen.count("abort")), (0, 1));
    assert!(seen.get(DESTINATION).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_read_error_aborts_the_sink() {
    let bytes = payload(8, 200_000);
    let (inner, seen) = Probe::new().shared();
    seen.put(SOURCE, &bytes).await;
    let fault = ReadFault::Fail(1000, Error::new(ErrorKind::Network, "connection lost"));
    let broken = FaultStorage::new(inner).read_fault(fault).shared();
    let bench = Bench::with(streaming(), Shelf::mock().with("memory", broken)).await;
    let file = bench.run(SOURCE, DESTINATION).await;
    assert_eq!(
        reason(&file),
        "TRANSFER [70] read the source: connection lost"
    );
    assert_eq!((seen.count("commit"), seen.count("abort")), (0, 1));
    assert_eq!(
        seen.count("unlink"),
        0,
        "an atomic sink leaves nothing to remove"
    );
}

#[tokio::test(start_paused = true)]
async fn a_stalled_stream_is_given_up() {
    let bytes = payload(9, 200_000);
    let probe = Probe::new().slow_writes(Duration::from_secs(10_000));
    let (bench, seen) = bench(streaming(), probe, &bytes).await;
    let file = bench.run(SOURCE, DESTINATION).await;
    assert_eq!(
        reason(&file),
        "TRANSFER [110] Transfer stalled: no progress for 120 seconds"
    );
    assert_eq!(seen.count("abort"), 1);
    assert_eq!(file.recoverable, Some(true));
}

#[tokio::test(start_paused = true)]
async fn overwriting_removes_first_and_never_for_a_wrong_source() {
    let bytes = payload(10, 5000);
    let local = |it: &mut Capabilities| it.local = true;
    let (bench, seen) = bench(streaming(), Probe::new().able(local), &bytes).await;
    seen.put(DESTINATION, &Bytes::from_static(b"old")).await;
    let with = |user: &str| {
        let set = checksum(ChecksumMode::SOURCE, user);
        move |job: &mut causeway_model::Job, file: &mut causeway_model::Transfer| {
            set(job, file);
            job.overwrite = causeway_model::Overwrite::Yes;
        }
    };
    let file = bench.run_with(SOURCE, DESTINATION, with("ADLER32:1")).await;
    assert_eq!(file.state, FileState::Failed);
    assert_eq!(seen.get(DESTINATION).await.as_deref(), Some(&b"old"[..]));
    let file = bench
        .run_with(SOURCE, DESTINATION, with(&adler(&bytes)))
        .await;
    assert_eq!(file.state, FileState::Finished, "{}", reason(&file));
    assert_eq!(seen.get(DESTINATION).await.as_deref(), Some(&bytes[..]));
}

fn refused() -> Error {
    Error::new(ErrorKind::Remote, "COPY is not offered").with_remote_status(405)
}

#[tokio::test(start_paused = true)]
async fn down_the_ladder_and_said_so() {
    let bytes = payload(11, 5000);
    let dir = tempfile::tempdir().unwrap();
    let config = EngineConfig {
        log_dir: Some(dir.path().to_owned()),
        ..EngineConfig::default()
    };
    let probe = Probe::new().refuses_copy(refused()).leaves_part();
    let (bench, seen) = bench(config, probe, &bytes).await;
    let file = bench.run(SOURCE, DESTINATION).await;
    assert_eq!(file.state, FileState::Finished, "{}", reason(&file));
    assert_eq!(
        (
            seen.count("Pull"),
            seen.count("Push"),
            seen.count("open_write")
        ),
        (1, 1, 1)
    );
    assert_eq!(seen.get(DESTINATION).await.as_deref(), Some(&bytes[..]));
    let path = file.log_file.clone().unwrap();
    assert!(
        path.contains("/2026-01-01/a__b/2026-01-01-0000__a__b__"),
        "{path}"
    );
    let log = wait_for_log(&path).await;
    for line in [
        "Ways to copy: third-party pull, third-party push, streamed",
        "third-party pull does not work here",
        "falling back to third-party push",
        "falling back to streamed",
        "Copy mode: streamed",
    ] {
        assert!(log.contains(line), "{line} is not in\n{log}");
    }
}

/// The log is written by a thread of its own, in real time.
async fn wait_for_log(path: &str) -> String {
    for _ in 0..2000 {
        if let Ok(log) = std::fs::read_to_string(path)
            && log.contains("Transfer finished")
        {
            return log;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("the log never came: {path}");
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_the_file_ends_the_ladder() {
    let bytes = payload(12, 5000);
    let full = Error::new(ErrorKind::NoSpace, "disk full").with_remote_status(507);
    let probe = Probe::new().refuses_copy(full).leaves_part();
    let (bench, seen) = bench(EngineConfig::default(), probe, &bytes).await;
    let file = bench.run(SOURCE, DESTINATION).await;
    assert_eq!(reason(&file), "TRANSFER [28] disk full");
    assert_eq!((seen.count("Push"), seen.count("open_write")), (0, 0));
    assert!(
        seen.get(DESTINATION).await.is_none(),
        "what it left is removed"
    );
}

#[tokio::test(start_paused = true)]
async fn clean_up_can_be_disabled() {
    let bytes = payload(13, 5000);
    let full = Error::new(ErrorKind::NoSpace, "disk full");
    let probe = Probe::new().refuses_copy(full).leaves_part();
    let (bench, seen) = bench(EngineConfig::default(), probe, &bytes).await;
    let keep = |job: &mut causeway_model::Job, _: &mut causeway_model::Transfer| {
        job.copy_params.disable_cleanup = true;
    };
    bench.run_with(SOURCE, DESTINATION, keep).await;
    assert_eq!(seen.get(DESTINATION).await.as_deref(), Some(&b"part"[..]));
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_file_is_not_removed() {
    let bytes = payload(14, 5000);
    let taken = Error::new(ErrorKind::Exists, "File exists");
    let probe = Probe::new().refuses_copy(taken).leaves_part();
    let (bench, seen) = bench(EngineConfig::default(), probe, &bytes).await;
    let file = bench.run(SOURCE, DESTINATION).await;
    assert_eq!(reason(&file), "TRANSFER [17] File exists");
    assert!(seen.get(DESTINATION).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_third_party_copy_that_says_nothing_is_stalled() {
    let bytes = payload(15, 5000);
    let probe = Probe::new().silent_copy(Duration::from_secs(500));
    let (bench, _) = bench(EngineConfig::default(), probe, &bytes).await;
    let file = bench.run(SOURCE, DESTINATION).await;
    assert_eq!(
        reason(&file),
        "TRANSFER [110] Transfer stalled: no progress for 120 seconds"
    );
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_verified_by_the_storages_is_streamed() {
    let bytes = payload(16, 5000);
    let probe = Probe::new().able(|it| it.checksums.clear());
    let (bench, seen) = bench(EngineConfig::default(), probe, &bytes).await;
    let right = checksum(ChecksumMode::BOTH, &adler(&bytes));
    let file = bench.run_with(SOURCE, DESTINATION, right).await;
    assert_eq!(file.state, FileState::Finished, "{}", reason(&file));
    assert_eq!((seen.count("Pull"), seen.count("open_read")), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn no_way_at_all() {
    let bytes = payload(17, 5000);
    let probe = Probe::new().able(|it| {
        it.operations.remove(&Operation::Copy);
        it.operations.remove(&Operation::Write);
    });
    let (bench, _) = bench(EngineConfig::default(), probe, &bytes).await;
    let file = bench.run(SOURCE, DESTINATION).await;
    assert!(
        reason(&file).starts_with("TRANSFER [93] no way to copy"),
        "{}",
        reason(&file)
    );
}

#[tokio::test(start_paused = true)]
async fn cancel_aborts_the_sink() {
    use causeway_model::ports::JobControl;
    let bytes = payload(18, 4 << 20);
    let probe = Probe::new().slow_writes(Duration::from_secs(60));
    let (bench, seen) = bench(streaming(), probe, &bytes).await;
    let id = bench.submit(bench.job(&[(SOURCE, DESTINATION)])).await;
    bench
        .until_late(id, |view| view.files[0].transferred > Some(0))
        .await;
    bench.engine.cancel_job(id).await.unwrap().unwrap();
    let view = bench
        .until(id, |view| view.files[0].finish_time.is_some())
        .await;
    assert_eq!(view.files[0].state, FileState::Canceled);
    assert_eq!((seen.count("commit"), seen.count("abort")), (0, 1));
    assert!(seen.get(DESTINATION).await.is_none());
}
