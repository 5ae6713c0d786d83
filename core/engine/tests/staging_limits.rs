//! How much is under way at storages, and what they get back when nobody wants it.

mod support;

use std::time::Duration;

use causeway_engine::EngineConfig;
use causeway_model::ports::{EngineControl, JobControl, JobView};
use causeway_model::settings::{Change, Operation, OperationLimitRow, StorageRow};
use causeway_model::{FileState, JobState};
use support::tape::{Call, Tape, on_tape, staged, with_tape};
use support::{Bench, Shelf, change_rows, states};

use FileState::{Canceled, Finished, Staging, Started, Submitted};

const TO: &str = "mock://b/1?size_post=10&time=1";

fn limit(operations: u32) -> Change {
    Change::PutOperationLimit(OperationLimitRow {
        vo_name: "dteam".into(),
        host: "mock://a".into(),
        operation: Operation::Staging,
        concurrent_ops: operations,
    })
}

async fn change(bench: &Bench, change: Change) {
    let changed = bench.engine.change_settings("/CN=admin", vec![change]);
    changed.await.unwrap();
}
#[tokio::test(start_paused = true)]
async fn cancel_in_every_state() {
    let config = EngineConfig {
        staging_concurrent_requests: 1,
        ..EngineConfig::default()
    };
    let (bench, tape) = with_tape(config).await;
    let at = "mock://a/1?staging_time=100000";
    let started = bench.submit(staged(&bench, &[(at, TO)], 200_000)).await;
    bench
        .until(started, |it| it.files[0].bringonline_token.is_some())
        .await;
    let other = "mock://a/2?staging_time=100000";
    let waiting = bench.submit(staged(&bench, &[(other, TO)], 200_000)).await;
    bench.rest(Duration::from_secs(5)).await;
    assert_eq!(states(&bench.view(waiting).await), [Staging]);
    bench.engine.cancel_job(waiting).await.unwrap().unwrap();
    bench.rest(Duration::from_secs(1)).await;
    assert_eq!(tape.calls(), [Call::BringOnline(vec![at.into()])]);
    bench.engine.cancel_job(started).await.unwrap().unwrap();
    for id in [waiting, started] {
        let view = bench.view(id).await;
        assert_eq!(states(&view), [Canceled]);
        assert!(view.files[0].finish_time.is_some());
    }
    bench.rest(Duration::from_secs(1)).await;
    assert_eq!(tape.calls().last(), Some(&Call::Release(vec![at.into()])));
    // Its request is over: the next may be sent.
    let next = bench
        .submit(staged(&bench, &[("mock://a/3?size=10", TO)], 600))
        .await;
    assert_eq!(bench.end(next).await.job.state, JobState::Finished);
}

#[tokio::test(start_paused = true)]
async fn cancel_while_the_request_is_sent() {
    let (bench, tape) = on_tape().await;
    let at = "mock://a/1?staging_time=100000&delay_ms=5000";
    let id = bench.submit(staged(&bench, &[(at, TO)], 200_000)).await;
    bench.until(id, |it| it.files[0].state == Started).await;
    bench.engine.cancel_job(id).await.unwrap().unwrap();
    bench.rest(Duration::from_secs(10)).await;
    let call = vec![at.to_owned()];
    assert_eq!(
        tape.calls(),
        [Call::BringOnline(call.clone()), Call::Release(call)]
    );
    assert_eq!(states(&bench.view(id).await), [Canceled]);
}

#[tokio::test(start_paused = true)]
async fn cancel_after_it_came_online_gives_the_pin_back() {
    let config = EngineConfig {
        max_active: 1,
        ..EngineConfig::default()
    };
    let (bench, tape) = with_tape(config).await;
    let long = "mock://b/3?size_post=10&time=6000";
    let blocker = bench
        .submit(bench.job(&[("mock://a/9?size=10", long)]))
        .await;
    bench
        .until(blocker, |it| it.files[0].state == FileState::Active)
        .await;
    let at = "mock://a/1?size=10";
    let id = bench.submit(staged(&bench, &[(at, TO)], 600)).await;
    bench.until(id, |it| it.files[0].state == Submitted).await;
    bench.engine.cancel_job(id).await.unwrap().unwrap();
    bench.rest(Duration::from_secs(1)).await;
    assert_eq!(tape.calls().last(), Some(&Call::Release(vec![at.into()])));
}

#[tokio::test(start_paused = true)]
async fn one_of_two_on_the_same_url_may_go() {
    let (bench, tape) = on_tape().await;
    let at = "mock://a/1?size=10&staging_time=1000";
    let view = staged(
        &bench,
        &[(at, TO), (at, "mock://b/2?size_post=10&time=1")],
        9000,
    );
    let files: Vec<_> = view.files.iter().map(|it| it.file_id).collect();
    let id = bench.submit(view).await;
    bench
        .until(id, |it| it.files[1].bringonline_token.is_some())
        .await;
    assert_eq!(tape.requests()[0].files.len(), 1, "a URL is asked for once");
    bench.engine.cancel_files(id, &files[..1]).await.unwrap();
    bench.rest(Duration::from_secs(10)).await;
    assert_eq!(tape.calls().len(), 1, "the other still wants it");
    let view = bench.end_late(id).await;
    assert_eq!(states(&view), [Canceled, Finished]);
}

#[tokio::test(start_paused = true)]
async fn a_vo_has_only_so_many_under_way_at_a_storage() {
    let bench = Bench::mock().await;
    change(&bench, limit(3)).await;
    let urls: Vec<String> = (0..8)
        .map(|n| format!("mock://a/{n}?staging_time=1000"))
        .collect();
    let pairs: Vec<_> = urls.iter().map(|it| (it.as_str(), it.as_str())).collect();
    let ours = bench.submit(staged(&bench, &pairs, 100_000)).await;
    let mut view = staged(&bench, &pairs, 100_000);
    change_rows(&mut view, |job, file| {
        job.vo_name = "atlas".into();
        file.vo_name = "atlas".into();
    });
    let theirs = bench.submit(view).await;
    bench.rest(Duration::from_secs(10)).await;
    let started = |view: &JobView| states(view).iter().filter(|it| **it == Started).count();
    assert_eq!(started(&bench.view(ours).await), 3);
    assert_eq!(started(&bench.view(theirs).await), 8);
    // A cancelled one makes room, and so does another limit.
    let file = bench.file(ours, 0).await.file_id;
    bench.engine.cancel_files(ours, &[file]).await.unwrap();
    bench.rest(Duration::from_secs(1)).await;
    assert_eq!(started(&bench.view(ours).await), 3);
    change(&bench, limit(5)).await;
    bench.rest(Duration::from_secs(1)).await;
    assert_eq!(started(&bench.view(ours).await), 5);
    let view = bench.end_late(ours).await;
    assert_eq!(states(&view)[1..], [Finished; 7]);
}

#[tokio::test(start_paused = true)]
async fn pins_may_be_left_to_end_by_themselves() {
    for keep in [false, true] {
        let (bench, tape) = on_tape().await;
        let row = StorageRow {
            storage: "mock://a".into(),
            skip_eviction: Some(keep),
            ..StorageRow::default()
        };
        change(&bench, Change::PutStorage(row)).await;
        for to in [TO, "mock://b/2?size_post=10&time=1&transfer_errno=1"] {
            let view = staged(&bench, &[("mock://a/1?size=10", to)], 600);
            let id = bench.submit(view).await;
            bench.end(id).await;
        }
        bench.rest(Duration::from_secs(1)).await;
        let calls = tape.calls();
        let released = calls.iter().filter(|it| matches!(it, Call::Release(_)));
        assert_eq!(released.count(), if keep { 0 } else { 2 });
    }
}

#[tokio::test(start_paused = true)]
async fn a_drained_node_asks_for_nothing() {
    let (bench, tape) = on_tape().await;
    bench
        .engine
        .set_drain("/CN=admin", "node1", true)
        .await
        .unwrap();
    let view = staged(&bench, &[("mock://a/1?size=10", TO)], 600);
    let id = bench.submit(view).await;
    bench.rest(Duration::from_secs(1000)).await;
    assert!(tape.requests().is_empty());
    bench
        .engine
        .set_drain("/CN=admin", "node1", false)
        .await
        .unwrap();
    assert_eq!(bench.end(id).await.job.state, JobState::Finished);
}

#[tokio::test(start_paused = true)]
async fn requests_under_way_are_bounded() {
    let config = EngineConfig {
        staging_concurrent_requests: 2,
        staging_bulk_size: 10,
        ..EngineConfig::default()
    };
    let (bench, tape) = with_tape(config).await;
    let urls: Vec<String> = (0..55)
        .map(|n| format!("mock://a/{n}?staging_time=400"))
        .collect();
    let pairs: Vec<_> = urls.iter().map(|it| (it.as_str(), it.as_str())).collect();
    let id = bench.submit(staged(&bench, &pairs, 100_000)).await;
    bench.rest(Duration::from_secs(10)).await;
    assert_eq!(tape.requests().len(), 2);
    let view = bench.view(id).await;
    let started = view.files.iter().filter(|it| it.state == Started).count();
    assert_eq!(started, 20);
    let view = bench.end_late(id).await;
    assert_eq!(view.job.state, JobState::Finished);
}

#[tokio::test(start_paused = true)]
async fn a_storage_that_takes_fewer_gets_fewer() {
    let tape = Tape::new().bulk(10);
    let shelf = Shelf::mock().with("mock", tape.storage());
    let bench = Bench::with(EngineConfig::default(), shelf).await;
    let urls: Vec<String> = (0..25).map(|n| format!("mock://a/{n}")).collect();
    let pairs: Vec<_> = urls.iter().map(|it| (it.as_str(), it.as_str())).collect();
    let id = bench.submit(staged(&bench, &pairs, 600)).await;
    bench.end(id).await;
    assert!(tape.requests().iter().all(|it| it.files.len() <= 10));
}
