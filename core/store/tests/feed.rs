//! The feed of the journal: what readers read, over restarts, snapshots and limits.

mod rows;

use std::path::Path;
use std::sync::Arc;

use causeway_model::events::{Event, FileMoved, JobMoved};
use causeway_model::feed::{EventFeed, Happened, Page, Position};
use causeway_model::ports::{JobStore, JobView, SettingsStore};
use causeway_model::{EvolutionRow, FileState, JobId, JobState, OptimizerRow, Timestamp};
use causeway_store::{EmbeddedStore, StoreOptions};

fn open(dir: &Path) -> EmbeddedStore {
    EmbeddedStore::open(dir, StoreOptions::default()).unwrap()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|it| (*it).to_owned()).collect()
}

async fn insert(store: &EmbeddedStore, number: u64) -> JobView {
    let id = JobId::deterministic("vo", &number.to_string());
    let view = rows::view(id, 1, number..number + 1);
    store.insert(view.clone()).await.unwrap();
    view
}

async fn move_to(store: &EmbeddedStore, view: &JobView, state: FileState) {
    let mut change = rows::moved(view, state);
    change.events = vec![
        Event::File(FileMoved {
            job_id: view.job.job_id,
            file_id: view.files[0].file_id,
            from: FileState::Submitted,
            to: state,
            job_state: JobState::Active,
            retry: 0,
            at: Timestamp(7),
        }),
        Event::Job(JobMoved {
            job_id: view.job.job_id,
            state: JobState::Active,
            at: Timestamp(7),
        }),
    ];
    store.apply(change).await.unwrap();
}

fn words(page: &Page) -> Vec<String> {
    let word = |it: &Happened| match it {
        Happened::Taken { .. } => "taken".to_owned(),
        Happened::Submitted { file, .. } => format!("submitted {}", file.file_id),
        Happened::File { moved, file, .. } => {
            assert_eq!(moved.to, file.state);
            format!("{} {}", file.file_id, moved.to)
        }
        Happened::Job { .. } => "job".to_owned(),
        Happened::Attempt { .. } => "attempt".to_owned(),
        Happened::Decided(row) => format!("decided {}", row.active),
    };
    page.events.iter().map(|it| word(&it.what)).collect()
}

/// Everything from a place on, and where it ends.
async fn read_all(store: &EmbeddedStore, from: Position) -> (Vec<String>, Position, bool) {
    let (mut all, mut at, mut gap) = (Vec::new(), from, false);
    loop {
        let page = store.read(at).await.unwrap();
        all.extend(words(&page));
        gap |= page.gap;
        if page.next == at {
            return (all, at, gap);
        }
        at = page.next;
    }
}

#[tokio::test]
async fn events_come_with_their_rows_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let start = store.end();
    let view = insert(&store, 1).await;
    move_to(&store, &view, FileState::Active).await;
    let (all, end, gap) = read_all(&store, start).await;
    assert_eq!(all, ["taken", "submitted 1", "1 ACTIVE", "job"]);
    assert!(!gap && end == store.end());
    // From the middle of a frame.
    let page = store.read(start).await.unwrap();
    let (rest, _, _) = read_all(&store, page.events[2].after).await;
    assert_eq!(rest, ["job"]);
}

#[tokio::test]
async fn a_reader_waits_for_what_comes() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(open(dir.path()));
    let start = store.end();
    let waiting = {
        let store = store.clone();
        tokio::spawn(async move { store.wait(start).await })
    };
    assert!(!waiting.is_finished());
    insert(&store, 1).await;
    waiting.await.unwrap();
}

#[tokio::test]
async fn decisions_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let start = store.end();
    let value = OptimizerRow {
        source_se: "s".into(),
        dest_se: "d".into(),
        datetime: Timestamp(1),
        ema: 1.0,
        active: 5,
        nostreams: 1,
    };
    let decision = EvolutionRow {
        datetime: Timestamp(1),
        source_se: "s".into(),
        dest_se: "d".into(),
        active: 5,
        throughput: 1.0,
        success: 100.0,
        rationale: "r".into(),
        diff: 1,
        actual_active: 2,
        queue_size: 3,
        ema: 1.0,
        filesize_avg: 1.0,
        filesize_stddev: 0.0,
    };
    store
        .put_optimizer(vec![value], vec![decision])
        .await
        .unwrap();
    assert_eq!(read_all(&store, start).await.0, ["decided 5"]);
}

#[tokio::test]
async fn a_held_reader_misses_nothing_over_snapshots_and_restarts() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let at = store.hold(&names(&["r"])).await.unwrap()[0];
    let view = insert(&store, 1).await;
    store.checkpoint().await.unwrap();
    move_to(&store, &view, FileState::Active).await;
    store.checkpoint().await.unwrap();
    drop(store);
    let store = open(dir.path());
    assert_eq!(store.hold(&names(&["r"])).await.unwrap(), [at]);
    let (all, end, gap) = read_all(&store, at).await;
    assert_eq!(all, ["taken", "submitted 1", "1 ACTIVE", "job"]);
    assert!(!gap);
    assert!(kept(dir.path()) > 0);
    // Once it is acknowledged nothing is kept.
    store.acknowledge("r", end).await.unwrap();
    assert_eq!(kept(dir.path()), 0);
    drop(store);
    let store = open(dir.path());
    assert_eq!(store.hold(&names(&["r"])).await.unwrap(), [end]);
    assert!(read_all(&store, end).await.0.is_empty());
}

fn kept(dir: &Path) -> usize {
    let held = std::fs::read_dir(dir.join("held")).unwrap();
    let is_segment = |it: &std::fs::DirEntry| it.file_name().to_string_lossy().ends_with(".log");
    held.flatten().filter(is_segment).count()
}

#[tokio::test]
async fn nothing_is_kept_for_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let start = store.end();
    insert(&store, 1).await;
    store.checkpoint().await.unwrap();
    assert!(!dir.path().join("held").exists());
    let (all, _, gap) = read_all(&store, start).await;
    assert!(all.is_empty() && gap);
}

#[tokio::test]
async fn whoever_is_not_held_any_more_holds_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.hold(&names(&["old", "new"])).await.unwrap();
    insert(&store, 1).await;
    store.checkpoint().await.unwrap();
    assert!(kept(dir.path()) > 0);
    let end = store.end();
    let places = store.hold(&names(&["new"])).await.unwrap();
    assert!(places[0] < end);
    store.acknowledge("new", end).await.unwrap();
    assert_eq!(kept(dir.path()), 0);
    assert!(store.hold(&names(&["../x"])).await.is_err());
}

#[tokio::test]
async fn what_grows_too_large_is_given_up_and_said() {
    let dir = tempfile::tempdir().unwrap();
    let options = StoreOptions {
        held_bytes: 1,
        ..StoreOptions::default()
    };
    let store = EmbeddedStore::open(dir.path(), options).unwrap();
    let at = store.hold(&names(&["r"])).await.unwrap()[0];
    insert(&store, 1).await;
    store.checkpoint().await.unwrap();
    insert(&store, 2).await;
    assert!(store.given_up_bytes() > 0);
    let (all, _, gap) = read_all(&store, at).await;
    assert!(gap);
    assert_eq!(all, ["taken", "submitted 2"]);
}

#[tokio::test]
async fn a_lost_place_begins_with_the_oldest() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.hold(&names(&["r"])).await.unwrap();
    insert(&store, 1).await;
    std::fs::write(dir.path().join("held/reader-r"), "").unwrap();
    let at = store.hold(&names(&["r"])).await.unwrap()[0];
    let (all, _, gap) = read_all(&store, at).await;
    assert!(gap);
    assert_eq!(all, ["taken", "submitted 1"]);
}
