//! What a killed process left is removed by a later one that writes to the same server as the same
//! user, and nothing else is.

mod support;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use causeway_plugin_ftp::FtpStorage;
use causeway_sdk::{Bytes, Ctx, Host, Storage, WriteBody, WriteOptions};
use support::double::{Double, say};
use support::*;

fn config(dir: &Path) -> String {
    format!(r#"{{"tls":"never","state_dir":{dir:?}}}"#)
}

fn life(dir: &Path) -> FtpStorage {
    storage(&config(dir))
}

fn written_down(dir: &Path) -> usize {
    // Made with the first upload.
    std::fs::read_dir(dir.join("ftp")).map_or(0, Iterator::count)
}

/// Ends as a process does that is killed: its runtime runs no more, and its locks are gone.
fn killed(server: &Double, dir: &Path, cx: &Ctx) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let body = runtime.block_on(async {
        let at = server.url("/dir/f");
        let options = WriteOptions::default();
        let mut body = life(dir).open_write(cx, &at, options).await.unwrap();
        let chunk = Bytes::from(pattern(1000));
        body.write(0, chunk).await.unwrap();
        body
    });
    runtime.shutdown_background();
    drop(body);
}

/// The name of what is left.
async fn left_behind(server: &Double, dir: &Path, cx: &Ctx) -> String {
    let (before, names) = (written_down(dir), server.names());
    std::thread::scope(|scope| {
        let ended = scope.spawn(|| killed(server, dir, cx)).join();
        ended.unwrap();
    });
    assert_eq!(written_down(dir), before + 1);
    let new = || server.names().into_iter().find(|it| !names.contains(it));
    until("something is left", || new().is_some()).await;
    let new = new().unwrap();
    assert!(new.starts_with("/dir/.causeway-"), "{new}");
    new
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..800 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it never came: {what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partial_file_goes_when_its_user_writes_again() {
    let server = Double::start(|_, _| None).await;
    let dir = tempfile::tempdir().unwrap();
    left_behind(&server, dir.path(), &alice()).await;
    let at = server.url("/other");
    write(&life(dir.path()), &alice(), &at, b"new")
        .await
        .unwrap();
    left(&server, &["/other"]).await;
    until("nothing is written down", || written_down(dir.path()) == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_else_removes_it_and_a_living_upload_stays() {
    let server = Double::start(|_, _| None).await;
    let dir = tempfile::tempdir().unwrap();
    let orphan = left_behind(&server, dir.path(), &alice()).await;
    let bob = life(dir.path());
    let at = server.url("/bob");
    let cx = Ctx::new("test").with_credential(keys("bob", "builder"));
    let mut living = bob
        .open_write(&cx, &at, WriteOptions::default())
        .await
        .unwrap();
    living.write(0, Bytes::from_static(b"bob")).await.unwrap();
    // The youngest: what else were removed would be gone before it.
    left_behind(&server, dir.path(), &cx).await;
    assert_eq!(written_down(dir.path()), 3);
    // The same user in another process.
    let again = server.url("/again");
    write(&life(dir.path()), &cx, &again, b"x").await.unwrap();
    until("what bob left is gone", || written_down(dir.path()) < 3).await;
    assert_eq!(written_down(dir.path()), 2);
    living.commit().await.unwrap();
    left(&server, &["/again", "/bob", &orphan]).await;
    assert_eq!(written_down(dir.path()), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_removed_stays_written_down() {
    let refuses = |command: &str, _| {
        command
            .starts_with("DELE")
            .then(|| say("550 Permission denied"))
    };
    let server = Double::start(refuses).await;
    let dir = tempfile::tempdir().unwrap();
    let orphan = left_behind(&server, dir.path(), &alice()).await;
    let lines = Arc::new(Mutex::new(Vec::<String>::new()));
    let kept = Arc::clone(&lines);
    let host = Host::new(move |_, text| kept.lock().unwrap().push(text.to_owned()));
    let later = FtpStorage::create(&config(dir.path()), host).unwrap();
    let at = server.url("/other");
    write(&later, &alice(), &at, b"new").await.unwrap();
    let told = |it: &str| lines.lock().unwrap().iter().any(|line| line.contains(it));
    until("it is told", || told("earlier life")).await;
    assert!(told("failed to remove"), "{lines:?}");
    assert!(server.count("DELE") >= 2);
    left(&server, &[&orphan, "/other"]).await;
    assert_eq!(written_down(dir.path()), 1);
}
