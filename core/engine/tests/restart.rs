//! A second engine on the store of a first: what ran is taken up, nothing is done twice.

mod support;

use std::sync::Arc;
use std::time::Duration;

use causeway_engine::plan::PeerCopies;
use causeway_engine::{EngineConfig, TestClock};
use causeway_model::ports::{JobControl, JobStore, JobView, StoreError};
use causeway_model::transfer::CommitIntent;
use causeway_model::{FileState, JobState, Overwrite, Transfer};
use causeway_sdk::{Algorithm, Bytes, Checksum};
use causeway_store::MemoryStore;
use causeway_testkit::payload;
use support::probe::{Probe, Seen};
use support::{Bench, Shelf, states};

const SOURCE: &str = "memory://a/source";
const DESTINATION: &str = "memory://b/destination";

fn streaming() -> EngineConfig {
    EngineConfig {
        peer_copies: PeerCopies::None,
        ..EngineConfig::default()
    }
}

/// A store with one transfer as a dead engine left it.
async fn left(change: impl Fn(&mut Transfer)) -> (Arc<MemoryStore>, JobView) {
    let store = Arc::new(MemoryStore::new());
    let clock = TestClock::default();
    let now = causeway_model::ports::Clock::now(&clock);
    let mut view = support::job(&*store, now, &[(SOURCE, DESTINATION)]);
    Arc::make_mut(&mut view.job).state = JobState::Active;
    let file = Arc::make_mut(&mut view.files[0]);
    file.state = FileState::Active;
    change(file);
    store.insert(view.clone()).await.unwrap();
    (store, view)
}

async fn take_up(store: &Arc<MemoryStore>, probe: Probe, bytes: &Bytes) -> (Bench, Seen) {
    let (storage, seen) = probe.shared();
    seen.put(SOURCE, bytes).await;
    let shelf = Shelf::mock().with("memory", storage);
    let clock = Arc::new(TestClock::default());
    let bench = Bench::on(store.clone(), streaming(), shelf, clock).await;
    (bench, seen)
}

fn intent(bytes: &Bytes) -> CommitIntent {
    let mut hasher = Algorithm::Adler32.hasher();
    hasher.update(bytes);
    CommitIntent {
        size: bytes.len() as u64,
        checksum: Some(hasher.finish()),
    }
}

/// Puts bytes at the destination before the engine starts.
async fn with_destination(
    store: &Arc<MemoryStore>,
    source: &Bytes,
    destination: &Bytes,
) -> (Bench, Seen) {
    let (storage, seen) = Probe::new().shared();
    seen.put(SOURCE, source).await;
    seen.put(DESTINATION, destination).await;
    let shelf = Shelf::mock().with("memory", storage);
    let clock = Arc::new(TestClock::default());
    let bench = Bench::on(store.clone(), streaming(), shelf, clock).await;
    (bench, seen)
}

#[tokio::test(start_paused = true)]
async fn what_ran_runs_again_under_the_same_number() {
    let bytes = payload(1, 5000);
    for state in [FileState::Ready, FileState::Active] {
        let (store, view) = left(|file| file.state = state).await;
        let (bench, seen) = take_up(&store, Probe::new(), &bytes).await;
        let view = bench.end(view.job.job_id).await;
        assert_eq!(view.files[0].state, FileState::Finished);
        assert_eq!(view.files[0].retry, 0);
        assert_eq!(view.job.state, JobState::Finished);
        assert_eq!(seen.count("commit"), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_happened_is_not_repeated() {
    let bytes = payload(2, 5000);
    let (store, view) = left(|file| file.commit_intent = Some(intent(&bytes))).await;
    let (bench, seen) = with_destination(&store, &bytes, &bytes).await;
    let view = bench.end(view.job.job_id).await;
    assert_eq!(
        view.files[0].state,
        FileState::Finished,
        "{:?}",
        view.files[0].reason
    );
    assert_eq!(view.files[0].filesize, Some(5000));
    assert_eq!((seen.count("open_read"), seen.count("commit")), (0, 0));
    assert!(view.files[0].commit_intent.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_did_not_happen_is_made() {
    let bytes = payload(3, 5000);
    let (store, view) = left(|file| file.commit_intent = Some(intent(&bytes))).await;
    let (bench, seen) = take_up(&store, Probe::new(), &bytes).await;
    let view = bench.end(view.job.job_id).await;
    assert_eq!(view.files[0].state, FileState::Finished);
    assert_eq!(seen.get(DESTINATION).await.as_deref(), Some(&bytes[..]));
    assert_eq!(seen.count("commit"), 1);
}

#[tokio::test(start_paused = true)]
async fn another_file_at_the_destination_is_left_alone() {
    let bytes = payload(4, 5000);
    // Same size, other bytes: the checksum tells.
    let other = payload(5, 5000);
    let (store, view) = left(|file| file.commit_intent = Some(intent(&bytes))).await;
    let (bench, seen) = with_destination(&store, &bytes, &other).await;
    let view = bench.end(view.job.job_id).await;
    assert_eq!(
        view.files[0].reason.as_deref(),
        Some("DESTINATION [17] Destination file exists and overwrite is not enabled")
    );
    assert_eq!(seen.get(DESTINATION).await.as_deref(), Some(&other[..]));
}

#[tokio::test(start_paused = true)]
async fn our_own_leftover_is_replaced() {
    let bytes = payload(6, 5000);
    let (store, view) = left(|file| file.destination_cleared = true).await;
    let (bench, seen) = with_destination(&store, &bytes, &payload(7, 100)).await;
    let view = bench.end(view.job.job_id).await;
    assert_eq!(
        view.files[0].state,
        FileState::Finished,
        "{:?}",
        view.files[0].reason
    );
    assert_eq!(seen.get(DESTINATION).await.as_deref(), Some(&bytes[..]));
    assert!(!view.files[0].destination_cleared);
}

/// Takes up a third-party copy of which something is left, and counts the copies made now.
async fn copies_after_a_restart(
    probe: Probe,
    source: &Bytes,
    left_over: &Bytes,
    change: impl Fn(&mut Transfer),
) -> (usize, Option<Vec<u8>>, Arc<Transfer>) {
    let (store, view) = left(|file| {
        file.destination_cleared = true;
        change(file);
    })
    .await;
    let (storage, seen) = probe.shared();
    seen.put(SOURCE, source).await;
    seen.put(DESTINATION, left_over).await;
    let shelf = Shelf::mock().with("memory", storage);
    let clock = Arc::new(TestClock::default());
    let bench = Bench::on(store, EngineConfig::default(), shelf, clock).await;
    let file = bench.end(view.job.job_id).await.files[0].clone();
    (seen.count("Pull"), seen.get(DESTINATION).await, file)
}

fn blind(copies_atomically: bool) -> Probe {
    Probe::new().able(move |it| {
        it.checksums.clear();
        it.copy.atomic = copies_atomically;
    })
}

#[tokio::test(start_paused = true)]
async fn a_finished_third_party_copy_is_not_repeated() {
    let bytes = payload(11, 5000);
    for probe in [Probe::new(), blind(true)] {
        let (copies, there, file) = copies_after_a_restart(probe, &bytes, &bytes, |_| {}).await;
        assert_eq!(file.state, FileState::Finished, "{:?}", file.reason);
        assert_eq!((copies, file.filesize), (0, Some(5000)));
        assert_eq!(there.as_deref(), Some(&bytes[..]));
        assert!(!file.destination_cleared);
    }
}

#[tokio::test(start_paused = true)]
async fn a_third_party_copy_without_proof_is_repeated() {
    let bytes = payload(12, 5000);
    let rows = [
        ("other bytes", Probe::new(), payload(13, 5000)),
        ("a part", Probe::new(), payload(12, 5000).slice(..4000)),
        ("a part of an atomic copy", blind(true), payload(12, 10)),
        ("right, but nobody can tell", blind(false), bytes.clone()),
    ];
    for (what, probe, left_over) in rows {
        let (copies, there, file) = copies_after_a_restart(probe, &bytes, &left_over, |_| {}).await;
        assert_eq!(file.state, FileState::Finished, "{what}: {:?}", file.reason);
        assert_eq!(copies, 1, "{what}");
        assert_eq!(there.as_deref(), Some(&bytes[..]), "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_leftover_goes_when_its_attempt_fails() {
    let bytes = payload(14, 5000);
    let gone = |file: &mut Transfer| {
        file.source_surl = "memory://a/gone".parse().unwrap();
    };
    let (copies, there, file) = copies_after_a_restart(Probe::new(), &bytes, &bytes, gone).await;
    assert_eq!((file.state, copies), (FileState::Failed, 0));
    assert_eq!(there, None);
}

#[tokio::test(start_paused = true)]
async fn a_damaged_commit_fails_the_checksum() {
    let bytes = payload(8, 5000);
    let announced = CommitIntent {
        size: 5000,
        checksum: Some(Checksum::new(Algorithm::Adler32, "1")),
    };
    let (store, view) = left(|file| {
        file.commit_intent = Some(announced.clone());
        file.destination_cleared = true;
    })
    .await;
    let (bench, seen) = with_destination(&store, &bytes, &payload(9, 5000)).await;
    let view = bench.end(view.job.job_id).await;
    assert_eq!(view.files[0].state, FileState::Finished);
    assert_eq!(
        seen.get(DESTINATION).await.as_deref(),
        Some(&bytes[..]),
        "copied again"
    );
}

#[tokio::test(start_paused = true)]
async fn announcements_are_journalled_before_anything_is_visible() {
    let bytes = payload(10, 5000);
    for (able, config) in [(true, streaming()), (false, streaming())] {
        let probe = Probe::new()
            .slow_writes(Duration::from_secs(30))
            .able(move |it| it.write.atomic = able);
        let (storage, seen) = probe.shared();
        seen.put(SOURCE, &bytes).await;
        let bench = Bench::with(config, Shelf::mock().with("memory", storage)).await;
        let id = bench.submit(bench.job(&[(SOURCE, DESTINATION)])).await;
        while seen.count("open_write") == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // Only a sink that shows partial files needs the announcement beforehand.
        assert_eq!(bench.file(id, 0).await.destination_cleared, !able);
        while seen.count("commit") == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let file = bench.file(id, 0).await;
        let journalled = file.commit_intent.is_some() || file.state == FileState::Finished;
        assert!(journalled, "{file:?}");
        bench.end(id).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_third_party_copy_announces_that_nothing_was_there() {
    let bench = Bench::mock().await;
    for overwrite in [Overwrite::No, Overwrite::Yes] {
        let pair = ("mock://a/1?size=10", "mock://b/1?size_post=10&time=50");
        let mut view = bench.job(&[pair]);
        support::change_rows(&mut view, |job, _| job.overwrite = overwrite);
        let id = bench.submit(view).await;
        let view = bench
            .until(id, |view| view.files[0].transferred.is_some())
            .await;
        assert!(view.files[0].destination_cleared, "{overwrite:?}");
        assert!(!bench.end(id).await.files[0].destination_cleared);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stopped_engine_leaves_work_for_the_next() {
    let pairs = [
        ("mock://a/1?size=10", "mock://b/1?size_post=10&time=5"),
        ("mock://a/2?size=10", "mock://b/2?size_post=10&time=600"),
        ("mock://a/3?errno=110", "mock://b/3?time=1"),
    ];
    let bench = Bench::mock().await;
    let mut view = bench.job(&pairs);
    support::change_rows(&mut view, |job, _| job.retry = 3);
    let id = bench.submit(view).await;
    bench
        .until(id, |view| {
            view.files[1].state == FileState::Active && view.files[2].retry == 1
        })
        .await;
    let began = tokio::time::Instant::now();
    bench.engine.shutdown(Duration::from_secs(20)).await;
    let took = began.elapsed().as_secs();
    assert!((19..25).contains(&took), "{took} s of grace");
    let view = bench.view(id).await;
    assert_eq!(
        states(&view),
        [FileState::Finished, FileState::Active, FileState::Submitted]
    );
    let late = bench.engine.submit(bench.job(&pairs)).await;
    assert!(matches!(late, Err(StoreError::Failed(_))), "{late:?}");
    let (store, clock) = (bench.store.clone(), bench.clock.clone());
    let next = Bench::on(store, bench.config.clone(), bench.shelf.clone(), clock).await;
    let view = next
        .until_late(id, |view| view.job.state.is_terminal())
        .await;
    assert_eq!(
        states(&view),
        [FileState::Finished, FileState::Finished, FileState::Failed]
    );
    assert_eq!(view.files[2].retry, 3);
}
