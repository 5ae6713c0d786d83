//! Jobs with several replicas of one file, of which one is enough.

mod support;

use std::sync::Arc;
use std::time::Duration;

use causeway_engine::EngineConfig;
use causeway_model::ports::JobView;
use causeway_model::{FileState, JobState, JobType};
use support::{Bench, Shelf, change_rows, set_type, states};

use FileState::{Active, Failed, Finished, NotUsed};

const TO: &str = "mock://b/1?size_post=10&time=1";

fn replicas(bench: &Bench, sources: &[&str], strategy: &str) -> JobView {
    let pairs: Vec<_> = sources.iter().map(|it| (*it, TO)).collect();
    let mut view = bench.job(&pairs);
    set_type(&mut view, JobType::MultiReplica);
    change_rows(&mut view, |job, file| {
        job.retry = 5;
        if file.file_index > 0 {
            file.state = NotUsed;
        }
        file.file_index = 0;
        file.selection_strategy = (!strategy.is_empty()).then(|| strategy.to_owned());
    });
    view
}

#[tokio::test(start_paused = true)]
async fn the_next_replica_is_tried() {
    let bench = Bench::mock().await;
    let sources = [
        "mock://a/f?errno=110",
        "mock://c/f?size=10",
        "mock://d/f?size=10",
    ];
    let id = bench.submit(replicas(&bench, &sources, "auto")).await;
    let view = bench.end(id).await;
    assert_eq!(states(&view), [Failed, Finished, NotUsed]);
    assert_eq!(view.job.state, JobState::Finished);
    assert_eq!(view.job.source_se.as_deref(), Some("mock://c"));
    assert_eq!(view.files[0].retry, 0, "replicas are not retried");
}

#[tokio::test(start_paused = true)]
async fn all_replicas_fail() {
    let bench = Bench::mock().await;
    let bad = "mock://a/f?errno=2";
    let id = bench
        .submit(replicas(&bench, &[bad, bad, bad], "orderly"))
        .await;
    let view = bench.end(id).await;
    assert_eq!(states(&view), [Failed; 3]);
    assert_eq!(view.job.state, JobState::Failed);
}

/// Queues work of a VO behind one running transfer from a storage.
async fn crowd(bench: &Bench, storage: &str, vo: &str, files: usize) {
    let from = format!("mock://{storage}/x?size=10");
    let pairs = vec![(from.as_str(), "mock://b/x?size_post=10&time=900"); files];
    let mut view = bench.job(&pairs);
    change_rows(&mut view, |job, file| {
        job.vo_name = vo.into();
        file.vo_name = vo.into();
    });
    let id = bench.submit(view).await;
    bench
        .until(id, |it| it.files.iter().any(|it| it.state == Active))
        .await;
}

#[tokio::test(start_paused = true)]
async fn the_shortest_queue_of_the_vo_is_chosen() {
    let rows = [("auto", 2), ("queue", 2), ("orderly", 1), ("", 1)];
    for (strategy, chosen) in rows {
        let config = EngineConfig {
            link_max_active: 1,
            ..EngineConfig::default()
        };
        let bench = Bench::with(config, Shelf::mock()).await;
        // The link of the second replica is long for its own VO, that of the third for another.
        crowd(&bench, "c", "dteam", 4).await;
        crowd(&bench, "d", "atlas", 9).await;
        let sources = [
            "mock://a/f?errno=2",
            "mock://c/f?size=10",
            "mock://d/f?size=10",
        ];
        let id = bench.submit(replicas(&bench, &sources, strategy)).await;
        let view = bench
            .until(id, |it| {
                it.files.iter().any(|it| it.state == FileState::Submitted)
            })
            .await;
        let view = match view.files[0].state {
            Failed => view,
            _ => bench.until(id, |it| it.files[0].state == Failed).await,
        };
        assert_eq!(view.files[chosen].state, FileState::Submitted, "{strategy}");
        assert_eq!(view.files[3 - chosen].state, NotUsed, "{strategy}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_engine_knows_which_were_tried() {
    let bench = Bench::mock().await;
    let sources = [
        "mock://a/f?errno=2",
        "mock://c/f?size=10&wait=50",
        "mock://d/f?size=10",
    ];
    let id = bench.submit(replicas(&bench, &sources, "orderly")).await;
    bench.until(id, |it| it.files[1].state == Active).await;
    bench.engine.shutdown(Duration::ZERO).await;
    let again = Bench::on(
        bench.store.clone(),
        bench.config.clone(),
        bench.shelf.clone(),
        bench.clock.clone(),
    )
    .await;
    let view = again.end(id).await;
    assert_eq!(states(&view), [Failed, Finished, NotUsed]);
    assert_eq!(Arc::clone(&view.job).source_se.as_deref(), Some("mock://c"));
}
