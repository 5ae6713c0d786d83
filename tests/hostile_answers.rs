//! Native plugins that live and answer, but not as they should: they lie, they talk nonsense, they
//! take all there is. Each costs its own transfers, for a reason that may be shown, and nothing
//! else. What every test checks besides stands in `Arena`.

use std::time::Duration;

use causeway_tests::Arena;
use causeway_tests::arena::SOME;
use causeway_tests::attack::{dm, sink};
use causeway_tests::grid::file_url;
use serde_json::{Value, json};

const MISMATCH: &str = "DESTINATION [22] Source and destination file size mismatch";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_that_lies() {
    let arena = Arena::start("liar", Arena::options()).await;
    let lies = [
        ("size=1000&in=stat&how=size", MISMATCH),
        ("size=1000&real=1001", MISMATCH),
        ("size=1000&real=999", MISMATCH),
        ("size=1000&in=next&how=more", MISMATCH),
        ("size=1000&in=next&how=less", MISMATCH),
        ("size=1000&in=stat&how=vanish", "SOURCE [21] Is a directory"),
        (
            "size=1000&in=stat&how=unable",
            "SOURCE [95] what it claims is not supported by this storage",
        ),
    ];
    arena
        .beside(async {
            for (number, (lie, expected)) in lies.into_iter().enumerate() {
                let from = format!("liar://source-{number}/f?{lie}");
                let to = file_url(&arena.data().join(format!("lie-{number}")));
                assert_eq!(arena.fails(&from, &to).await, expected, "{lie}");
                assert_eq!(arena.fails(&from, &sink("liar")).await, expected, "{lie}");
            }
            // Said to be there, and not there.
            for (number, from) in ["mock://a/f?size=10", "liar://a/f?size=10"]
                .into_iter()
                .enumerate()
            {
                let wish = ["in=commit&how=nothing", "in=copy&how=nothing"][number];
                let to = format!("liar://target-{number}/f?{wish}");
                let reason = arena.fails(from, &to).await;
                assert!(
                    reason.starts_with("DESTINATION [2] no such file"),
                    "{reason}"
                );
            }
            checksums(&arena).await;
            // A name that is taken for a directory is none, and nothing is lost by it.
            let url = dm("stat", "liar://h/f?in=stat&how=unable");
            let (status, text) = arena.refused("GET", &url, Value::Null).await;
            assert!(
                status == 400 && text.starts_with("[95] "),
                "{status} {text}"
            );
        })
        .await;
    // Nothing of a lie stands under a final name.
    let left = std::fs::read_dir(arena.data()).unwrap().flatten();
    let left: Vec<_> = left
        .filter(|it| !it.file_name().to_string_lossy().starts_with("innocent-"))
        .filter(|it| it.file_name() != "hello")
        .collect();
    assert!(left.is_empty(), "{left:?}");
    arena.assert_whole().await;
}

async fn checksums(arena: &Arena) {
    let differs = "Source and destination ADLER32 checksum do not match";
    let both = json!({ "verify_checksum": "both" });
    let pairs = [
        (
            "liar://s/f?size=1000&in=checksum".to_owned(),
            file_url(&arena.data().join("sum")),
        ),
        (
            "mock://s/f?size=1000".to_owned(),
            "liar://t/f?in=checksum".to_owned(),
        ),
        (
            "liar://o/f?size=1000&in=next&how=other".to_owned(),
            file_url(&arena.data().join("other")),
        ),
    ];
    for (from, to) in pairs {
        let reason = arena.fails_with(&from, &to, both.clone()).await;
        assert!(
            reason.starts_with("DESTINATION [5] ") && reason.contains(differs),
            "{from}: {reason}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_that_talks_nonsense() {
    let arena = Arena::start("garbage", Arena::options()).await;
    arena
        .beside(async {
            for how in ["control", "utf8", "secret", "long", "errno", "zero"] {
                let from = format!("garbage://source-{how}/f?size=10&in=stat&how={how}");
                let reason = arena.fails(&from, &sink("garbage")).await;
                assert!(reason.starts_with("SOURCE ["), "{reason}");
                for method in ["exists", "open_write", "write", "commit"] {
                    let to = format!("garbage://target-{how}/{method}?in={method}&how={how}");
                    arena.fails("mock://s/f?size=10", &to).await;
                }
                let url = dm("stat", &format!("garbage://h/f?in=stat&how={how}"));
                arena.refused("GET", &url, Value::Null).await;
            }
            for (number, wish) in [
                "in=stat&how=numbers",
                "in=next&how=empty",
                "in=next&how=some",
            ]
            .into_iter()
            .enumerate()
            {
                let from = format!("garbage://odd-{number}/f?size=1000000&{wish}");
                arena.fails(&from, &sink("odd")).await;
                let to = file_url(&arena.data().join(format!("odd-{number}")));
                arena.fails(&from, &to).await;
            }
            let both = json!({ "verify_checksum": "both" });
            let from = "garbage://sum/f?size=10&in=checksum&how=sum";
            arena.fails_with(from, &sink("sum"), both).await;
            // Progress that makes no sense is not what a copy is judged by.
            let to = "garbage://t/f?in=copy&how=progress";
            let (state, reason) = arena.transfer("garbage://s/f?size=10", to, json!({})).await;
            assert_eq!(state, "FINISHED", "{reason}");
            listings(&arena).await;
        })
        .await;
    assert!(!arena.gateway().log().contains("canary7Qx2secretVb9"));
    arena.assert_whole().await;
}

async fn listings(arena: &Arena) {
    let limit = Duration::from_secs(20);
    let url = dm("stat", "garbage://h/f?size=10&in=stat&how=numbers");
    let (status, stat) = arena.gateway().ask("GET", &url, &Value::Null, limit).await;
    assert_eq!(
        (status, stat["size"].as_u64()),
        (200, Some(u64::MAX)),
        "{stat}"
    );
    let url = dm("list", "garbage://h/d?in=list&how=names");
    let (status, names) = arena.gateway().ask("GET", &url, &Value::Null, limit).await;
    assert!(status == 200 && names.is_object(), "{status} {names}");
    // Broken off rather than answered with the same page for ever.
    let url = dm("list", "garbage://h/d?in=list&how=repeat");
    let (status, _) = arena.gateway().ask("GET", &url, &Value::Null, limit).await;
    assert_eq!(status, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_that_takes_all_memory() {
    let options = Arena::options().env(
        "CAUSEWAY__ENGINE__WORKER_MEMORY_BYTES",
        (700_u64 << 20).to_string(),
    );
    let mut arena = Arena::start("hog", options).await;
    // Several plugins share a worker, and none of them is known to be the one.
    arena.innocent_retries = SOME;
    let full = "GENERAL_FAILURE [4] Transfer process died with: out of memory limit";
    arena
        .beside(async {
            let reason = arena
                .fails("hog://alloc/f?size=10&in=stat", &sink("alloc"))
                .await;
            assert_eq!(reason, full);
            let from = "hog://leak/f?size=2000000000&in=next&how=leak";
            assert_eq!(arena.fails(from, &sink("leak")).await, full);
            // A text that fits into memory is cut; one that does not costs the worker.
            for bytes in [100_000_000_u64, 1 << 30] {
                let from = format!("hog://error/f?size=10&in=stat&how=error&bytes={bytes}");
                let reason = arena.fails(&from, &sink("error")).await;
                // Making it takes the plugin a while, and it may be given up for that.
                let busy = "GENERAL_FAILURE [4] Transfer process died with: no answer for ";
                let costs = reason == full || reason.starts_with(busy);
                assert!(costs || reason.contains("very long"), "{reason}");
            }
            let url = dm("list", "hog://h/d?in=list&how=page");
            arena.refused("GET", &url, Value::Null).await;
        })
        .await;
    arena.assert_whole().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_without_end() {
    let arena = Arena::start("hog", Arena::options()).await;
    arena
        .beside(async {
            // Many threads are nobody's business but the worker's.
            for number in 0..3 {
                let from = format!("hog://threads-{number}/f?size=10&in=stat&how=threads");
                let (state, reason) = arena.transfer(&from, &sink("threads"), json!({})).await;
                assert_eq!(state, "FINISHED", "{reason}");
            }
            let from = format!("hog://stream/f?size=1000000&real={}", u64::MAX);
            assert_eq!(arena.fails(&from, &sink("stream")).await, MISMATCH);
            let to = file_url(&arena.data().join("stream"));
            assert_eq!(arena.fails(&from, &to).await, MISMATCH);
            assert!(!arena.data().join("stream").exists());
            // An answer that is too long for the way costs the question, and the worker goes on.
            let workers = arena.gateway().workers();
            let url = dm("list", "hog://h/d?in=list&how=wide");
            let (status, text) = arena.refused("GET", &url, Value::Null).await;
            assert!(
                status == 500 && text.ends_with("the message is longer than 64 MiB"),
                "{status} {text}"
            );
            arena.assert_works("hog").await;
            assert_eq!(arena.gateway().workers(), workers);
            // Whoever reads an endless directory reads as long as it likes, and costs a page.
            let url = dm("list", "hog://h/d?in=list&how=endless");
            let limit = Duration::from_secs(3);
            let (status, _) = arena.gateway().ask("GET", &url, &Value::Null, limit).await;
            assert_eq!(status, 0);
        })
        .await;
    arena.assert_whole().await;
}
