//! A real `kill -9`: what was acknowledged is there at the next start, five times in a row.
//!
//! The test starts its own binary again as a child that works on a store and says on a pipe what
//! was acknowledged.

mod rows;

use std::collections::{BTreeMap, HashSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use causeway_model::ports::JobStore;
use causeway_model::{FileState, JobId};
use causeway_store::{EmbeddedStore, StoreOptions};

const DIR: &str = "CAUSEWAY_TEST_STORE_DIR";

fn open(dir: &Path) -> EmbeddedStore {
    let options = StoreOptions {
        segment_bytes: 64 << 10,
        snapshot_bytes: 128 << 10,
        archive_interval: Duration::from_millis(20),
        archive_jobs: 50,
        ..StoreOptions::default()
    };
    EmbeddedStore::open(dir, options).unwrap()
}

/// One line at once, so that a kill leaves no half of it among others.
fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\n@ {text}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

/// Not a test of its own: the child's work. Does nothing unless the parent asks for it.
#[test]
fn child() {
    let Some(dir) = std::env::var_os(DIR) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let store = Arc::new(open(Path::new(&dir)));
    runtime.block_on(async {
        let callers: Vec<_> = (0..8).map(|_| tokio::spawn(work(store.clone()))).collect();
        for caller in callers {
            caller.await.unwrap();
        }
    });
}

async fn work(store: Arc<EmbeddedStore>) {
    // Far more than the parent waits for.
    for turn in 0..20_000 {
        let files = store.reserve_file_ids(3);
        say(&format!("numbers {}", files.start));
        let id = JobId::random();
        let view = rows::view(id, turn, files);
        store.insert(view.clone()).await.unwrap();
        say(&format!("job {id} 1"));
        store
            .apply(rows::moved(&view, FileState::Active))
            .await
            .unwrap();
        say(&format!("job {id} 2"));
        if turn % 3 != 0 {
            store.apply(rows::finished(&view, turn)).await.unwrap();
            say(&format!("job {id} 3"));
        }
    }
}

fn progress(state: FileState) -> u32 {
    match state {
        FileState::Submitted => 1,
        FileState::Active => 2,
        FileState::Finished => 3,
        other => panic!("a transfer is {other}"),
    }
}

#[test]
fn acknowledged_jobs_survive_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let store_dir = dir.path().join("db");
    let mut jobs: BTreeMap<JobId, u32> = BTreeMap::new();
    let mut numbers = HashSet::new();
    for lines_before in [40, 700, 150, 2500, 1100] {
        run_and_kill(&store_dir, lines_before, &mut jobs, &mut numbers);
        let store = open(&store_dir);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(verify(&store, &jobs));
    }
    assert!(
        jobs.values().any(|it| *it == 3) && jobs.len() > 500,
        "too little was done"
    );
}

fn run_and_kill(
    dir: &Path,
    lines_before: usize,
    jobs: &mut BTreeMap<JobId, u32>,
    numbers: &mut HashSet<u64>,
) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["child", "--exact", "--nocapture"])
        .env(DIR, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut killed = false;
    for (count, line) in lines
        .map_while(Result::ok)
        .filter(|it| it.starts_with('@'))
        .enumerate()
    {
        let words: Vec<_> = line.split(' ').collect();
        match words.as_slice() {
            ["@", "job", id, step] => {
                // A word cut by the kill does not parse.
                if let (Ok(id), Ok(step)) = (id.parse(), step.parse()) {
                    jobs.insert(id, step);
                }
            }
            ["@", "numbers", start] if !killed => {
                assert!(
                    numbers.insert(start.parse().unwrap()),
                    "{start} was given out twice"
                );
            }
            _ => {}
        }
        if count == lines_before {
            child.kill().unwrap();
            killed = true;
        }
    }
    assert!(killed, "the child ended by itself");
    child.wait().unwrap();
}

async fn verify(store: &EmbeddedStore, jobs: &BTreeMap<JobId, u32>) {
    for (id, step) in jobs {
        let view = store.view(*id).await.unwrap();
        let view = view.unwrap_or_else(|| panic!("acknowledged job {id} is lost"));
        assert_eq!(view.files.len(), 3);
        for file in &view.files {
            assert!(
                progress(file.state) >= *step,
                "{id} fell behind: {}",
                file.state
            );
        }
        let all_ended = view.files.iter().all(|it| it.state.is_terminal());
        assert_eq!(
            view.job.state.is_terminal(),
            all_ended,
            "half of a transaction is seen"
        );
    }
    let counts: u64 = store
        .file_counts()
        .into_iter()
        .map(|(_, count)| count)
        .sum();
    let all = store
        .list_jobs(&causeway_model::ports::JobQuery::default())
        .await
        .unwrap();
    assert_eq!(
        counts,
        3 * all.len() as u64,
        "the counts are not those of the rows"
    );
}
