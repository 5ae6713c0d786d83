//! Components that trap, or do not come back, where nothing is asked of a path yet or a file is open: in `create`,
//! in `describe`, in `admit`, and in each function of a writer.
#![cfg(feature = "wasm")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use causeway_host::{Host, stuck_for};
use causeway_sdk::{Algorithm, Checksum, DynStorage, DynWrite, ErrorKind, Result, WriteOptions};
use serde_json::{Value, json};
use support::guest;
use support::hostile::{assert_stopped, at, cx, hostile, works};

#[test]
fn one_that_traps_or_stays_before_it_is_asked_anything_is_refused() {
    for place in ["create", "describe"] {
        for (how, why) in [
            ("trap", "it panicked"),
            ("loop", "plugin hostile did not answer in time"),
        ] {
            let options = json!({ "in": place, "how": how });
            let refusal = Host::load_file(guest("hostile"), &options).unwrap_err();
            let text = refusal.to_string();
            assert!(text.contains(why), "{place} {how}: {text}");
        }
    }
    // The same file, asked for nothing.
    hostile();
}

/// Whoever asks waits, within a limit; that is no thread that the plugin holds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_about_a_url_that_is_not_answered_has_an_end() {
    let storage = hostile();
    works(&storage).await;
    let asked = {
        let storage = Arc::clone(&storage);
        std::thread::spawn(move || storage.admit(&at("admit-loop")))
    };
    while !asked.is_finished() {
        let stuck = stuck_for(Duration::from_secs(1));
        assert!(stuck.is_none(), "{stuck:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let error = asked.join().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
    let named = "admit: plugin hostile did not answer in time";
    assert!(error.message().contains(named), "{error:?}");
    // The instance is ended, not the storage: who comes at once may hear of it.
    drop(storage.stat(&cx(), &at("file")).await);
    works(&storage).await;
}

async fn opened(storage: &Arc<dyn DynStorage>, how: &str) -> Result<Box<dyn DynWrite>> {
    let options = WriteOptions {
        resume: Some("key".to_owned()),
        ..WriteOptions::default()
    };
    storage.open_write(&cx(), &at(how), options).await
}

#[tokio::test]
async fn a_trap_in_any_function_of_a_writer_ends_that_write() {
    let storage = hostile();
    let failed = |result: Result<()>| assert_stopped(&result.unwrap_err(), "it panicked");
    failed(opened(&storage, "in-held/trap").await.map(drop));
    works(&storage).await;
    let mut writer = opened(&storage, "in-write/trap").await.unwrap();
    failed(writer.write(0, "x".into()).await);
    drop(writer);
    works(&storage).await;
    let mut writer = opened(&storage, "in-keep/trap").await.unwrap();
    let kept = writer
        .keep(0, 1, Checksum::new(Algorithm::Adler32, "1"))
        .await;
    failed(kept.map(drop));
    drop(writer);
    works(&storage).await;
    let writer = opened(&storage, "in-commit/trap").await.unwrap();
    failed(writer.commit().await.map(drop));
    works(&storage).await;
}

/// An end that answers nothing cannot fail; that the instance ended is seen by who was beside it.
#[tokio::test]
async fn a_trap_in_an_end_without_an_answer_is_no_end_of_the_storage() {
    for end in ["abort", "suspend", "dropped"] {
        let plugin = Host::load_file(guest("hostile"), &Value::Null).unwrap();
        let storage = plugin.storage();
        let how = if end == "dropped" { "abort" } else { end };
        let writer = opened(&storage, &format!("in-{how}/trap")).await.unwrap();
        let beside = {
            let storage = Arc::clone(&storage);
            tokio::spawn(async move { storage.stat(&cx(), &at("stay")).await })
        };
        tokio::time::sleep(Duration::from_millis(50)).await;
        match end {
            "abort" => writer.abort().await,
            "suspend" => writer.suspend().await,
            _ => drop(writer),
        }
        assert_stopped(&beside.await.unwrap().unwrap_err(), "it panicked");
        works(&storage).await;
        // Once, however many calls hear of it.
        assert_eq!(plugin.marks().traps, 1, "{end}");
    }
}
