//! What a start finds after an end at any moment.

mod rows;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use causeway_model::ports::{JobStore, StoreError, Transaction};
use causeway_model::{DeletionState, FileState, Job, JobId, JobState};
use causeway_store::{EmbeddedStore, StoreOptions};

fn open(dir: &Path) -> Result<EmbeddedStore, StoreError> {
    EmbeddedStore::open(dir, StoreOptions::default())
}

fn id(number: u64) -> JobId {
    JobId::deterministic("test", &number.to_string())
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        match path.is_dir() {
            true => copy(&path, &to),
            false => drop(std::fs::copy(&path, &to).unwrap()),
        }
    }
}

/// The journal segment with the highest number.
fn last_segment(dir: &Path) -> std::path::PathBuf {
    let files = std::fs::read_dir(dir).unwrap().map(|it| it.unwrap().path());
    let logs = files.filter(|it| it.extension().is_some_and(|it| it == "log"));
    logs.max().unwrap()
}

/// Where the last frame of a segment ends: a header of 24 bytes, then frames of magic, length,
/// checksum and payload, then zeros.
fn end_of_frames(segment: &Path) -> u64 {
    let bytes = std::fs::read(segment).unwrap();
    let mut at = 24;
    while bytes.get(at..at + 4) == Some(b"CwF1") {
        at += 12 + u32::from_le_bytes(bytes[at + 4..at + 8].try_into().unwrap()) as usize;
    }
    assert!(bytes[at..].iter().all(|it| *it == 0));
    at as u64
}

#[tokio::test]
async fn a_copy_of_the_directory_has_all_that_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("live")).unwrap();
    for number in 1..=20 {
        let view = rows::view(id(number), number as i64, number * 10..number * 10 + 3);
        store.insert(view.clone()).await.unwrap();
        if number % 3 == 0 {
            store
                .apply(rows::moved(&view, FileState::Active))
                .await
                .unwrap();
        }
        if number % 5 == 0 {
            store.apply(rows::finished(&view, 1)).await.unwrap();
        }
        let image = dir.path().join(format!("image{number}"));
        copy(&dir.path().join("live"), &image);
        let found = open(&image).unwrap();
        for known in 1..=number {
            let view = found.view(id(known)).await.unwrap().unwrap();
            let wanted = match known {
                it if it % 5 == 0 => FileState::Finished,
                it if it % 3 == 0 => FileState::Active,
                _ => FileState::Submitted,
            };
            assert_eq!(view.files.len(), 3);
            assert!(
                view.files.iter().all(|it| it.state == wanted),
                "{known} after {number}"
            );
        }
        assert_eq!(
            found.unfinished().await.unwrap().len() as u64,
            number - number / 5
        );
    }
}

#[tokio::test]
async fn a_torn_tail_loses_the_last_write_only() {
    let dir = tempfile::tempdir().unwrap();
    let live = dir.path().join("live");
    let store = open(&live).unwrap();
    store.insert(rows::view(id(1), 1, 1..3)).await.unwrap();
    let segment = last_segment(&live);
    let before = end_of_frames(&segment);
    store.insert(rows::view(id(2), 2, 3..5)).await.unwrap();
    let after = end_of_frames(&segment);
    let bytes = std::fs::read(&segment).unwrap();
    // Whatever zeros the frame itself ends with would not be missed.
    let last = bytes.iter().rposition(|it| *it != 0).unwrap() as u64;
    let (after, size) = (after.min(last), bytes.len() as u64);
    let name = segment.file_name().unwrap();
    let cuts = (before..after).step_by(67).chain([after]);
    // The file ends there, or the zeros that stood there before are all that there is.
    let cuts = cuts.flat_map(|at| [(at, at), (at, size)]);
    for (number, (length, size)) in cuts.enumerate() {
        let image = dir.path().join(format!("image{number}"));
        copy(&live, &image);
        let file = std::fs::File::options()
            .write(true)
            .open(image.join(name))
            .unwrap();
        file.set_len(length).unwrap();
        file.set_len(size).unwrap();
        // Twice: what the first start cut off must not disturb the second.
        for _ in 0..2 {
            let found = open(&image).unwrap();
            assert!(found.view(id(1)).await.unwrap().is_some(), "{length}");
            assert!(found.view(id(2)).await.unwrap().is_none(), "{length}");
        }
        let found = open(&image).unwrap();
        found.insert(rows::view(id(2), 2, 3..5)).await.unwrap();
    }
}

#[tokio::test]
async fn damage_before_the_end_is_refused_with_advice() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    for number in 1..=3 {
        let files = number * 10..number * 10 + 2;
        store
            .insert(rows::view(id(number), 1, files))
            .await
            .unwrap();
    }
    drop(store);
    let segment = last_segment(dir.path());
    let mut bytes = std::fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    std::fs::write(&segment, &bytes).unwrap();
    let text = open(dir.path()).unwrap_err().to_string();
    assert!(text.contains("damaged at byte"), "{text}");
    assert!(text.contains("Restore the store's directory"), "{text}");
    assert_eq!(
        std::fs::read(&segment).unwrap(),
        bytes,
        "the evidence was changed"
    );
}

#[tokio::test]
async fn a_missing_segment_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for number in 1..=3 {
        let store = open(dir.path()).unwrap();
        store.insert(rows::view(id(number), 1, 1..1)).await.unwrap();
    }
    std::fs::remove_file(dir.path().join(format!("journal-{:016x}.log", 2))).unwrap();
    let text = open(dir.path()).unwrap_err().to_string();
    assert!(text.contains("is missing"), "{text}");
}

#[tokio::test]
async fn two_processes_do_not_open_one_store() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let text = open(dir.path()).unwrap_err().to_string();
    assert!(
        text.contains("another process has this store open"),
        "{text}"
    );
    drop(store);
    open(dir.path()).unwrap();
}

#[tokio::test]
async fn live_jobs_survive_the_loss_of_the_archive() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let (live, ended) = (rows::view(id(1), 1, 1..40), rows::view(id(2), 2, 50..52));
    store.insert(live.clone()).await.unwrap();
    store.insert(ended.clone()).await.unwrap();
    store.apply(rows::finished(&ended, 3)).await.unwrap();
    store.checkpoint().await.unwrap();
    store
        .apply(rows::moved(&live, FileState::Active))
        .await
        .unwrap();
    drop(store);
    std::fs::rename(dir.path().join("archive"), dir.path().join("away")).unwrap();
    let store = open(dir.path()).unwrap();
    let found = store.view(id(1)).await.unwrap().unwrap();
    assert!(found.files.iter().all(|it| it.state == FileState::Active));
    assert!(store.view(id(2)).await.unwrap().is_none());
}

#[tokio::test]
async fn a_checkpoint_drops_the_journal_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    for number in 1..=5 {
        store
            .insert(rows::view(id(number), 1, number * 10..number * 10 + 2))
            .await
            .unwrap();
    }
    store.checkpoint().await.unwrap();
    store.checkpoint().await.unwrap();
    let names = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|it| it.unwrap().file_name());
    let mut names: Vec<_> = names.map(|it| it.into_string().unwrap()).collect();
    names.sort();
    let wanted = [
        "archive".to_owned(),
        format!("journal-{:016x}.log", 3),
        "lock".to_owned(),
        format!("snapshot-{:016x}.snap", 2),
    ];
    assert_eq!(names, wanted);
}

#[tokio::test]
async fn writes_become_visible_in_the_order_in_which_they_were_handed_over() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let view = rows::view(id(1), 1, 1..3);
    // Handed over by the call; awaited in another order, one of them not at all.
    let insert = store.insert(view.clone());
    drop(store.apply(rows::moved(&view, FileState::Ready)));
    let active = store.apply(rows::moved(&view, FileState::Active));
    let finished = store.apply(rows::finished(&view, 9));
    finished.await.unwrap();
    active.await.unwrap();
    insert.await.unwrap();
    let found = store.view(id(1)).await.unwrap().unwrap();
    assert_eq!(found.job.state, JobState::Finished);
}

#[tokio::test]
async fn a_refused_write_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let view = rows::view(id(1), 1, 1..3);
    let unknown = store.apply(rows::moved(&view, FileState::Active)).await;
    assert!(matches!(unknown, Err(StoreError::Failed(_))), "{unknown:?}");
    store.insert(view.clone()).await.unwrap();
    let mut other = rows::view(id(2), 1, 5..7);
    other.files.push(view.files[0].clone());
    let foreign = store.insert(other).await;
    assert!(matches!(foreign, Err(StoreError::Failed(_))), "{foreign:?}");
    assert!(store.view(id(2)).await.unwrap().is_none());
    drop(store);
    let store = open(dir.path()).unwrap();
    assert!(store.view(id(2)).await.unwrap().is_none());
    assert_eq!(store.view(id(1)).await.unwrap().unwrap().files, view.files);
}

#[tokio::test]
async fn the_backlog_of_the_archive_is_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let options = StoreOptions {
        archive_backlog_rows: 5,
        archive_interval: Duration::from_secs(3600),
        ..StoreOptions::default()
    };
    let store = EmbeddedStore::open(dir.path(), options).unwrap();
    let view = rows::view(id(1), 1, 1..10);
    store.insert(view.clone()).await.unwrap();
    store.apply(rows::finished(&view, 2)).await.unwrap();
    let refused = store.insert(rows::view(id(2), 1, 20..21)).await;
    assert!(matches!(refused, Err(StoreError::Busy(_))), "{refused:?}");
    store.checkpoint().await.unwrap();
    store.insert(rows::view(id(2), 1, 20..21)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn checkpoints_during_load_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(open(dir.path()).unwrap());
    let callers = (0..8_u64).map(|caller| {
        let store = store.clone();
        tokio::spawn(async move {
            for turn in 0..60 {
                let number = caller * 1000 + turn;
                let view = rows::view(id(number), number as i64, number * 10..number * 10 + 3);
                store.insert(view.clone()).await.unwrap();
                store
                    .apply(rows::moved(&view, FileState::Active))
                    .await
                    .unwrap();
                if turn % 2 == 0 {
                    let mut end = rows::finished(&view, 5);
                    store.apply(end.clone()).await.unwrap();
                    // Late, while the job may be on its way to the archive, or there.
                    let mut job = Job::clone(&end.jobs[0]);
                    job.reason = Some("late".into());
                    end.jobs = vec![Arc::new(job)];
                    end.files.clear();
                    tokio::time::sleep(Duration::from_millis(turn % 7)).await;
                    store.apply(end).await.unwrap();
                }
            }
        })
    });
    let callers: Vec<_> = callers.collect();
    while !callers.iter().all(|it| it.is_finished()) {
        store.checkpoint().await.unwrap();
    }
    for caller in callers {
        caller.await.unwrap();
    }
    for round in 0..2 {
        if round == 1 {
            store.checkpoint().await.unwrap();
        }
        let counts: std::collections::BTreeMap<_, _> = store.file_counts().into_iter().collect();
        assert_eq!(
            (counts[&FileState::Active], counts[&FileState::Finished]),
            (720, 720)
        );
        assert_eq!(store.unfinished().await.unwrap().len(), 240);
    }
    drop(store);
    let store = open(dir.path()).unwrap();
    for number in (0..8_u64).flat_map(|caller| (0..60).map(move |turn| caller * 1000 + turn)) {
        let view = store.view(id(number)).await.unwrap().unwrap();
        let (wanted, reason) = match number % 2 {
            0 => (FileState::Finished, Some("late")),
            _ => (FileState::Active, None),
        };
        assert!(view.files.iter().all(|it| it.state == wanted), "{number}");
        assert_eq!(view.job.reason.as_deref(), reason, "{number}");
    }
}

#[tokio::test]
async fn a_large_job_comes_back_whole_from_the_archive() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let mut view = rows::view(id(1), 1, 1..501);
    let deletions = (600..800).map(|it| {
        let mut row = rows::deletion(&view.job, it);
        row.state = DeletionState::Finished;
        Arc::new(row)
    });
    view.deletions = deletions.collect();
    store.insert(view.clone()).await.unwrap();
    let mut end = rows::finished(&view, 7);
    end.retries = (1..=300).map(|it| rows::retry(&view, it)).collect();
    store.apply(end.clone()).await.unwrap();
    store.checkpoint().await.unwrap();
    for _ in 0..2 {
        let found = store.view(id(1)).await.unwrap().unwrap();
        assert_eq!(
            (&found.files, &found.deletions),
            (&end.files, &view.deletions)
        );
        assert_eq!(store.job(id(1)).await.unwrap().unwrap(), end.jobs[0]);
        let retries = store.retries(id(1), view.files[0].file_id).await.unwrap();
        assert_eq!(retries, end.retries);
        // Once more, after a change that brings it back into memory and out again.
        store.apply(rows::finished(&view, 7)).await.unwrap();
        store.checkpoint().await.unwrap();
    }
}

#[tokio::test]
async fn numbers_are_never_given_out_twice() {
    let dir = tempfile::tempdir().unwrap();
    let live = dir.path().join("live");
    let mut last = 0;
    for run in 0..4 {
        let store = open(&live).unwrap();
        for count in [1, 1000, 70_000, 1, 200_000, 0, 5] {
            let range = store.reserve_file_ids(count);
            assert_eq!(range.end - range.start, count);
            assert!(range.start > last || count == 0, "{range:?} after {last}");
            last = last.max(range.end.saturating_sub(1));
        }
        if run == 1 {
            store.checkpoint().await.unwrap();
        }
        // An image taken now is what a crash leaves.
        let image = dir.path().join(format!("image{run}"));
        copy(&live, &image);
        let found = open(&image).unwrap();
        let start = found.reserve_file_ids(1).start;
        assert!(start > last, "run {run}: {start} after {last}");
        drop(found);
        match run % 2 {
            0 => store.close(),
            _ => drop(store),
        }
    }
    assert!(last < 4 * 271_008 + 10, "a clean end wastes no numbers");
}

#[tokio::test]
async fn an_empty_transaction_is_no_write() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let before = std::fs::metadata(last_segment(dir.path())).unwrap().len();
    store.apply(Transaction::default()).await.unwrap();
    assert_eq!(
        std::fs::metadata(last_segment(dir.path())).unwrap().len(),
        before
    );
}
