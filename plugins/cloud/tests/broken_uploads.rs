//! Uploads that break, at each stage and in each way: what came through is there, what did not is not,
//! and nothing is left of it.

mod support;

use std::time::Duration;

use causeway_sdk::{ErrorKind, Retry, Storage, WriteBody};
use support::double::{How, reply};
use support::plot::{PART, Played, Stage};
use support::*;

const OFTEN: usize = 1000;
const STAGES: [Stage; 4] = [Stage::Whole, Stage::Begin, Stage::Part, Stage::Finish];

/// A file that has this stage on its way to being one.
fn data(stage: Stage) -> Vec<u8> {
    match stage {
        Stage::Whole => pattern(1000),
        _ => pattern(2 * PART + 5),
    }
}

/// Waits for what goes on in the background after a write was dropped.
async fn nothing_left(lab: &Played, what: &str) {
    for _ in 0..500 {
        if lab.double.unfinished() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{what}: {} uploads are left", lab.double.unfinished());
}

/// Whether a service has a stage at all.
fn has(lab: &Played, stage: Stage) -> bool {
    stage != Stage::Begin || lab.name != "azure"
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_is_not_a_lost_file() {
    for lab in Played::all().await {
        let (storage, cx) = lab.open();
        for (stage, overwrite) in STAGES.into_iter().flat_map(|it| [(it, false), (it, true)]) {
            for how in [How::CutBefore, How::CutAfter] {
                let what = format!("{} {stage:?} {overwrite} {how:?}", lab.name);
                let (at, data) = (lab.url("/file"), data(stage));
                lab.plot(stage, 1, how);
                let options = options(Some(data.len()), overwrite);
                let written = write_with(&storage, &cx, &at, &data, options).await;
                assert_eq!(written.expect(&what).bytes, data.len() as u64);
                assert!(read(&storage, &cx, &at).await.unwrap() == data, "{what}");
                storage.unlink(&cx, &at).await.unwrap();
                // A second file of that name would show now.
                assert!(!storage.exists(&cx, &at).await.unwrap(), "{what}");
                lab.double.heal();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_always_cut_fails_and_leaves_nothing() {
    for lab in Played::all().await {
        let (storage, cx) = (storage(&lab.config(2)), lab.open().1);
        for stage in STAGES.into_iter().filter(|it| has(&lab, *it)) {
            let (at, data) = (lab.url("/file"), data(stage));
            lab.plot(stage, OFTEN, How::CutBefore);
            let error = write(&storage, &cx, &at, &data).await.unwrap_err();
            let what = format!("{} {stage:?}: {error:?}", lab.name);
            assert_eq!(error.kind(), ErrorKind::Network, "{what}");
            assert_eq!(error.retry(), Retry::Soon, "{what}");
            nothing_left(&lab, &what).await;
            lab.double.heal();
            assert!(!storage.exists(&cx, &at).await.unwrap(), "{what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_else_wrote_is_not_ours() {
    for lab in Played::all().await {
        let ((storage, cx), at) = (lab.open(), lab.url("/file"));
        // The same bytes, but there before.
        write(&storage, &cx, &at, b"same").await.unwrap();
        let new = write_with(&storage, &cx, &at, b"same", options(Some(4), false)).await;
        assert_eq!(kind(new), ErrorKind::Exists, "{}", lab.name);
        // Other bytes, and an answer that is lost: the old ones are not taken for ours.
        lab.plot(Stage::Whole, OFTEN, How::CutBefore);
        let error = write(&storage, &cx, &at, b"ours").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Network, "{}", lab.name);
        lab.double.heal();
        assert_eq!(
            read(&storage, &cx, &at).await.unwrap(),
            b"same",
            "{}",
            lab.name
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn throttling_is_waited_for_and_in_the_end_told_with_its_hint() {
    for lab in Played::all().await {
        let (storage, cx) = lab.open();
        for stage in STAGES.into_iter().filter(|it| has(&lab, *it)) {
            for (status, expected) in [(429, ErrorKind::Throttled), (503, ErrorKind::Busy)] {
                let busy = reply(status).with("Retry-After", 0);
                let (at, data) = (lab.url("/file"), data(stage));
                let what = format!("{} {stage:?} {status}", lab.name);
                lab.fail(stage, 2, busy.clone());
                let new = options(Some(data.len()), false);
                write_with(&storage, &cx, &at, &data, new)
                    .await
                    .expect(&what);
                storage.unlink(&cx, &at).await.unwrap();
                lab.fail(stage, OFTEN, busy);
                let error = write(&storage, &cx, &at, &data).await.unwrap_err();
                assert_eq!(error.kind(), expected, "{what}");
                assert_eq!(error.retry(), Retry::After(Duration::ZERO), "{what}");
                nothing_left(&lab, &what).await;
                lab.double.heal();
                assert!(!storage.exists(&cx, &at).await.unwrap(), "{what}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_ends_on_the_way_is_told_at_once() {
    for lab in Played::all().await {
        let (storage, cx) = lab.open();
        for stage in STAGES.into_iter().filter(|it| has(&lab, *it)) {
            let (at, data) = (lab.url("/file"), data(stage));
            let before = lab.count(stage);
            lab.fail(stage, OFTEN, lab.expired());
            let error = write(&storage, &cx, &at, &data).await.unwrap_err();
            let what = format!("{} {stage:?}: {error:?}", lab.name);
            assert_eq!(error.kind(), ErrorKind::AuthExpired, "{what}");
            assert_eq!(error.retry(), Retry::Never, "{what}");
            // Parts beside each other each learn it.
            assert!(lab.count(stage) - before <= 2, "{what}");
            nothing_left(&lab, &what).await;
            lab.double.heal();
            assert!(!storage.exists(&cx, &at).await.unwrap(), "{what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_whose_token_ends_between_two_parts_is_given_up() {
    for lab in Played::all().await {
        let ((storage, cx), at) = (lab.open(), lab.url("/file"));
        let new = options(None, false);
        let mut body = storage.open_write(&cx, &at, new).await.unwrap();
        let chunk = pattern(PART);
        for n in 0..3 {
            let chunk = chunk.clone().into();
            body.write(n * PART as u64, chunk).await.unwrap();
        }
        // Parts go out in the background: let the first arrive.
        while lab.count(Stage::Part) + lab.count(Stage::Begin) < 1 {
            tokio::task::yield_now().await;
        }
        lab.fail(Stage::Part, OFTEN, lab.expired());
        let mut outcome = Ok(());
        for n in 3..12 {
            outcome = body.write(n * PART as u64, chunk.clone().into()).await;
            if outcome.is_err() {
                break;
            }
        }
        let error = match outcome {
            Ok(()) => body.commit().await.unwrap_err(),
            Err(error) => {
                body.abort().await;
                error
            }
        };
        assert_eq!(
            error.kind(),
            ErrorKind::AuthExpired,
            "{}: {error:?}",
            lab.name
        );
        nothing_left(&lab, lab.name).await;
        assert!(!storage.exists(&cx, &at).await.unwrap(), "{}", lab.name);
        // Dropbox forgets by itself.
        let told = lab.count(Stage::Cancel);
        assert_eq!(told, usize::from(lab.name != "dropbox"), "{}", lab.name);
    }
}
