//! What a killed process left is removed by a later one that writes to the same bucket with the same
//! key, and nothing else is.

mod support;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use causeway_plugin_s3::S3Storage;
use causeway_sdk::{Ctx, ErrorKind, Host, Storage, WriteBody, WriteOptions};
use support::double::{Reply, fault, reply};
use support::world::{MIB, Stage, World, plot};
use support::{keys, kind, pattern, storage, write};

fn config(dir: &Path) -> String {
    format!(r#"{{"part_bytes":5242880,"directories":false,"state_dir":{dir:?}}}"#)
}

fn life(dir: &Path) -> S3Storage {
    storage(&config(dir))
}

fn cx(access: &str, token: Option<&str>) -> Ctx {
    Ctx::new("t").with_credential(keys(access, "secret", token))
}

fn written_down(dir: &Path) -> usize {
    // Made with the first upload.
    std::fs::read_dir(dir.join("s3")).map_or(0, Iterator::count)
}

/// Ends as a process does that is killed: its runtime runs no more, and its locks are gone.
fn killed(world: &World, dir: &Path, cx: &Ctx, at: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let body = runtime.block_on(async {
        let at = world.double.url(at);
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

fn uploads(world: &World) -> Vec<String> {
    let kept = world.kept.lock().unwrap();
    let mut all: Vec<String> = kept.uploads.keys().cloned().collect();
    all.sort_unstable();
    all
}

/// The name of the upload that is left.
fn left_behind(world: &World, dir: &Path, cx: &Ctx, at: &str) -> String {
    let (before, names) = (written_down(dir), uploads(world));
    std::thread::scope(|scope| {
        let ended = scope.spawn(|| killed(world, dir, cx, at)).join();
        ended.unwrap();
    });
    assert_eq!(written_down(dir), before + 1);
    let mut new = uploads(world);
    new.retain(|it| !names.contains(it));
    let [only] = <[_; 1]>::try_from(new).unwrap();
    only
}

/// Writes something small, for which the double has no room: being there is what counts.
async fn come_by(storage: &S3Storage, cx: &Ctx, world: &World, at: &str) {
    let outcome = write(storage, cx, &world.double.url(at), b"small").await;
    assert_eq!(kind(outcome), ErrorKind::NotFound);
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..800 {
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
        left_behind(&world, dir.path(), &cx("alice", token), "/bucket/k");
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
    let stays = left_behind(&world, dir.path(), &cx("alice", None), "/bucket/k");
    for (cx, at) in [
        (cx("bob", None), "/bucket/small"),
        (cx("alice", None), "/other/small"),
        (Ctx::new("nobody"), "/bucket/small"),
    ] {
        // Their own goes, and it is the younger one: the other would have gone before it.
        left_behind(&world, dir.path(), &cx, at);
        assert_eq!(written_down(dir.path()), 2);
        come_by(&life(dir.path()), &cx, &world, at).await;
        until("theirs is gone", || written_down(dir.path()) < 2).await;
        assert_eq!(uploads(&world), [stays.as_str()]);
        assert_eq!(written_down(dir.path()), 1);
    }
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
    left_behind(&world, dir.path(), &cx, "/bucket/left");
    come_by(&life(dir.path()), &cx, &world, "/bucket/small").await;
    until("what was left is gone", || written_down(dir.path()) < 2).await;
    assert_eq!(uploads(&world).len(), 1);
    living.commit().await.unwrap();
    assert_eq!(written_down(dir.path()), 0);
}

/// A life that is told to remove something, until it has told what came of it.
async fn tries(world: &World, dir: &Path, cx: &Ctx) -> String {
    let lines = Arc::new(Mutex::new(Vec::<String>::new()));
    let kept = Arc::clone(&lines);
    let host = Host::new(move |_, text| kept.lock().unwrap().push(text.to_owned()));
    let later = S3Storage::with_environment(&config(dir), host, |_| None).unwrap();
    come_by(&later, cx, world, "/bucket/small").await;
    let told = || {
        let lines = lines.lock().unwrap();
        lines.iter().find(|it| it.contains("earlier life")).cloned()
    };
    until("it is told", || told().is_some()).await;
    told().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_removed_stays_written_down() {
    let refused = fault("403 Forbidden", "AccessDenied", &[]);
    let world = World::start(plot(Stage::Abort, u32::MAX, false, refused)).await;
    let (dir, cx) = (tempfile::tempdir().unwrap(), cx("alice", None));
    left_behind(&world, dir.path(), &cx, "/bucket/k");
    let told = tries(&world, dir.path(), &cx).await;
    assert!(told.starts_with("failed to remove"), "{told}");
    assert!(!world.double.seen("DELETE").is_empty());
    assert_eq!(written_down(dir.path()), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parts_that_are_still_listed_stay_written_down() {
    let gone = reply("204 No Content", &[], "");
    let world = World::start(plot(Stage::Abort, u32::MAX, false, gone)).await;
    let (dir, cx) = (tempfile::tempdir().unwrap(), cx("alice", None));
    left_behind(&world, dir.path(), &cx, "/bucket/k");
    let told = tries(&world, dir.path(), &cx).await;
    assert!(told.starts_with("failed to remove"), "{told}");
    assert!(told.contains("parts are still listed"), "{told}");
    assert_eq!(written_down(dir.path()), 1);
}
