//! Transfers that ended for good, whenever that was: nothing of them is left.

use std::time::Duration;

use causeway_model::ports::{Clock as _, EngineControl as _, JobControl as _};
use causeway_model::settings::{BanStatus, StorageBanRow};
use causeway_model::{FileState, Job, Transfer};

use crate::stage::{RANGE, SOURCE, Setup, World};
use crate::support::Bench;
use crate::support::probe::Probe;

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

/// Waits until nothing of a transfer is left, which takes no time worth speaking of.
async fn until_nothing_is_left(world: &World) {
    for _ in 0..100 {
        let gone = world.files("ledgers").is_empty() && world.files("data").is_empty();
        // The files go before the attempt that removes them has said so.
        let held = world.bench.engine.recount().await.unwrap().held();
        if gone && held.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    world.nothing_is_left();
    assert_eq!(world.bench.engine.recount().await.unwrap().held(), []);
}

#[tokio::test(start_paused = true)]
async fn what_ends_between_two_attempts_leaves_nothing() {
    let far = |job: &mut Job, _: &mut Transfer| job.retry_delay = 7200;
    for how in ["cancel", "time in the queue", "ban"] {
        let world = Setup::new().build().await;
        let clock = &world.bench.clock;
        let until = clock.now().seconds() + 600;
        let late = |job: &mut Job, file: &mut Transfer| {
            far(job, file);
            job.max_time_in_queue = (how == "time in the queue").then_some(until);
        };
        let id = world.submit(&world.file_url(), late).await;
        world.until_broken(id).await;
        assert_eq!(
            (world.files("ledgers").len(), world.files("data").len()),
            (1, 1)
        );
        let engine = &world.bench.engine;
        match how {
            "cancel" => drop(engine.cancel_job(id).await.unwrap().unwrap()),
            "ban" => {
                let storage = world.bench.file(id, 0).await.source_se.clone();
                let ban = StorageBanRow {
                    se: storage,
                    message: String::new(),
                    addition_time: clock.now(),
                    admin_dn: "/CN=admin".into(),
                    vo: None,
                    status: BanStatus::Cancel,
                    wait_timeout: 0,
                };
                engine.ban_storage(ban).await.unwrap();
            }
            _ => {}
        }
        let view = world.end(id).await;
        assert_eq!(view.files[0].state, FileState::Canceled, "{how}");
        assert!(view.files[0].finish_time.is_some());
        until_nothing_is_left(&world).await;
    }
}

/// The engine that is told of the end is not the one that saw the stream break.
#[tokio::test(start_paused = true)]
async fn a_restart_in_between_leaves_nothing_either() {
    let world = Setup::new().build().await;
    let far = |job: &mut Job, _: &mut Transfer| job.retry_delay = 7200;
    let id = world.submit(&world.file_url(), far).await;
    world.until_broken(id).await;
    let bench = &world.bench;
    bench.engine.shutdown(Duration::ZERO).await;
    let (store, clock) = (bench.store.clone(), bench.clock.clone());
    let next = Bench::on(store, bench.config.clone(), bench.shelf.clone(), clock).await;
    next.engine.cancel_job(id).await.unwrap().unwrap();
    let world = World {
        bench: next,
        ..world
    };
    until_nothing_is_left(&world).await;
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_does_not_answer_keeps_no_ledger() {
    let world = Setup::new().build().await;
    let far = |job: &mut Job, _: &mut Transfer| job.retry_delay = 7200;
    let id = world.submit(&world.file_url(), far).await;
    world.until_broken(id).await;
    // The directory is gone, and its unfinished file with it.
    std::fs::remove_dir_all(world.state.path().join("data")).unwrap();
    world.bench.engine.cancel_job(id).await.unwrap().unwrap();
    until_nothing_is_left(&world).await;
}
