//! Bans act on queued and running work at once, and let it go again.

mod support;

use std::sync::Arc;

use causeway_engine::{EngineConfig, TestClock};
use causeway_model::ports::{EngineControl, JobControl, JobView};
use causeway_model::settings::{BanStatus, StorageBanRow, UserBanRow};
use causeway_model::{FileState, JobId, JobState, JobType, Timestamp};
use causeway_store::MemoryStore;
use support::{Bench, Shelf, change_rows, set_type, states};

const ADMIN: &str = "/CN=admin";

fn ban(se: &str, status: BanStatus) -> StorageBanRow {
    StorageBanRow {
        se: se.into(),
        message: "maintenance".into(),
        addition_time: Timestamp(0),
        admin_dn: ADMIN.into(),
        vo: None,
        status,
        wait_timeout: 0,
    }
}

/// One transfer at a time on a link, so that the others are queued.
async fn narrow() -> Bench {
    let config = EngineConfig {
        link_max_active: 1,
        ..EngineConfig::default()
    };
    Bench::with(config, Shelf::mock()).await
}

fn pair(source: &str, destination: &str, n: u32) -> (String, String) {
    (
        format!("mock://{source}/{n}?size=1"),
        format!("mock://{destination}/{n}?size_post=1&time=50"),
    )
}

fn job(bench: &Bench, pairs: &[(String, String)]) -> JobView {
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    bench.job(&pairs)
}

async fn three(bench: &Bench, source: &str, destination: &str) -> JobId {
    let pairs: Vec<_> = (0..3).map(|n| pair(source, destination, n)).collect();
    let id = bench.submit(job(bench, &pairs)).await;
    let active = |view: &JobView| states(view).contains(&FileState::Active);
    bench.until(id, active).await;
    id
}

async fn end(bench: &Bench, id: JobId) -> JobView {
    bench
        .until_late(id, |view| view.job.state.is_terminal())
        .await
}

fn reasons(view: &JobView) -> Vec<Option<&str>> {
    view.files.iter().map(|it| it.reason.as_deref()).collect()
}

use FileState as S;

#[tokio::test(start_paused = true)]
async fn cancel_ends_what_waits_and_what_runs() {
    let bench = narrow().await;
    let hit = three(&bench, "a", "b").await;
    let spared = three(&bench, "c", "b").await;
    let affected = bench
        .engine
        .ban_storage(ban("mock://a", BanStatus::Cancel))
        .await;
    assert_eq!(affected.unwrap(), [hit]);
    // Everything is done when the call returns.
    let view = bench.view(hit).await;
    assert_eq!(states(&view), [S::Canceled; 3]);
    assert_eq!(reasons(&view), [Some("Storage banned"); 3]);
    assert_eq!(view.job.state, JobState::Canceled);
    assert_eq!(view.job.reason.as_deref(), Some("Storage banned"));
    let view = end(&bench, spared).await;
    assert_eq!(view.job.state, JobState::Finished);
    // What slips in ends alike.
    let late = bench.submit(job(&bench, &[pair("a", "b", 9)])).await;
    let view = end(&bench, late).await;
    assert_eq!(reasons(&view), [Some("Storage banned")]);
    // Lifted: as if nothing had been.
    bench.engine.unban_storage(ADMIN, "mock://a").await.unwrap();
    let file = bench
        .run("mock://a/10?size=1", "mock://b/10?size_post=1")
        .await;
    assert_eq!(file.state, S::Finished);
}

/// More than one slice of the walk, and slots that become free in between.
#[tokio::test(start_paused = true)]
async fn every_job_is_named_whoever_cancels_it() {
    let bench = narrow().await;
    let mut jobs = Vec::new();
    for n in 0..1200 {
        jobs.push(bench.submit(job(&bench, &[pair("a", "b", n)])).await);
    }
    let active = |view: &JobView| states(view).contains(&FileState::Active);
    bench.until(jobs[0], active).await;
    let affected = bench
        .engine
        .ban_storage(ban("mock://a", BanStatus::Cancel))
        .await;
    jobs.sort();
    assert_eq!(affected.unwrap(), jobs);
}

#[tokio::test(start_paused = true)]
async fn wait_holds_what_is_queued_and_leaves_what_runs() {
    let bench = narrow().await;
    let id = three(&bench, "a", "b").await;
    let held = bench
        .engine
        .ban_storage(ban("mock://b", BanStatus::Wait))
        .await;
    assert_eq!(held.unwrap(), [id]);
    let view = bench.view(id).await;
    assert_eq!(states(&view), [S::Active, S::OnHold, S::OnHold]);
    // For as long as it takes.
    tokio::time::sleep(std::time::Duration::from_secs(100_000)).await;
    let view = bench.view(id).await;
    assert_eq!(states(&view), [S::Finished, S::OnHold, S::OnHold]);
    assert_eq!(view.job.state, JobState::Active);
    bench.engine.unban_storage(ADMIN, "mock://b").await.unwrap();
    assert_eq!(end(&bench, id).await.job.state, JobState::Finished);
}

#[tokio::test(start_paused = true)]
async fn held_work_can_be_cancelled_by_its_user() {
    let bench = narrow().await;
    let id = three(&bench, "a", "b").await;
    bench
        .engine
        .ban_storage(ban("mock://b", BanStatus::Wait))
        .await
        .unwrap();
    bench.engine.cancel_job(id).await.unwrap();
    let view = bench.view(id).await;
    assert_eq!(states(&view), [S::Canceled; 3]);
    bench.engine.unban_storage(ADMIN, "mock://b").await.unwrap();
    assert_eq!(states(&bench.view(id).await), [S::Canceled; 3]);
}

#[tokio::test(start_paused = true)]
async fn new_work_is_held_where_it_may_be_submitted() {
    let bench = narrow().await;
    bench
        .engine
        .ban_storage(ban("mock://b", BanStatus::WaitAndSubmit))
        .await
        .unwrap();
    let id = bench.submit(job(&bench, &[pair("a", "b", 1)])).await;
    bench.until(id, |view| states(view) == [S::OnHold]).await;
    // The API may have seen the ban itself.
    let mut view = job(&bench, &[pair("a", "b", 2)]);
    change_rows(&mut view, |_, file| file.state = S::OnHold);
    let other = bench.submit(view).await;
    bench.engine.unban_storage(ADMIN, "mock://b").await.unwrap();
    for id in [id, other] {
        assert_eq!(end(&bench, id).await.job.state, JobState::Finished);
    }
}

#[tokio::test(start_paused = true)]
async fn a_ban_with_a_timeout_cancels_what_was_held_too_long() {
    let bench = narrow().await;
    let old = three(&bench, "a", "b").await;
    let begun = bench.engine.ban_storage(StorageBanRow {
        wait_timeout: 1000,
        ..ban("mock://b", BanStatus::WaitAndSubmit)
    });
    begun.await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(600)).await;
    let new = bench.submit(job(&bench, &[pair("a", "b", 9)])).await;
    tokio::time::sleep(std::time::Duration::from_secs(399)).await;
    assert_eq!(
        states(&bench.view(old).await),
        [S::Finished, S::OnHold, S::OnHold]
    );
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let view = bench.view(old).await;
    assert_eq!(states(&view), [S::Finished, S::Canceled, S::Canceled]);
    assert_eq!(view.files[1].reason.as_deref(), Some("Storage banned"));
    assert_eq!(view.job.state, JobState::Canceled);
    // Held later, so it has more time.
    assert_eq!(states(&bench.view(new).await), [S::OnHold]);
    tokio::time::sleep(std::time::Duration::from_secs(600)).await;
    assert_eq!(states(&bench.view(new).await), [S::Canceled]);
}

#[tokio::test(start_paused = true)]
async fn a_second_ban_begins_its_own_time() {
    let bench = narrow().await;
    let id = three(&bench, "a", "b").await;
    let timed = |wait_timeout| StorageBanRow {
        wait_timeout,
        ..ban("mock://b", BanStatus::Wait)
    };
    bench.engine.ban_storage(timed(1000)).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(900)).await;
    bench.engine.unban_storage(ADMIN, "mock://b").await.unwrap();
    bench.engine.ban_storage(timed(1000)).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(500)).await;
    assert!(states(&bench.view(id).await).contains(&S::OnHold));
    // Now for ever.
    bench.engine.ban_storage(timed(0)).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(5000)).await;
    assert!(states(&bench.view(id).await).contains(&S::OnHold));
    bench
        .engine
        .ban_storage(ban("mock://b", BanStatus::Cancel))
        .await
        .unwrap();
    assert!(!states(&bench.view(id).await).contains(&S::OnHold));
}

#[tokio::test(start_paused = true)]
async fn a_ban_may_be_for_one_vo() {
    let bench = narrow().await;
    let ours = three(&bench, "a", "b").await;
    let mut view = job(&bench, &[pair("a", "b", 7), pair("a", "b", 8)]);
    change_rows(&mut view, |job, file| {
        job.vo_name = "atlas".into();
        file.vo_name = "atlas".into();
    });
    let theirs = bench.submit(view).await;
    let of_atlas = StorageBanRow {
        vo: Some("atlas".into()),
        ..ban("mock://a", BanStatus::Cancel)
    };
    assert_eq!(bench.engine.ban_storage(of_atlas).await.unwrap(), [theirs]);
    assert_eq!(states(&bench.view(theirs).await), [S::Canceled; 2]);
    assert_eq!(end(&bench, ours).await.job.state, JobState::Finished);
}

#[tokio::test(start_paused = true)]
async fn the_next_replica_takes_over() {
    let bench = narrow().await;
    let pairs = ["a", "b", "c", "d"].map(|source| {
        let (source, _) = pair(source, "x", 1);
        (source, "mock://z/1?size_post=1&time=50".to_owned())
    });
    let mut view = job(&bench, &pairs);
    set_type(&mut view, JobType::MultiReplica);
    for (n, file) in view.files.iter_mut().enumerate() {
        let file = Arc::make_mut(file);
        file.file_index = 0;
        if n > 0 {
            file.state = S::NotUsed;
        }
    }
    let id = bench.submit(view).await;
    bench.until(id, |view| states(view)[0] == S::Active).await;
    // Of the second nobody will ever be asked; the third has to wait.
    bench
        .engine
        .ban_storage(ban("mock://b", BanStatus::Cancel))
        .await
        .unwrap();
    assert_eq!(
        states(&bench.view(id).await),
        [S::Active, S::Canceled, S::NotUsed, S::NotUsed]
    );
    bench
        .engine
        .ban_storage(ban("mock://c", BanStatus::Wait))
        .await
        .unwrap();
    bench
        .engine
        .ban_storage(ban("mock://a", BanStatus::Cancel))
        .await
        .unwrap();
    assert_eq!(
        states(&bench.view(id).await),
        [S::Canceled, S::Canceled, S::OnHold, S::NotUsed]
    );
    assert!(!bench.view(id).await.job.state.is_terminal());
    bench
        .engine
        .ban_storage(ban("mock://c", BanStatus::Cancel))
        .await
        .unwrap();
    let view = end(&bench, id).await;
    assert_eq!(
        states(&view),
        [S::Canceled, S::Canceled, S::Canceled, S::Finished]
    );
    assert_eq!(view.job.state, JobState::Finished);
}

#[tokio::test(start_paused = true)]
async fn a_chain_that_loses_a_hop_ends() {
    let bench = narrow().await;
    let mut view = job(
        &bench,
        &[pair("a", "b", 1), pair("b", "c", 1), pair("c", "d", 1)],
    );
    set_type(&mut view, JobType::Multihop);
    for file in view.files.iter_mut().skip(1) {
        Arc::make_mut(file).state = S::NotUsed;
    }
    let id = bench.submit(view).await;
    bench.until(id, |view| states(view)[0] == S::Active).await;
    let affected = bench
        .engine
        .ban_storage(ban("mock://d", BanStatus::Cancel))
        .await;
    assert_eq!(affected.unwrap(), [id]);
    let view = bench.view(id).await;
    assert_eq!(states(&view), [S::Canceled, S::NotUsed, S::Canceled]);
    assert_eq!(view.job.state, JobState::Canceled);
}

#[tokio::test(start_paused = true)]
async fn what_fails_while_its_storage_is_banned_waits_for_its_next_try() {
    let bench = Bench::mock().await;
    let destination = "mock://b/1?size_post=1&time=5&errno=110";
    let mut view = bench.job(&[("mock://a/1?size=1", destination)]);
    change_rows(&mut view, |job, _| job.retry = 2);
    let id = bench.submit(view).await;
    bench.until(id, |view| states(view) == [S::Active]).await;
    bench
        .engine
        .ban_storage(ban("mock://b", BanStatus::Wait))
        .await
        .unwrap();
    let view = bench
        .until_late(id, |view| states(view) != [S::Active])
        .await;
    assert_eq!(states(&view), [S::OnHold]);
    assert_eq!(view.files[0].retry, 1);
    bench.engine.unban_storage(ADMIN, "mock://b").await.unwrap();
    let view = end(&bench, id).await;
    assert_eq!((view.files[0].state, view.files[0].retry), (S::Failed, 2));
}

#[tokio::test(start_paused = true)]
async fn a_banned_user_loses_all_jobs() {
    let bench = narrow().await;
    let running = three(&bench, "a", "b").await;
    let queued = bench.submit(job(&bench, &[pair("a", "b", 9)])).await;
    let mut view = job(&bench, &[pair("c", "d", 9)]);
    change_rows(&mut view, |job, _| job.user_dn = "/CN=other".into());
    let other = bench.submit(view).await;
    let ban = UserBanRow {
        dn: "/CN=tester".into(),
        message: String::new(),
        addition_time: Timestamp(0),
        admin_dn: ADMIN.into(),
    };
    let mut affected = bench.engine.ban_user(ban).await.unwrap();
    affected.sort();
    let mut expected = [running, queued];
    expected.sort();
    assert_eq!(affected, expected);
    let view = bench.view(running).await;
    assert_eq!(states(&view), [S::Canceled; 3]);
    assert_eq!(reasons(&view), [Some("User banned"); 3]);
    assert_eq!(view.job.state, JobState::Canceled);
    assert_eq!(end(&bench, other).await.job.state, JobState::Finished);
    let late = bench.submit(job(&bench, &[pair("a", "b", 10)])).await;
    assert_eq!(end(&bench, late).await.job.state, JobState::Canceled);
    bench.engine.unban_user(ADMIN, "/CN=tester").await.unwrap();
    let file = bench
        .run("mock://a/11?size=1", "mock://b/11?size_post=1")
        .await;
    assert_eq!(file.state, S::Finished);
}

/// The ban was stored and the gateway died before any row obeyed; or the other way round.
#[tokio::test(start_paused = true)]
async fn a_start_catches_up_on_bans() {
    use causeway_model::ports::{Clock, JobStore, SettingsStore};
    use causeway_model::settings::Change;
    let store = Arc::new(MemoryStore::new());
    let clock = Arc::new(TestClock::default());
    let mut ids = Vec::new();
    for (source, state) in [("a", S::Submitted), ("b", S::Submitted), ("c", S::OnHold)] {
        let (source, destination) = pair(source, "z", 1);
        let mut view = support::job(&*store, clock.now(), &[(&source, &destination)]);
        change_rows(&mut view, |_, file| file.state = state);
        ids.push(view.job.job_id);
        store.insert(view).await.unwrap();
    }
    let changes = vec![
        Change::BanStorage(ban("mock://a", BanStatus::Cancel)),
        Change::BanStorage(ban("mock://b", BanStatus::Wait)),
    ];
    store.change_settings(changes, vec![]).await.unwrap();
    let bench = Bench::on(store, EngineConfig::default(), Shelf::mock(), clock).await;
    assert_eq!(states(&end(&bench, ids[0]).await), [S::Canceled]);
    assert_eq!(states(&end(&bench, ids[2]).await), [S::Finished]);
    assert_eq!(states(&bench.view(ids[1]).await), [S::OnHold]);
    assert_eq!(bench.engine.settings().storage_bans().count(), 2);
}

/// A ban is many transactions when it is about many rows, and the answer comes after the last.
#[tokio::test(start_paused = true)]
async fn many_rows_obey_in_slices() {
    let bench = narrow().await;
    let mut ids = Vec::new();
    for n in 0..8 {
        let pairs: Vec<_> = (0..300).map(|m| pair("a", "b", n * 1000 + m)).collect();
        ids.push(bench.submit(job(&bench, &pairs)).await);
    }
    let mut held = bench
        .engine
        .ban_storage(ban("mock://a", BanStatus::Wait))
        .await
        .unwrap();
    held.sort();
    ids.sort();
    assert_eq!(held, ids);
    let mut all = 0;
    for id in ids {
        let view = bench.view(id).await;
        all += view.files.iter().filter(|it| it.state == S::OnHold).count();
    }
    assert_eq!(all, 8 * 300 - 1);
}
