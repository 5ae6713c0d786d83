//! Many questions of what stands where, asked at once of one real server.

mod support;

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use causeway_plugin_gridftp::GridftpStorage;
use causeway_sdk::{Ctx, ErrorKind, Result, Stat, Storage as _};
use support::Server;
use tokio::task::JoinHandle;

const QUESTIONS: usize = 200;
/// Sessions for which 200 questions are far too few; each would have its own.
const FEW: usize = 20;

/// Asks for all of them at once: files of sizes of their own, and every third is not there.
fn ask(
    server: &Server,
    storage: &Arc<GridftpStorage>,
    cx: &Ctx,
) -> Vec<(usize, JoinHandle<Result<Stat>>)> {
    let ask = |number: usize| {
        let (storage, cx) = (storage.clone(), cx.clone());
        let at = server.url(&format!("looks {number}"));
        let asking = tokio::spawn(async move { storage.stat(&cx, &at).await });
        (number, asking)
    };
    (0..QUESTIONS).map(ask).collect()
}

async fn assert_right(asked: Vec<(usize, JoinHandle<Result<Stat>>)>) {
    for (number, asking) in asked {
        let answer = asking.await.unwrap();
        match number % 3 {
            0 => assert_eq!(answer.unwrap_err().kind(), ErrorKind::NotFound, "{number}"),
            _ => assert_eq!(answer.unwrap().size, Some(number as u64)),
        }
    }
}

fn start() -> (Server, Arc<GridftpStorage>, Ctx) {
    let server = Server::start("gridftp");
    for number in (0..QUESTIONS).filter(|it| it % 3 != 0) {
        std::fs::write(server.file(&format!("looks {number}")), vec![7; number]).unwrap();
    }
    let (storage, cx) = (Arc::new(server.storage("")), server.cx());
    (server, storage, cx)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_hears_its_own_answer_over_few_sessions() {
    let (server, storage, cx) = start();
    assert_right(ask(&server, &storage, &cx)).await;
    let sessions = server.workers().len();
    assert!((1..FEW).contains(&sessions), "{sessions}");
    // Who gives up takes no answer from the others.
    for (number, asking) in ask(&server, &storage, &cx) {
        match number % 2 {
            0 => asking.abort(),
            _ => assert_right(vec![(number, asking)]).await,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_breaks_fails_nobody_else() {
    let (server, storage, cx) = start();
    storage.stat(&cx, &server.url("looks 1")).await.unwrap();
    let sessions = server.workers();
    assert_eq!(sessions.len(), 1);
    signal("STOP", sessions[0]);
    let asked = ask(&server, &storage, &cx);
    // Some have gone to it by then, on any machine that is not asleep; no answer depends on it.
    tokio::time::sleep(Duration::from_millis(300)).await;
    signal("KILL", sessions[0]);
    assert_right(asked).await;
}

fn signal(name: &str, process: u32) {
    let sent = Command::new("kill")
        .args(["-s", name, &process.to_string()])
        .status();
    assert!(sent.unwrap().success());
}
