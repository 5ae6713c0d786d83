//! What a killed process left is removed by a later one that writes to the same bucket with the same
//! key, and nothing else is.

mod support;

use std::path::Path;
use std::time::Duration;

use causeway_plugin_s3::S3Storage;
use causeway_sdk::{Ctx, Storage, WriteBody, WriteOptions};
use support::double::{Reply, fault};
use support::world::{MIB, Stage, World, plot};
use support::{keys, pattern, storage, write};

fn life(dir: &Path) -> S3Storage {
    storage(&format!(
        r#"{{"part_bytes":5242880,"directories":false,"state_dir":{dir:?}}}"#
    ))
}

fn cx(access: &str, token: Option<&str>) -> Ctx {
    Ctx::new("t").with_credential(keys(access, "secret", token))
}

fn written_down(dir: &Path) -> usize {
    // Made with the first upload.
    std::fs::read_dir(dir.join("s3")).map_or(0, Iterator::count)
}

/// Ends as a process does that is killed: its runtime runs no more, and its locks are gone.
fn killed(world: &World, dir: &Path, cx: &Ctx) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let body = runtime.block_on(async {
        let at = world.double.url("/bucket/k");
        let options = WriteOptions {
            size: Some(12 * MIB as u64),
            ..WriteOptions::default()
        };
        let mut body = life(dir).open_write(cx, &at, options).await.unwrap();
        body.write(0, pattern(6 * MIB).into()).await.unwrap();
        body
    });
    runtime.shutdown_background();
    drop(body);
}

async fn start() -> World {
    World::start(plot(Stage::Other, 0, false, Reply::CutLate)).await
}

async fn left_behind(world: &World, dir: &Path, cx: &Ctx) {
    let before = written_down(dir);
    std::thread::scope(|scope| drop(scope.spawn(|| killed(world, dir, cx)).join()));
    assert_eq!(world.kept.lock().unwrap().uploads.len(), 1);
    assert_eq!(written_down(dir), before + 1);
}

/// Writes something small, for which the double has no room: being there is what counts.
async fn come_by(storage: &S3Storage, cx: &Ctx, world: &World, at: &str) {
    drop(write(storage, cx, &world.double.url(at), b"small").await);
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..400 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it never came: {what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parts_go_when_their_owner_writes_again() {
    for token in [None, Some("session")] {
        let (world, dir) = (start().await, tempfile::tempdir().unwrap());
        left_behind(&world, dir.path(), &cx("alice", token)).await;
        let later = life(dir.path());
        // A session's key is another one each time.
        let cx = match token {
            None => cx("alice", None),
            Some(_) => cx("alice-again", Some("another-session")),
        };
        come_by(&later, &cx, &world, "/bucket/small").await;
        world.expect_clean("removed by a later life").await;
        until("nothing is written down", || written_down(dir.path()) == 0).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_else_removes_them() {
    let (world, dir) = (start().await, tempfile::tempdir().unwrap());
    left_behind(&world, dir.path(), &cx("alice", None)).await;
    let later = life(dir.path());
    for (cx, at) in [
        (cx("bob", None), "/bucket/small"),
        (cx("alice", None), "/other/small"),
        (Ctx::new("nobody"), "/bucket/small"),
    ] {
        come_by(&later, &cx, &world, at).await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(world.kept.lock().unwrap().uploads.len(), 1);
    assert_eq!(written_down(dir.path()), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_that_go_on_and_those_that_ended_are_not_taken_for_left() {
    let (world, dir) = (start().await, tempfile::tempdir().unwrap());
    let (one, cx) = (life(dir.path()), cx("alice", None));
    let at = world.double.url("/bucket/k");
    let mut living = one
        .open_write(&cx, &at, WriteOptions::default())
        .await
        .unwrap();
    living.write(0, pattern(6 * MIB).into()).await.unwrap();
    assert_eq!(written_down(dir.path()), 1);
    let other = life(dir.path());
    come_by(&other, &cx, &world, "/bucket/small").await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(world.kept.lock().unwrap().uploads.len(), 1);
    living.commit().await.unwrap();
    assert_eq!(written_down(dir.path()), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_removed_stays_written_down() {
    let refused = fault("403 Forbidden", "AccessDenied", &[]);
    let world = World::start(plot(Stage::Abort, u32::MAX, false, refused)).await;
    let (dir, cx) = (tempfile::tempdir().unwrap(), cx("alice", None));
    left_behind(&world, dir.path(), &cx).await;
    come_by(&life(dir.path()), &cx, &world, "/bucket/small").await;
    let asked = || world.double.seen("DELETE").len();
    until("somebody tries", || asked() > 0).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(written_down(dir.path()), 1);
}
