//! A component that does what it must not, in a gateway beside innocent transfers: unlike a native plugin
//! it costs no worker process. What every test checks besides stands in `Arena`; how long others wait
//! meanwhile is measured by the benchmark `components`.

use causeway_tests::Arena;
use causeway_tests::attack::{dm, sink, source};
use causeway_tests::guests::guest;
use serde_json::{Value, json};

const STOPPED: &str = "plugin hostile-component was stopped: ";

async fn arena() -> Arena {
    Arena::start_with(&guest("hostile"), Arena::options()).await
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
                ("body-trap", "it panicked"),
                ("short", "the file ended after 3 of 10 bytes"),
                ("long", "more than the 10 bytes"),
                ("endless", "more than the 10 bytes"),
            ] {
                let reason = arena.fails(&attack(how), &sink(how)).await;
                assert!(reason.contains(why), "{how}: {reason}");
                let reason = arena.fails(&source(how), &attack(how)).await;
                println!("{how}: {reason}");
            }
            for how in ["giant", "heavy"] {
                let (status, text) = arena
                    .refused("GET", &dm("list", &attack(how)), Value::Null)
                    .await;
                assert!(status == 500 && text.contains(STOPPED), "{status} {text}");
            }
            arena.assert_works("hostile").await;
        })
        .await;
    assert_eq!(arena.gateway().workers(), workers, "a worker has ended");
    arena.assert_whole().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_component_that_asks_for_what_it_was_not_granted() {
    let arena = arena().await;
    let workers = arena.gateway().workers();
    let port = arena
        .gateway()
        .plain()
        .rsplit(':')
        .next()
        .unwrap()
        .to_owned();
    arena
        .beside(async {
            for uri in [
                format!("http://127.0.0.1:{port}/jobs"),
                "https://storage.example.org/".to_owned(),
                "http://169.254.169.254/latest/meta-data".to_owned(),
                "file:///etc/passwd".to_owned(),
            ] {
                let at = format!("hostile://call.example/call?uri={uri}");
                let (status, text) = arena.refused("GET", &dm("stat", &at), Value::Null).await;
                println!("{uri}: {status} {text}");
                let reason = arena.fails(&at, &sink("call")).await;
                println!("{uri}: {reason}");
            }
            let (status, text) = arena
                .refused("GET", &dm("stat", "hostile://h/reveal"), Value::Null)
                .await;
            println!("{status} {text}");
            let (state, reason) = arena
                .transfer("hostile://works/f", &sink("works"), json!({}))
                .await;
            assert_eq!(state, "FINISHED", "{reason}");
        })
        .await;
    assert_eq!(arena.gateway().workers(), workers, "a worker has ended");
    arena.assert_whole().await;
}
