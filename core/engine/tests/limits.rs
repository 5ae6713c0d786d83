//! Limits are never exceeded, and nothing waits that could run.

mod support;

use std::time::Duration;

use causeway_engine::EngineConfig;
use causeway_model::{FileState, JobState};
use causeway_plugin_file::FileStorage;
use causeway_sdk::{Erased, Host, Storage};
use support::{Bench, Shelf, change_rows, checksum};

/// Counts what runs, again and again, until the job ends; gives the most that ran.
async fn most_active(bench: &Bench, pairs: &[(String, String)]) -> usize {
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    let id = bench.submit(bench.job(&pairs)).await;
    let mut most = 0;
    for _ in 0..100_000 {
        let view = bench.view(id).await;
        let runs = |it: &FileState| matches!(it, FileState::Ready | FileState::Active);
        most = most.max(support::states(&view).iter().filter(|it| runs(it)).count());
        if view.job.state.is_terminal() {
            assert_eq!(view.job.state, JobState::Finished);
            return most;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it never ended");
}

fn pairs(number: usize, source: &str, destination: &str) -> Vec<(String, String)> {
    let pair = |n: usize| {
        (
            format!("mock://{source}{n}/f?size=1"),
            format!("mock://{destination}{n}/f?size_post=1&time=1"),
        )
    };
    (0..number).map(|n| pair(n % 4)).collect()
}

fn one(number: usize) -> Vec<(String, String)> {
    let pair = |n: usize| {
        (
            format!("mock://a/{n}?size=1"),
            format!("mock://b/{n}?size_post=1&time=1"),
        )
    };
    (0..number).map(pair).collect()
}

#[tokio::test(start_paused = true)]
async fn by_link() {
    let config = EngineConfig {
        link_max_active: 3,
        ..EngineConfig::default()
    };
    let bench = Bench::with(config, Shelf::mock()).await;
    assert_eq!(most_active(&bench, &one(40)).await, 3);
    // Four links, three each.
    assert_eq!(most_active(&bench, &pairs(40, "a", "b")).await, 12);
}

#[tokio::test(start_paused = true)]
async fn by_storage_and_in_all() {
    let config = EngineConfig {
        outbound_max_active: 2,
        inbound_max_active: 5,
        max_active: 7,
        ..EngineConfig::default()
    };
    let bench = Bench::with(config, Shelf::mock()).await;
    assert_eq!(most_active(&bench, &one(20)).await, 2);
    assert_eq!(most_active(&bench, &pairs(40, "a", "b")).await, 7);
}

#[tokio::test(start_paused = true)]
async fn by_worker() {
    let config = EngineConfig {
        workers: 3,
        transfers_per_worker: 2,
        ..EngineConfig::default()
    };
    let bench = Bench::with(config, Shelf::mock()).await;
    assert_eq!(most_active(&bench, &one(30)).await, 6);
}

#[tokio::test(start_paused = true)]
async fn many_jobs_with_retries_and_failures_all_end() {
    let config = EngineConfig {
        link_max_active: 5,
        max_active: 20,
        ..EngineConfig::default()
    };
    let bench = Bench::with(config, Shelf::mock()).await;
    let mut ids = Vec::new();
    for n in 0..40 {
        let source = format!("mock://s{}/{n}?size=10&failure_rate=30&seed={n}", n % 5);
        let destination = format!("mock://d{}/{n}?size_post=10&time=3", n % 3);
        let pair = (source.as_str(), destination.as_str());
        let mut view = bench.job(&[pair, pair, pair]);
        change_rows(&mut view, |job, _| job.retry = 2);
        ids.push(bench.submit(view).await);
    }
    for id in ids {
        let view = bench
            .until_late(id, |view| view.job.state.is_terminal())
            .await;
        assert!(
            view.files.iter().all(|it| it.state.is_terminal()),
            "{view:#?}"
        );
        for (index, file) in view.files.iter().enumerate() {
            let retries = bench.retries(id, index).await;
            assert_eq!(retries.len(), file.retry as usize);
        }
    }
}

#[tokio::test]
async fn real_files_with_checksum() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    let options = serde_json::json!({ "roots": [root] }).to_string();
    let storage = FileStorage::create(&options, Host::silent()).unwrap();
    let shelf = Shelf::default().with("file", Erased::shared(storage));
    let config = EngineConfig {
        streams: 3,
        stream_range_bytes: 1 << 20,
        ..EngineConfig::default()
    };
    let bench = Bench::with(config, shelf).await;
    let bytes = causeway_testkit::payload(9, 5_000_001);
    std::fs::write(root.join("source"), &bytes).unwrap();
    let source = format!("file://{}/source", root.display());
    let destination = format!("file://{}/new/dir/destination", root.display());
    let both = causeway_model::ChecksumMode::BOTH;
    let file = bench
        .run_with(&source, &destination, checksum(both, "ADLER32"))
        .await;
    assert_eq!(file.state, FileState::Finished, "{:?}", file.reason);
    assert_eq!(file.filesize, Some(5_000_001));
    assert_eq!(
        std::fs::read(root.join("new/dir/destination")).unwrap(),
        bytes
    );
    let names = std::fs::read_dir(root.join("new/dir")).unwrap().count();
    assert_eq!(names, 1, "no temporary file stays");
    // It exists now.
    let file = bench.run(&source, &destination).await;
    assert_eq!(file.state, FileState::Failed);
    assert!(
        file.reason
            .as_deref()
            .unwrap()
            .starts_with("DESTINATION [17]")
    );
}
