//! A component that does what it must not, in a gateway beside innocent transfers: unlike a native plugin
//! it costs no worker process. What every test checks besides stands in `Arena`; how long others wait
//! meanwhile is measured by the benchmark `components`.

use causeway_tests::Arena;
use causeway_tests::attack::{dm, sink, source};
use causeway_tests::guests::guest;
use serde_json::{Value, json};

const PLUGIN: &str = "plugin hostile-component ";
const STOPPED: &str = "plugin hostile-component was stopped: ";

async fn arena() -> Arena {
    Arena::start_with(&guest("hostile"), Arena::options()).await
}

/// Asked for nothing, it is honest. Every name is taken there.
async fn works(arena: &Arena) {
    let file = "hostile://works.example/file";
    for (from, to) in [
        (file, sink("works").as_str()),
        (source("works").as_str(), file),
    ] {
        let (state, reason) = arena.transfer(from, to, json!({ "overwrite": true })).await;
        assert_eq!(state, "FINISHED", "{from} -> {to}: {reason}");
    }
}

/// A source for each attack, so that what links have learned of one is not held against the next.
fn attack(how: &str) -> String {
    format!("hostile://{how}.example/{how}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_component_that_takes_what_it_can_get() {
    let arena = arena().await;
    let workers = arena.gateway().workers();
    arena
        .beside(async {
            for (how, why) in [
                ("loop", "no answer"),
                ("stay", "no answer"),
                ("memory", "it wanted more memory than its limit of 64 MiB"),
                ("deep", "its stack was too deep"),
                ("trap", "it panicked"),
            ] {
                let reason = arena.fails(&attack(how), &sink(how)).await;
                assert!(reason.contains(why), "{how}: {reason}");
                let reason = arena.fails(&source(how), &attack(how)).await;
                assert!(reason.contains(why), "{how}: {reason}");
            }
            for (how, why) in [
                ("body-trap", "it panicked"),
                ("short", "the file ended after 3 of 10 bytes"),
                ("long", "more than the 10 bytes"),
                ("endless", "more than the 10 bytes"),
            ] {
                let reason = arena.fails(&attack(how), &sink(how)).await;
                assert!(reason.contains(why), "{how}: {reason}");
            }
            for how in ["giant", "heavy"] {
                let list = dm("list", &attack(how));
                let (status, text) = arena.refused("GET", &list, Value::Null).await;
                assert!(status == 500 && text.contains(STOPPED), "{status} {text}");
            }
            works(&arena).await;
        })
        .await;
    assert_eq!(arena.gateway().workers(), workers, "a worker has ended");
    arena.assert_whole().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_component_that_asks_for_what_it_was_not_granted() {
    let arena = arena().await;
    let workers = arena.gateway().workers();
    let own = format!("{}/jobs", arena.gateway().plain());
    arena
        .beside(async {
            for (uri, why) in [
                (own.as_str(), "was not granted the host 127.0.0.1:"),
                (
                    "https://storage.example.org/",
                    "was not granted the host storage.example.org:443",
                ),
                (
                    "http://169.254.169.254/latest/meta-data",
                    "was not granted the host 169.254.169.254:80",
                ),
                (
                    "file:///etc/passwd",
                    "scheme file: plugin hostile-component asked",
                ),
            ] {
                let at = format!("hostile://call.example/call?uri={uri}");
                let stat = dm("stat", &at);
                let (status, text) = arena.refused("GET", &stat, Value::Null).await;
                let reason = arena.fails(&at, &sink("call")).await;
                assert_eq!(status, 403, "{text}");
                for text in [text, reason] {
                    let named = text.contains("[13] call ") && text.contains(PLUGIN);
                    assert!(named && text.contains(why), "{uri}: {text}");
                }
            }
            works(&arena).await;
        })
        .await;
    assert_eq!(arena.gateway().workers(), workers, "a worker has ended");
    arena.assert_whole().await;
}
