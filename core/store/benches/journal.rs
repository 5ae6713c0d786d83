//! What the store does in a second, as JSON lines: inserts and changes with few and many callers.
//!
//! `cargo bench -p causeway-store`; a directory may be given as the argument, so that the disk in
//! question is measured. Measures wall time, on purpose and for people: no test depends on it.
#![allow(clippy::unwrap_used)]

#[path = "../tests/rows/mod.rs"]
mod rows;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use causeway_model::ports::{FileQuery, JobQuery, JobStore, JobView};
use causeway_model::{FileState, JobId, JobState};
use causeway_store::{EmbeddedStore, StoreOptions};

const TIME: Duration = Duration::from_secs(3);

fn main() {
    let parent = std::env::args()
        .skip(1)
        .find(|it| !it.starts_with("--"))
        .map(PathBuf::from);
    let dir = match parent {
        Some(parent) => tempfile::tempdir_in(parent).unwrap(),
        None => tempfile::tempdir().unwrap(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(measure(&dir.path().join("db")));
}

async fn measure(dir: &std::path::Path) {
    let store = Arc::new(EmbeddedStore::open(dir, StoreOptions::default()).unwrap());
    for callers in [1, 16, 256] {
        let (done, each) = run(&store, callers, insert_one).await;
        report("insert", callers, 1, done, each);
    }
    for callers in [1, 256] {
        let (done, each) = run(&store, callers, life).await;
        report("row_changes", callers, 6, done, each);
    }
    for callers in [1, 8] {
        let (done, each) = run(&store, callers, insert_bulk).await;
        report("bulk_transfers", callers, 1000, done, each);
    }
    let start = Instant::now();
    store.checkpoint().await.unwrap();
    println!(
        r#"{{"what":"checkpoint","seconds":{:.3}}}"#,
        start.elapsed().as_secs_f64()
    );
    reads(&store).await;
    let store = Arc::into_inner(store).unwrap();
    drop(store);
    let start = Instant::now();
    let store = EmbeddedStore::open(dir, StoreOptions::default()).unwrap();
    let jobs = store.unfinished().await.unwrap().len();
    let seconds = start.elapsed().as_secs_f64();
    println!(r#"{{"what":"start","unfinished_jobs":{jobs},"seconds":{seconds:.3}}}"#);
}

fn report(what: &str, callers: usize, rows: u64, done: u64, elapsed: Duration) {
    let per_second = (done * rows) as f64 / elapsed.as_secs_f64();
    let millis = elapsed.as_secs_f64() * 1000.0 * callers as f64 / done as f64;
    println!(
        r#"{{"what":"{what}","callers":{callers},"per_second":{per_second:.0},"mean_ms":{millis:.3}}}"#
    );
}

async fn run<F>(
    store: &Arc<EmbeddedStore>,
    callers: usize,
    work: fn(Arc<EmbeddedStore>) -> F,
) -> (u64, Duration)
where
    F: Future<Output = ()> + Send + 'static,
{
    let start = Instant::now();
    let tasks = (0..callers).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut done = 0;
            while start.elapsed() < TIME {
                work(store.clone()).await;
                done += 1;
            }
            done
        })
    });
    let mut done = 0;
    for task in tasks.collect::<Vec<_>>() {
        done += task.await.unwrap();
    }
    (done, start.elapsed())
}

fn new_view(store: &EmbeddedStore, files: u64) -> JobView {
    let ids = store.reserve_file_ids(files);
    rows::view(JobId::random(), ids.start as i64, ids)
}

async fn insert_one(store: Arc<EmbeddedStore>) {
    store.insert(new_view(&store, 1)).await.unwrap();
}

async fn insert_bulk(store: Arc<EmbeddedStore>) {
    store.insert(new_view(&store, 1000)).await.unwrap();
}

/// A job with one transfer from submission to its end: six rows.
async fn life(store: Arc<EmbeddedStore>) {
    let view = new_view(&store, 1);
    store.insert(view.clone()).await.unwrap();
    store
        .apply(rows::moved(&view, FileState::Ready))
        .await
        .unwrap();
    store
        .apply(rows::moved(&view, FileState::Active))
        .await
        .unwrap();
    store.apply(rows::finished(&view, 1)).await.unwrap();
}

async fn reads(store: &Arc<EmbeddedStore>) {
    let query = JobQuery {
        states: Some(vec![JobState::Finished]),
        limit: Some(100),
        ..JobQuery::default()
    };
    let jobs = store.list_jobs(&query).await.unwrap();
    let start = Instant::now();
    for _ in 0..50 {
        store.list_jobs(&query).await.unwrap();
    }
    let millis = start.elapsed().as_secs_f64() * 20.0;
    println!(
        r#"{{"what":"list_100_ended_jobs","found":{},"ms":{millis:.3}}}"#,
        jobs.len()
    );
    let files = FileQuery {
        states: Some(vec![FileState::Failed]),
        limit: 1000,
        ..FileQuery::default()
    };
    let start = Instant::now();
    store.list_files(&files).await.unwrap();
    let millis = start.elapsed().as_secs_f64() * 1000.0;
    println!(r#"{{"what":"list_files_nothing_fits","ms":{millis:.3}}}"#);
    let start = Instant::now();
    for job in jobs.iter().cycle().take(2000) {
        store.view(job.job_id).await.unwrap();
    }
    let micros = start.elapsed().as_secs_f64() * 500.0;
    println!(r#"{{"what":"view_ended_job","us":{micros:.1}}}"#);
}
