//! A native plugin that does not come back, in every method there is: each call ends by a limit, and
//! where it holds a thread the worker process ends. What every test checks besides stands in
//! `Arena`.

use causeway_tests::Arena;
use causeway_tests::arena::SOME;
use causeway_tests::attack::{dm, sink, source, transfer};
use futures_util::future::join_all;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_whose_calls_never_end() {
    let arena = Arena::start("hang", Arena::options()).await;
    let late = "operation timeout: stat gave no answer within 2 s";
    let stalled = "TRANSFER [110] Transfer stalled: no progress for 3 seconds";
    let sources = [
        ("stat", format!("SOURCE [110] {late}")),
        ("open_read", stalled.to_owned()),
        ("next", stalled.to_owned()),
    ];
    let targets = [
        ("exists", format!("DESTINATION [110] {late}")),
        ("stat", format!("DESTINATION [110] {late}")),
        (
            "mkdir",
            "DESTINATION [110] operation timeout: mkdir gave no answer within 2 s".into(),
        ),
        ("open_write", stalled.to_owned()),
        ("write", stalled.to_owned()),
        // A storage may take its time to make a file durable: longer for a longer one.
        (
            "commit",
            "TRANSFER [110] commit the destination: operation timeout: commit gave no answer \
             within 2 s"
                .into(),
        ),
    ];
    let limits = json!({ "timeout": 1 });
    let from_it = sources.iter().map(|(method, expected)| {
        let from = format!("hang://source-{method}/f?size=10&in={method}");
        let (arena, limits) = (&arena, limits.clone());
        async move {
            let reason = arena.fails_with(&from, &sink(method), limits).await;
            assert_eq!(&reason, expected, "{method}");
        }
    });
    let to_it = targets.iter().map(|(method, expected)| {
        let to = format!("hang://target-{method}/f?in={method}");
        let (arena, limits) = (&arena, limits.clone());
        async move {
            let reason = arena.fails_with(&source(method), &to, limits).await;
            assert_eq!(&reason, expected, "{method}");
        }
    });
    let names = ["unlink", "rmdir", "mkdir"].map(|method| {
        let body = json!({ "surl": format!("hang://h/f?in={method}") });
        late_answer(&arena, "POST", format!("/dm/{method}"), body)
    });
    let looks = ["stat", "list"].map(|method| {
        let url = dm(method, &format!("hang://h/f?in={method}"));
        late_answer(&arena, "GET", url, Value::Null)
    });
    let others = async {
        let rename = json!({ "old": "hang://h/f?in=rename", "new": "hang://h/g" });
        late_answer(&arena, "POST", "/dm/rename".into(), rename).await;
        // An abort that hangs does not hide why it was called.
        let (from, to) = (
            "mock://broken/f?size=10&read_errno=5",
            "hang://h/f?in=abort",
        );
        let reason = arena.fails(from, to).await;
        assert!(reason.contains("read the source"), "{reason}");
        let reason = arena
            .fails("hang://a/f?size=10", "hang://b/f?in=copy")
            .await;
        assert_eq!(reason, stalled);
        let (from, to) = ("hang://sum/f?size=10&in=checksum", sink("sum"));
        let reason = arena
            .fails_with(from, &to, json!({ "verify_checksum": "both" }))
            .await;
        let words = "SOURCE [110] operation timeout: checksum gave no answer within 2 s";
        assert_eq!(reason, words);
        for method in ["bring_online", "poll_online"] {
            let (from, to) = (
                format!("hang://tape/{method}?size=10&in={method}"),
                sink(method),
            );
            let staged = json!({ "bring_online": 5 });
            let reason = arena.fails_with(&from, &to, staged).await;
            assert!(reason.starts_with("STAGING ["), "{method}: {reason}");
        }
    };
    arena
        .beside(Box::pin(async {
            futures_util::join!(
                join_all(from_it),
                join_all(to_it),
                join_all(names),
                join_all(looks),
                others
            );
            arena.assert_works("hang").await;
        }))
        .await;
    arena.assert_whole().await;
}

async fn late_answer(arena: &Arena, method: &str, path: String, body: Value) {
    let (status, text) = arena.refused(method, &path, body).await;
    assert!(
        status == 503 && text.starts_with("[110] "),
        "{path}: {status} {text}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_that_holds_the_threads_of_its_process() {
    let mut arena = Arena::start("hang", Arena::options()).await;
    arena.innocent_retries = SOME;
    let died = "Transfer process died with: no answer for ";
    arena
        .beside(async {
            let from = "hang://source-block/f?size=10&in=stat&how=block";
            let reason = arena.fails(from, &sink("block")).await;
            assert!(reason.contains(died), "{reason}");
            let to = "hang://target-spin/f?in=write&how=spin";
            let reason = arena.fails(&source("spin"), to).await;
            assert!(reason.contains(died), "{reason}");
            let to = "hang://target-drop/f?in=drop&how=block";
            let reason = arena.fails(&source("drop"), to).await;
            assert!(reason.contains(died), "{reason}");
            let body = transfer("hang://h/f?in=admit", &sink("admit"));
            let (_, text) = arena.refused("POST", "/jobs", body).await;
            assert!(text.contains("no answer for "), "{text}");
            arena.assert_works("hang").await;
        })
        .await;
    arena.assert_whole().await;
}
