//! How many calls a plugin serves at the same time, and what becomes of one that blocks a thread.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use causeway_host::{Host, State};
use causeway_sdk::{
    Bytes, Capabilities, Ctx, DynStorage, Erased, NoBody, Opened, Operation, ReadBody, ReadOptions,
    Result, Stat, Storage, Url,
};
use futures_util::FutureExt as _;
use serde_json::Value;
use support::{cx, install, load, odd, url};

/// Takes two calls at the same time and counts those that are there.
#[derive(Default)]
struct Narrow {
    here: AtomicU32,
    most: Arc<AtomicU32>,
}

impl Storage for Narrow {
    type Read = Open;
    type Write = NoBody;

    fn create(_: &str, _: causeway_sdk::Host) -> Result<Self> {
        Ok(Self::default())
    }

    fn describe(&self) -> Capabilities {
        Capabilities {
            name: "narrow".into(),
            schemes: vec!["narrow".into()],
            operations: [Operation::Stat, Operation::Read].into(),
            max_concurrency: 2,
            ..Capabilities::default()
        }
    }

    async fn stat(&self, _: &Ctx, _: &Url) -> Result<Stat> {
        let here = self.here.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(here, Ordering::SeqCst);
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        self.here.fetch_sub(1, Ordering::SeqCst);
        Ok(Stat::file(1))
    }

    async fn open_read(&self, _: &Ctx, _: &Url, _: ReadOptions) -> Result<Open> {
        Ok(Open)
    }
}

struct Open;

impl ReadBody for Open {
    fn opened(&self) -> Opened {
        Opened::default()
    }

    async fn next(&mut self) -> Result<Option<Bytes>> {
        Ok(None)
    }
}

fn narrow() -> (Arc<dyn DynStorage>, Arc<AtomicU32>) {
    let storage = Narrow::default();
    let most = Arc::clone(&storage.most);
    let host = Host::new().builtin(Erased::shared(storage));
    (host.storage_for(&url("narrow://h/")).unwrap(), most)
}

#[tokio::test]
async fn more_calls_than_a_plugin_takes_wait_their_turn() {
    let (storage, most) = narrow();
    let calls = (0..20).map(|_| {
        let storage = Arc::clone(&storage);
        tokio::spawn(async move { storage.stat(&cx(), &url("narrow://h/f")).await })
    });
    for call in calls.collect::<Vec<_>>() {
        assert_eq!(call.await.unwrap().unwrap().size, Some(1));
    }
    assert_eq!(most.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn an_open_file_counts_until_it_is_closed() {
    let (storage, _) = narrow();
    let (cx, at) = (cx(), url("narrow://h/f"));
    let open = || storage.open_read(&cx, &at, ReadOptions::default());
    let (one, _two) = (open().await.unwrap(), open().await.unwrap());
    let mut waiting = storage.stat(&cx, &at);
    for _ in 0..100 {
        assert!(
            (&mut waiting).now_or_never().is_none(),
            "both turns are taken"
        );
        tokio::task::yield_now().await;
    }
    drop(one);
    assert_eq!(waiting.await.unwrap().size, Some(1));
}

#[tokio::test]
async fn the_manifest_lowers_the_limit() {
    let directory = tempfile::tempdir().unwrap();
    let manifest = install(odd(), directory.path()).join("plugin.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, format!("{text}\n[limits]\nconcurrency = 1\n")).unwrap();
    let host = load(directory.path());
    let storage = host.storage_for(&url("odd://h/")).unwrap();

    let (cx, long, short) = (cx(), url("odd://h/sleep/3600000"), url("odd://h/sleep/1"));
    let mut first = storage.stat(&cx, &long);
    let mut second = storage.stat(&cx, &short);
    assert!((&mut first).now_or_never().is_none());
    assert!((&mut second).now_or_never().is_none());
    drop(first);
    assert_eq!(second.await.unwrap().size, Some(1));
}

#[tokio::test]
async fn a_plugin_that_blocks_a_thread_is_degraded() {
    let handle = Host::load_file(odd(), &Value::Null).unwrap();
    let storage = handle.storage();
    storage.stat(&cx(), &url("odd://h/block/60")).await.unwrap();
    assert_eq!(handle.state(), State::Ready);
    storage
        .stat(&cx(), &url("odd://h/block/1020"))
        .await
        .unwrap();
    assert_eq!((handle.state(), handle.panics()), (State::Degraded, 0));
}
