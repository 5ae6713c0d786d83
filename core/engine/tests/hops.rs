//! Jobs that go from storage to storage.

mod support;

use std::sync::Arc;
use std::time::Duration;

use causeway_engine::EngineConfig;
use causeway_model::ports::{JobControl, JobView};
use causeway_model::{FileState, JobState, JobType};
use support::{Bench, Shelf, set_type, states};

use FileState::{Active, Canceled, Failed, Finished, NotUsed};

const GOOD: (&str, &str) = ("mock://a/1?size=10", "mock://b/1?size_post=10&time=10");
const BAD: (&str, &str) = ("mock://a/2?errno=110", "mock://b/2?time=1");

fn hops(bench: &Bench, pairs: &[(&str, &str)]) -> JobView {
    let mut view = bench.job(pairs);
    set_type(&mut view, JobType::Multihop);
    Arc::make_mut(&mut view.job).retry = 3;
    for file in view.files.iter_mut().skip(1) {
        Arc::make_mut(file).state = NotUsed;
    }
    view
}

#[tokio::test(start_paused = true)]
async fn one_follows_the_other() {
    let bench = Bench::mock().await;
    let id = bench.submit(hops(&bench, &[GOOD, GOOD, GOOD])).await;
    let view = bench.until(id, |it| it.files[0].state == Active).await;
    assert_eq!(states(&view), [Active, NotUsed, NotUsed]);
    let view = bench.end(id).await;
    assert_eq!(view.job.state, JobState::Finished);
    for two in view.files.windows(2) {
        assert!(two[0].finish_time <= two[1].start_time);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_hop_ends_the_chain() {
    for (switch, last) in [(false, NotUsed), (true, Canceled)] {
        let config = EngineConfig {
            cancel_unused_multihop_files: switch,
            ..EngineConfig::default()
        };
        let bench = Bench::with(config, Shelf::mock()).await;
        let id = bench.submit(hops(&bench, &[GOOD, BAD, GOOD])).await;
        let view = bench.end(id).await;
        assert_eq!(states(&view), [Finished, Failed, last]);
        assert_eq!(view.job.state, JobState::Failed);
        assert_eq!(view.files[1].retry, 0, "hops are not retried");
        assert_eq!(view.files[2].finish_time.is_some(), switch);
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_chain_goes_no_further() {
    let bench = Bench::mock().await;
    let id = bench.submit(hops(&bench, &[GOOD, GOOD])).await;
    bench.until(id, |it| it.files[0].state == Active).await;
    bench.engine.cancel_job(id).await.unwrap().unwrap();
    bench.rest(Duration::from_secs(100)).await;
    let view = bench.view(id).await;
    assert_eq!(states(&view), [Canceled, NotUsed]);
    assert_eq!(view.job.state, JobState::Canceled);
}

#[tokio::test(start_paused = true)]
async fn a_second_engine_goes_on_with_the_next_hop() {
    let bench = Bench::mock().await;
    let id = bench.submit(hops(&bench, &[GOOD, GOOD, GOOD])).await;
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
    assert_eq!(states(&view), [Finished; 3]);
    assert_eq!(view.job.state, JobState::Finished);
}
