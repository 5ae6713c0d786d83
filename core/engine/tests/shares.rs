//! Shares and priorities as users see them: which transfer runs, and which fails for want of one.

mod support;

use std::sync::Arc;

use causeway_engine::{EngineConfig, TestClock};
use causeway_model::FileState;
use causeway_model::ports::SettingsStore;
use causeway_model::settings::{Change, ShareRow};
use causeway_store::MemoryStore;
use support::{Bench, Shelf, change_rows, states};

const PAIRS: [(&str, &str); 2] = [
    ("mock://a/1?size=1", "mock://b/1?size_post=1&time=10"),
    ("mock://a/2?size=1", "mock://b/2?size_post=1&time=10"),
];

async fn with_shares(rows: &[(&str, u32)]) -> Bench {
    let store = Arc::new(MemoryStore::new());
    let row = |(vo, active): &(&str, u32)| {
        Change::PutShare(ShareRow {
            source: "mock://a".into(),
            destination: "mock://b".into(),
            vo: (*vo).into(),
            active: *active,
        })
    };
    let rows = rows.iter().map(row).collect();
    store.change_settings(rows, Vec::new()).await.unwrap();
    let config = EngineConfig::default();
    Bench::on(store, config, Shelf::mock(), Arc::new(TestClock::default())).await
}

#[tokio::test(start_paused = true)]
async fn a_vo_without_a_share_fails_with_the_known_text() {
    let bench = with_shares(&[("atlas", 100)]).await;
    let id = bench.submit(bench.job(&PAIRS)).await;
    let view = bench.end(id).await;
    assert_eq!(states(&view), [FileState::Failed; 2]);
    for file in &view.files {
        let reason = file.reason.as_deref();
        assert_eq!(reason, Some("No share configured for this VO"));
        assert!(file.finish_time.is_some() && file.start_time.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn the_public_share_is_for_all_others() {
    let bench = with_shares(&[("atlas", 100), ("public", 1)]).await;
    let id = bench.submit(bench.job(&PAIRS)).await;
    assert_eq!(states(&bench.end(id).await), [FileState::Finished; 2]);
}

/// An engine with one slot.
async fn one_slot(config: EngineConfig) -> Bench {
    let config = EngineConfig {
        max_active: 1,
        ..config
    };
    Bench::with(config, Shelf::mock()).await
}

fn of_priority(bench: &Bench, priority: i32) -> causeway_model::ports::JobView {
    let mut view = bench.job(&PAIRS[..1]);
    change_rows(&mut view, |job, file| {
        job.priority = priority;
        file.priority = priority;
    });
    view
}

#[tokio::test(start_paused = true)]
async fn priorities_count_or_do_not_as_configured() {
    for (allow_job_priority, is_high_first) in [(true, true), (false, false)] {
        let bench = one_slot(EngineConfig {
            allow_job_priority,
            ..EngineConfig::default()
        })
        .await;
        let blocker = bench.submit(bench.job(&PAIRS[1..])).await;
        bench
            .until(blocker, |it| it.files[0].state == FileState::Active)
            .await;
        let low = bench.submit(of_priority(&bench, 2)).await;
        let high = bench.submit(of_priority(&bench, 4)).await;
        let start = async |id| bench.end(id).await.files[0].start_time.unwrap();
        let (low, high) = (start(low).await, start(high).await);
        assert_eq!(high < low, is_high_first, "{allow_job_priority}");
    }
}

#[tokio::test(start_paused = true)]
async fn with_a_fixed_priority_others_wait() {
    let bench = one_slot(EngineConfig {
        use_fixed_job_priority: 4,
        ..EngineConfig::default()
    })
    .await;
    let low = bench.submit(of_priority(&bench, 2)).await;
    let high = bench.submit(of_priority(&bench, 4)).await;
    assert_eq!(states(&bench.end(high).await), [FileState::Finished]);
    assert_eq!(states(&bench.view(low).await), [FileState::Submitted]);
}
