//! Native plugins that end the process they are in: each costs its own transfers, for a reason that
//! is told, and nothing else. What every test checks besides stands in `Arena`.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::time::Duration;

use causeway_tests::Arena;
use causeway_tests::arena::SOME;
use causeway_tests::attack::{dm, library, sink, source, transfer};
use causeway_tests::programs::install;
use serde_json::{Value, json};

const SEGFAULT: &str = "Transfer process died with: signal 11 (SIGSEGV)";
const ABORTED: &str = "Transfer process died with: signal 6 (SIGABRT)";

/// A few transfers at a time: the more workers end young, the longer the gateway waits before it
/// starts the next, and that is not what is looked at here.
async fn crashes(pairs: &[(&str, &str)]) {
    let mut arena = Arena::start("segfault", Arena::options()).await;
    arena.innocent_retries = SOME;
    arena
        .beside(async {
            for (from, to) in pairs {
                let reason = arena.fails(from, to).await;
                let expected = format!("GENERAL_FAILURE [4] {SEGFAULT}");
                assert_eq!(reason, expected, "{from} -> {to}");
            }
            arena.assert_works("segfault").await;
        })
        .await;
    arena.assert_whole().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_touches_foreign_memory() {
    let sink = sink("segfault");
    crashes(&[
        ("segfault://stat/f?size=10&in=stat", &sink),
        ("segfault://next/f?size=10&in=next&how=stack", &sink),
    ])
    .await;
    crashes(&[("segfault://drop/f?size=10&in=drop", &sink)]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_destination_that_touches_foreign_memory() {
    let source = source("segfault");
    crashes(&[
        (&source, "segfault://write/f?in=write"),
        ("segfault://a/f?size=10", "segfault://b/f?in=copy"),
    ])
    .await;
    // It may be there or not: the attempt is taken up to look, and ends every worker that does.
    crashes(&[(&source, "segfault://commit/f?in=commit")]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_that_touches_foreign_memory() {
    let mut arena = Arena::start("segfault", Arena::options()).await;
    arena.innocent_retries = SOME;
    arena
        .beside(async {
            let died = "died with: signal 11 (SIGSEGV)";
            let url = dm("stat", "segfault://h/f?in=stat");
            let (status, text) = arena.refused("GET", &url, Value::Null).await;
            assert!(status == 500 && text.contains(died), "{status} {text}");
            let body = json!({ "surl": "segfault://h/f?in=unlink" });
            let (status, text) = arena.refused("POST", "/dm/unlink", body).await;
            assert!(status == 500 && text.contains(died), "{status} {text}");
            let body = transfer("segfault://h/f?in=admit", &sink("segfault"));
            let (_, text) = arena.refused("POST", "/jobs", body).await;
            assert!(text.contains(died), "{text}");
        })
        .await;
    arena.assert_whole().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tape_that_touches_foreign_memory() {
    let mut arena = Arena::start("segfault", Arena::options()).await;
    arena.innocent_retries = SOME;
    arena
        .beside(async {
            let staged = json!({ "bring_online": 20 });
            for method in ["bring_online", "poll_online"] {
                let from = format!("segfault://tape/{method}?size=10&in={method}");
                let to = sink(method);
                let reason = arena.fails_with(&from, &to, staged.clone()).await;
                assert!(reason.starts_with("STAGING ["), "{method}: {reason}");
            }
        })
        .await;
    arena.assert_whole().await;
}

/// Where the thread is the plugin's own its stack says whose it is: whoever shared the worker loses
/// nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_that_crashes_on_a_thread_of_its_own() {
    let arena = Arena::start("segfault", Arena::options()).await;
    arena
        .beside(async {
            let from = "segfault://source/f?size=10&in=stat&how=thread";
            let reason = arena.fails(from, &sink("thread")).await;
            assert_eq!(reason, format!("GENERAL_FAILURE [4] {SEGFAULT}"));
        })
        .await;
    assert_named(&arena, "hostile-segfault", 1);
    arena.assert_whole().await;
}

/// The log says of every worker that ended which plugin it was.
fn assert_named(arena: &Arena, plugin: &str, times: usize) {
    let log = arena.gateway().log();
    let ended = log.lines().filter(|it| it.contains("worker process ended"));
    let named = format!("plugins=\"{plugin}\"");
    let ended: Vec<_> = ended.map(|it| it.contains(&named)).collect();
    assert_eq!(ended, vec![true; times], "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_that_ends_its_process() {
    let mut arena = Arena::start("abort", Arena::options()).await;
    arena.innocent_retries = SOME;
    arena
        .beside(async {
            for how in ["abort", "drop", "c"] {
                let from = format!("abort://source-{how}/f?size=10&in=stat&how={how}");
                let reason = arena.fails(&from, &sink("abort")).await;
                assert_eq!(reason, format!("GENERAL_FAILURE [4] {ABORTED}"), "{how}");
            }
            // A panic ends nothing but its call.
            let from = "abort://source-panic/f?size=10&in=stat&how=panic";
            let reason = arena.fails(from, &sink("abort")).await;
            let words = "SOURCE [5] plugin panicked: as asked, with a token: Bearer <redacted>";
            assert_eq!(reason, words);
            let to = "abort://target-payload/f?in=commit&how=payload";
            let reason = arena.fails(&source("abort"), to).await;
            assert!(reason.contains("plugin panicked: no text"), "{reason}");
            let url = dm("stat", "abort://h/f?in=stat&how=panic");
            let (status, text) = arena.refused("GET", &url, Value::Null).await;
            assert!(
                status == 500 && text.contains("plugin panicked"),
                "{status} {text}"
            );
            arena.assert_works("abort").await;
        })
        .await;
    // A panic is told on standard error before anybody can catch it.
    let log = arena.gateway().log();
    let told = "panicked at";
    assert!(
        log.contains(told) && log.contains("Bearer <redacted>"),
        "{log}"
    );
    assert!(!log.contains("canary7Qx2secretVb9"), "{log}");
    arena.assert_whole().await;
}

/// An end in order, in the middle of the work, comes without a signal.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_that_exits() {
    let arena = Arena::start("abort", Arena::options()).await;
    arena
        .beside(async {
            for wish in ["in=next&how=exit", "in=stat&how=exit-thread"] {
                let from = format!("abort://source/f?size=10&{wish}");
                let reason = arena.fails(&from, &sink("exit")).await;
                let words = "GENERAL_FAILURE [4] Transfer process died with: exit code 0";
                assert_eq!(reason, words);
            }
        })
        .await;
    assert_named(&arena, "hostile-abort", 2);
    arena.assert_whole().await;
}

/// Whoever only asks is asked for three times, which is more than an innocent is taken up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_to_a_plugin_that_exits() {
    let mut arena = Arena::start("abort", Arena::options()).await;
    arena.innocent_retries = SOME;
    arena
        .beside(async {
            let url = dm("stat", "abort://h/f?in=stat&how=exit");
            let (status, text) = arena.refused("GET", &url, Value::Null).await;
            assert!(
                status == 500 && text.contains("exit code 0"),
                "{status} {text}"
            );
        })
        .await;
    assert_named(&arena, "hostile-abort", 3);
    arena.assert_whole().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_that_keeps_ending_workers_is_taken_out_of_service() {
    let options = Arena::options().env("CAUSEWAY__ENGINE__PLUGIN_DEATHS_MAX", "3");
    let arena = Arena::start("segfault", options).await;
    arena
        .beside(async {
            for _ in 0..3 {
                let from = "segfault://a/f?size=10&in=next";
                let reason = arena.fails(from, &sink("out")).await;
                assert!(reason.ends_with(SEGFAULT), "{reason}");
            }
            let out = "plugin hostile-segfault is out of service: it ended 3 workers within 600 s, \
                       the last with signal 11 (SIGSEGV)";
            // Nothing is wrong with this one but whom it needs.
            let reason = arena.fails("segfault://b/f?size=10", &sink("out")).await;
            assert_eq!(reason, format!("SOURCE [11] {out}"));
            let reason = arena.fails(&source("out"), "segfault://c/f").await;
            assert_eq!(reason, format!("DESTINATION [11] {out}"));
            let url = dm("stat", "segfault://h/f?size=10");
            let (status, text) = arena.refused("GET", &url, Value::Null).await;
            assert!(status == 503 && text.contains(out), "{status} {text}");
            assert!(arena.gateway().log().contains("ALERT"), "nobody was told");

            // The same file again is no reason to try again; a new one is.
            arena.gateway().signal("HUP");
            let reason = arena.fails("segfault://d/f?size=10", &sink("out")).await;
            assert!(reason.contains("out of service"), "{reason}");
            upgrade(&arena);
            arena.gateway().signal("HUP");
            works_again(&arena).await;
        })
        .await;
    arena.assert_whole().await;
}

/// Another library with the same behaviour: what stands behind an ELF file changes nothing.
fn upgrade(arena: &Arena) {
    let copy = arena.gateway().state().join("libhostile_segfault.so");
    std::fs::copy(library("segfault"), &copy).unwrap();
    let mut file = OpenOptions::new().append(true).open(&copy).unwrap();
    file.write_all(b"upgraded").unwrap();
    install(&copy, arena.plugins());
}

async fn works_again(arena: &Arena) {
    for _ in 0..100 {
        let from = "segfault://again/f?size=10";
        let (state, reason) = arena.transfer(from, &sink("again"), json!({})).await;
        if state == "FINISHED" {
            return;
        }
        assert!(reason.contains("out of service"), "{reason}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("it is not used again: {}", arena.gateway().log());
}

/// A library that ends every process that loads it must not keep the others from being served.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_that_crashes_while_it_is_loaded() {
    for method in ["create", "describe"] {
        let options = Arena::options()
            .env("CAUSEWAY__PLUGINS__HOSTILE-SEGFAULT__IN", method)
            .env("CAUSEWAY__ENGINE__PLUGIN_DEATHS_MAX", "3");
        let arena = Arena::start("segfault", options).await;
        arena
            .beside(async {
                let reason = arena.fails("segfault://a/f?size=10", &sink("load")).await;
                assert!(reason.contains("hostile-segfault"), "{method}: {reason}");
            })
            .await;
        arena.assert_whole().await;
    }
}

/// In-process mode is for those who trust their plugins: even there a panic ends one call.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_is_contained_without_worker_processes() {
    let options = Arena::options().env("CAUSEWAY__ENGINE__ISOLATION", "in_process");
    let arena = Arena::start("abort", options).await;
    arena
        .beside(async {
            for method in ["stat", "open_read", "next", "drop"] {
                let from = format!("abort://source/f?size=10&in={method}&how=panic");
                let (state, reason) = arena.transfer(&from, &sink("panic"), json!({})).await;
                // What is dropped has done its work.
                let wanted = if method == "drop" {
                    "FINISHED"
                } else {
                    "FAILED"
                };
                assert_eq!(state, wanted, "{method}: {reason}");
            }
        })
        .await;
    arena.assert_whole().await;
}
