//! Who shares a process with a component that misbehaves goes on, and gets right answers. How long they
//! wait is measured by the benchmark `components`, not here.
#![cfg(feature = "wasm")]

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use causeway_host::{Host, write_manifest};
use causeway_sdk::{Ctx, DynStorage, Error, Page, ReadOptions, WriteOptions};
use serde_json::{Value, json};
use support::{guest, loaded, memory, url};

const CONTENT: &[u8] = b"what a neighbour keeps";

async fn filled(storage: Arc<dyn DynStorage>) -> Arc<dyn DynStorage> {
    let at = url("memory://box/file");
    let options = WriteOptions::default();
    let mut body = storage.open_write(&cx(), &at, options).await.unwrap();
    body.write(0, CONTENT.into()).await.unwrap();
    body.commit().await.unwrap();
    storage
}

fn cx() -> Ctx {
    Ctx::new("test").with_timeout(Duration::from_secs(120))
}

/// Metadata, a listing and the bytes.
async fn goes_on(storage: &dyn DynStorage) -> Result<(), Error> {
    let (cx, at) = (cx(), url("memory://box/file"));
    let stat = storage.stat(&cx, &at).await?;
    assert_eq!(stat.size, Some(CONTENT.len() as u64));
    let directory = url("memory://box/");
    let page = storage.list(&cx, &directory, Page::default()).await?;
    assert_eq!(page.entries[0].name, "file");
    let body = storage.open_read(&cx, &at, ReadOptions::default());
    assert_eq!(body.await?.next().await?.unwrap(), CONTENT);
    Ok(())
}

async fn attack(hostile: &dyn DynStorage, how: &str) -> Result<(), Error> {
    let at = url(&format!("hostile://h/{how}"));
    let cx = Ctx::new("attack").with_timeout(Duration::from_millis(500));
    match how {
        "giant" | "heavy" => hostile.list(&cx, &at, Page::default()).await.map(drop),
        _ => hostile.stat(&cx, &at).await.map(drop),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neighbours_of_every_attack_go_on() {
    let native = Host::load_file(memory(), &Value::Null).unwrap().storage();
    let component = loaded("memory-rust", &Value::Null).storage();
    let neighbours = [filled(native).await, filled(component).await];
    for how in ["loop", "memory", "deep", "trap", "giant", "heavy", "stay"] {
        let hostile = loaded("hostile", &Value::Null).storage();
        let attacks = (0..3).map(|_| {
            let hostile = Arc::clone(&hostile);
            tokio::spawn(async move {
                for _ in 0..2 {
                    attack(&*hostile, how).await.expect_err(how);
                }
            })
        });
        let attacks: Vec<_> = attacks.collect();
        let mut rounds = 0;
        while rounds < 2 || !attacks.iter().all(tokio::task::JoinHandle::is_finished) {
            for neighbour in &neighbours {
                let went_on = goes_on(&**neighbour).await;
                went_on.unwrap_or_else(|error| panic!("beside {how}: {error:?}"));
            }
            rounds += 1;
        }
        for attack in attacks {
            attack.await.unwrap();
        }
    }
}

/// Every instance reserves far more addresses than it has memory; they do not count against what a
/// worker process may take.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_instances_fit_into_the_limit_of_a_process() {
    const INSTANCES: usize = 40;
    const LIMIT: u64 = 1 << 30;
    let directory = tempfile::tempdir().unwrap();
    let folder = write_manifest(guest("hostile"), directory.path(), &json!({})).unwrap();
    let manifest = folder.join("plugin.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    let text = format!("{text}\n[limits]\ninstances = {INSTANCES}\n");
    std::fs::write(&manifest, text).unwrap();
    // As a worker does it; this test has its process for itself.
    let limit = rustix::process::Rlimit {
        current: Some(LIMIT),
        maximum: Some(LIMIT),
    };
    rustix::process::setrlimit(rustix::process::Resource::Data, limit).unwrap();
    let host = Host::load(&[directory.path().to_owned()], &BTreeMap::new(), &[]);
    let hostile = host.handle_for_scheme("hostile").unwrap().storage();
    let mut calls = tokio::task::JoinSet::new();
    // An instance has eight before there is another one.
    for _ in 0..INSTANCES * 8 {
        let hostile = Arc::clone(&hostile);
        let cx = Ctx::new("stays").with_timeout(Duration::from_secs(3));
        calls.spawn(async move { hostile.stat(&cx, &url("hostile://h/stay")).await });
    }
    while let Some(call) = calls.join_next().await {
        let error = call.unwrap().unwrap_err();
        assert_eq!(error.kind(), causeway_sdk::ErrorKind::Timeout, "{error:?}");
    }
    let stat = hostile.stat(&cx(), &url("hostile://h/file")).await;
    assert_eq!(stat.unwrap().size, Some(10));
}
