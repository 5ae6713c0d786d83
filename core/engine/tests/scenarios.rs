//! The table of jobs that every gateway of this kind must get right: what happens, and how it ends.
//!
//! Every row is watched from its submission: the states of the job in their order, and the states
//! of its files at the end.

mod support;

use std::sync::Arc;
use std::time::Duration;

use causeway_model::ports::{Clock, JobControl, JobView};
use causeway_model::{DeletionState, FileId, FileState as F, JobId, JobState as J, JobType};
use support::{Bench, change_rows, deletion_job, set_type, states};

const GOOD: (&str, &str) = ("mock://a/1?size=10", "mock://b/1?size_post=10&time=5");
const BAD: (&str, &str) = ("mock://a/2?wait=2&errno=2", "mock://b/2?time=1");
const LONG: (&str, &str) = ("mock://a/3?size=10", "mock://b/3?size_post=10&time=600");

struct Row {
    name: &'static str,
    pairs: Vec<(&'static str, &'static str)>,
    change: fn(&mut JobView),
    /// Cancels these files as soon as they run.
    cancel: &'static [usize],
    job: &'static [J],
    files: &'static [F],
}

fn plain(_: &mut JobView) {}

fn one_index(view: &mut JobView) {
    set_type(view, JobType::MultiReplica);
    only_first(view);
    for file in &mut view.files {
        Arc::make_mut(file).file_index = 0;
    }
}

fn chain(view: &mut JobView) {
    set_type(view, JobType::Multihop);
    only_first(view);
}

fn only_first(view: &mut JobView) {
    for file in view.files.iter_mut().skip(1) {
        Arc::make_mut(file).state = F::NotUsed;
    }
}

fn on_tape(view: &mut JobView) {
    change_rows(view, |job, file| {
        job.state = J::Staging;
        job.bring_online = 9000;
        file.state = F::Staging;
    });
}

fn to_tape(view: &mut JobView) {
    change_rows(view, |job, _| job.archive_timeout = 600);
}

fn table() -> Vec<Row> {
    let row = |name, pairs: &[_], job, files| Row {
        name,
        pairs: pairs.to_vec(),
        change: plain,
        cancel: &[],
        job,
        files,
    };
    const TAPE: (&str, &str) = ("mock://a/4?size=10&staging_time=900", GOOD.1);
    const STAGE_ONLY: (&str, &str) = (TAPE.0, TAPE.0);
    const ARCHIVE: (&str, &str) = (GOOD.0, "mock://b/5?size_post=10&time=5&archiving_time=100");
    vec![
        row(
            "one finished, one failed",
            &[GOOD, BAD],
            &[J::Active, J::FinishedDirty],
            &[F::Finished, F::Failed],
        ),
        row(
            "both failed",
            &[BAD, BAD],
            &[J::Active, J::Failed],
            &[F::Failed, F::Failed],
        ),
        Row {
            cancel: &[1],
            ..row(
                "one finished, one cancelled",
                &[GOOD, LONG],
                &[J::Active, J::Canceled],
                &[F::Finished, F::Canceled],
            )
        },
        Row {
            cancel: &[2],
            ..row(
                "finished, failed, cancelled",
                &[GOOD, BAD, LONG],
                &[J::Active, J::FinishedDirty],
                &[F::Finished, F::Failed, F::Canceled],
            )
        },
        Row {
            change: one_index,
            ..row(
                "second replica",
                &[BAD, GOOD, GOOD],
                &[J::Active, J::Finished],
                &[F::Failed, F::Finished, F::NotUsed],
            )
        },
        Row {
            change: one_index,
            ..row(
                "no replica",
                &[BAD, BAD],
                &[J::Active, J::Failed],
                &[F::Failed, F::Failed],
            )
        },
        Row {
            change: chain,
            ..row(
                "second hop",
                &[GOOD, BAD, GOOD],
                &[J::Active, J::Failed],
                &[F::Finished, F::Failed, F::NotUsed],
            )
        },
        Row {
            change: on_tape,
            ..row(
                "staged, then copied",
                &[TAPE],
                &[J::Staging, J::Active, J::Finished],
                &[F::Finished],
            )
        },
        Row {
            change: on_tape,
            ..row(
                "staged only",
                &[STAGE_ONLY],
                &[J::Staging, J::Finished],
                &[F::Finished],
            )
        },
        Row {
            change: to_tape,
            ..row(
                "copied, then archived",
                &[ARCHIVE],
                &[J::Active, J::Archiving, J::Finished],
                &[F::Finished],
            )
        },
    ]
}

/// The states of a job in their order, without the first of those that are queued.
async fn watch(bench: &Bench, id: JobId) -> Vec<J> {
    let mut seen = Vec::new();
    for _ in 0..1_000_000 {
        let state = bench.view(id).await.job.state;
        if seen.last() != Some(&state) && state != J::Submitted {
            seen.push(state);
        }
        if state.is_terminal() {
            return seen;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it never ended: {seen:?}");
}

#[tokio::test(start_paused = true)]
async fn jobs() {
    for row in table() {
        let bench = Bench::mock().await;
        let mut view = bench.job(&row.pairs);
        (row.change)(&mut view);
        let id = bench.submit(view).await;
        let engine = bench.engine.clone();
        let files = bench.view(id).await.files;
        let files: Vec<FileId> = row.cancel.iter().map(|n| files[*n].file_id).collect();
        let cancel = async {
            // Before the others end: a cancel that ends the last one decides for the whole job.
            tokio::time::sleep(Duration::from_secs(1)).await;
            if !files.is_empty() {
                engine.cancel_files(id, &files).await.unwrap();
            }
        };
        let (job, ()) = tokio::join!(watch(&bench, id), cancel);
        assert_eq!(job, row.job, "{}", row.name);
        let view = bench.view(id).await;
        assert_eq!(states(&view), row.files, "{}", row.name);
        if row.name == "second replica" {
            assert_eq!(
                view.job.source_se,
                Some(Arc::clone(&view.files[1].source_se))
            );
        }
        if row.name == "staged only" {
            assert!(view.files[0].start_time.is_none(), "it was never active");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_deletion_job() {
    let bench = Bench::mock().await;
    let urls = ["mock://a/1?size=1&delay_ms=500", "mock://a/2?size=1"];
    let view = deletion_job(&*bench.store, bench.clock.now(), &urls);
    let id = bench.submit(view).await;
    assert_eq!(watch(&bench, id).await, [J::Delete, J::Finished]);
    let view = bench.view(id).await;
    assert!(
        view.deletions
            .iter()
            .all(|it| it.state == DeletionState::Finished)
    );
}
