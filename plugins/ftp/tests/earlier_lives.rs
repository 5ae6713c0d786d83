//! What a killed process left is removed by a later one that writes to the same server as the same
//! user, and nothing else is.

mod support;

use std::path::Path;
use std::time::Duration;

use causeway_plugin_ftp::FtpStorage;
use causeway_sdk::{Bytes, Ctx, Storage, WriteBody, WriteOptions};
use support::double::{Double, say};
use support::*;

fn life(dir: &Path) -> FtpStorage {
    storage(&format!(r#"{{"tls":"never","state_dir":{dir:?}}}"#))
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

async fn left_behind(server: &Double, dir: &Path, cx: &Ctx) -> String {
    std::thread::scope(|scope| drop(scope.spawn(|| killed(server, dir, cx)).join()));
    for _ in 0..400 {
        if let [only] = server.names().as_slice() {
            assert!(only.starts_with("/dir/.causeway-"), "{only}");
            assert_eq!(written_down(dir), 1);
            return only.clone();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("left are {:?}", server.names());
}

async fn nothing_is_written_down(dir: &Path) {
    for _ in 0..400 {
        if written_down(dir) == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{} are written down", written_down(dir));
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
    nothing_is_written_down(dir.path()).await;
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
    // The same user in another process.
    let again = server.url("/again");
    write(&life(dir.path()), &cx, &again, b"x").await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
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
    let at = server.url("/other");
    write(&life(dir.path()), &alice(), &at, b"new")
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    left(&server, &[&orphan, "/other"]).await;
    assert_eq!(written_down(dir.path()), 1);
}
