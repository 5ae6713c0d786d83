//! A streamed transfer that is broken off goes on where it was, and only with what is right.

#![allow(unreachable_pub)]

#[path = "resume/ended.rs"]
mod ended;
#[path = "resume/stage.rs"]
mod stage;
mod support;

use std::time::Duration;

use causeway_engine::EngineConfig;
use causeway_model::ports::JobView;
use causeway_model::{ChecksumMode, FileState};
use causeway_sdk::Algorithm;
use causeway_testkit::payload;
use stage::{CUT, DESTINATION, LOST, RANGE, SIZE, SOURCE, Setup, finished, sum};
use support::probe::Probe;
use support::{Bench, checksum};

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
