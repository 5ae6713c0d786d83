//! Names of VOs with jobs, wherever their jobs are.

mod rows;

use std::sync::Arc;

use causeway_model::names::NameIndex;
use causeway_model::ports::{HistoryStore, JobStore, JobView};
use causeway_model::{Job, JobId, Timestamp, Transfer};
use causeway_store::{EmbeddedStore, MemoryStore, StoreOptions};

fn of(vo: &str, number: u64) -> JobView {
    let id = JobId::deterministic("test", &number.to_string());
    let view = rows::view(id, 1, number..number + 1);
    let job = Job {
        vo_name: vo.into(),
        ..Job::clone(&view.job)
    };
    let files = view.files.iter().map(|it| {
        Arc::new(Transfer {
            vo_name: vo.into(),
            ..Transfer::clone(it)
        })
    });
    JobView {
        files: files.collect(),
        job: Arc::new(job),
        deletions: Vec::new(),
    }
}

async fn names(store: &dyn NameIndex, prefix: &str, limit: usize) -> Vec<String> {
    store.names(prefix, limit).await.unwrap()
}

async fn three(store: &(impl JobStore + NameIndex)) {
    assert!(names(store, "", 9).await.is_empty());
    for (number, vo) in ["atlas", "cms", "alice", "atlas"].into_iter().enumerate() {
        store.insert(of(vo, number as u64)).await.unwrap();
    }
    assert_eq!(names(store, "", 9).await, ["alice", "atlas", "cms"]);
    assert_eq!(names(store, "a", 9).await, ["alice", "atlas"]);
    assert_eq!(names(store, "a", 1).await, ["alice"]);
    assert_eq!(names(store, "at", 9).await, ["atlas"]);
    assert!(names(store, "b", 9).await.is_empty());
}

#[tokio::test]
async fn in_memory() {
    three(&MemoryStore::new()).await;
}

#[tokio::test]
async fn in_the_archive_and_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let open = || EmbeddedStore::open(dir.path(), StoreOptions::default()).unwrap();
    let store = open();
    three(&store).await;
    store.apply(rows::finished(&of("cms", 1), 5)).await.unwrap();
    store.checkpoint().await.unwrap();
    assert_eq!(names(&store, "", 9).await, ["alice", "atlas", "cms"]);
    store.close();
    let store = open();
    assert_eq!(names(&store, "c", 9).await, ["cms"]);
    // Who had jobs once is still known.
    assert_eq!(store.retire(Timestamp(9), 9, true).await.unwrap(), 1);
    assert_eq!(names(&store, "", 9).await, ["alice", "atlas", "cms"]);
}
