//! A component that does what it must not, in a gateway beside innocent transfers: unlike a native plugin
//! it costs no worker process. What every test checks besides stands in `Arena`; how long others wait
//! meanwhile is measured by the benchmark `components`.

use causeway_tests::Arena;
use causeway_tests::attack::{dm, sink, source, transfer};
use causeway_tests::guests::guest;
use causeway_tests::live::{shown, text};
use futures_util::future::join_all;
use serde_json::{Value, json};

const PLUGIN: &str = "plugin hostile-component ";
const NAME: &str = "hostile-component";
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

/// The value of a series of the plugin's.
async fn scraped(arena: &Arena, series: &str) -> u64 {
    let scrape = text(arena.gateway(), "/metrics").await;
    let line = scrape.lines().find_map(|it| it.strip_prefix(series));
    let line = line.unwrap_or_else(|| panic!("no {series} in {scrape}"));
    line.trim().parse().expect("a number")
}

/// Instances that were stopped are counted, and an operator sees it.
async fn assert_counted(arena: &Arena) {
    let row = shown(arena.gateway(), NAME, |it| it["marks"]["traps"] != 0).await;
    let series = format!("causeway_plugin_traps_total{{plugin=\"{NAME}\"}}");
    let traps = row["marks"]["traps"].as_u64();
    assert!(traps.is_some_and(|it| it > 0), "{row}");
    assert!(Some(scraped(arena, &series).await) >= traps, "{row}");
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
    assert_counted(&arena).await;
    arena.assert_whole().await;
}

/// A submission waits for the answer, and nobody else does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_component_that_does_not_say_whether_a_url_may_be_used() {
    let arena = arena().await;
    let workers = arena.gateway().workers();
    arena
        .beside(async {
            let to_it = |number: u32| {
                let from = format!("hostile://slow-{number}.example/admit-loop");
                json!({ "sources": [from], "destinations": [sink("admit")] })
            };
            let job = json!({ "files": (0..5).map(to_it).collect::<Vec<_>>() });
            let two = [(); 2].map(|()| arena.refused("POST", "/jobs", job.clone()));
            for (status, text) in join_all(two).await {
                let why =
                    "The storage cannot be asked about hostile://slow-0.example/admit-loop now";
                assert!(status == 503 && text.contains(why), "{status} {text}");
                let why = "admit: plugin hostile-component ";
                assert!(text.contains(why), "{text}");
            }
            let job = transfer(&attack("admit"), &sink("admit"));
            let (status, text) = arena.refused("POST", "/jobs", job).await;
            assert!(status == 503 && text.contains(STOPPED), "{status} {text}");
            works(&arena).await;
        })
        .await;
    assert_eq!(arena.gateway().workers(), workers, "a worker has ended");
    arena.assert_whole().await;
}

/// Its own counters reach the operator, as many as there may be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_component_that_counts_more_than_it_may() {
    let arena = arena().await;
    for _ in 0..3 {
        let stat = dm("stat", "hostile://works.example/count");
        let stat = arena.gateway().get(&stat).await;
        assert_eq!(stat["size"], 10, "{stat}");
    }
    let row = shown(arena.gateway(), NAME, |it| it["counters"]["asked"] == 3).await;
    let names = row["counters"].as_object().expect("names and values");
    assert_eq!(names.len(), 64, "{row}");
    assert!(
        names
            .keys()
            .all(|it| it == "asked" || it.starts_with("other_"))
    );
    let series = format!("causeway_plugin_counter_total{{plugin=\"{NAME}\",name=\"asked\"}}");
    assert_eq!(scraped(&arena, &series).await, 3);
    let scrape = text(arena.gateway(), "/metrics").await;
    let series = scrape
        .lines()
        .filter(|it| it.starts_with("causeway_plugin_counter_total{"));
    assert_eq!(series.count(), 64);
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
