//! kill -9 in a loop, at random moments, while thousands of transfers run: of the gateway, of one
//! of its workers, of all of them, and of everything at once.
//!
//! Shows: no accepted job is lost, nothing is committed twice, and nothing partial ever stands
//! under a final name.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use causeway_tests::processes::{is_alive, signal};
use causeway_tests::{Gateway, GatewayOptions};
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};

const KILLS: usize = 60;
const MOCK_JOBS: usize = 100;
const MOCK_PER_JOB: usize = 100;
const FILES: usize = 20;
const FILE_BYTES: usize = 24 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_and_nothing_is_done_twice() {
    let state = tempfile::tempdir().unwrap();
    let mock_journal = state.path().join("mock-commits");
    let options = GatewayOptions::default()
        .env(
            "CAUSEWAY__PLUGINS__MOCK__JOURNAL",
            format!("{:?}", mock_journal.display().to_string()),
        )
        .env("CAUSEWAY__ENGINE__WORKERS", "2")
        .env("CAUSEWAY__ENGINE__RETRY_DELAY_SECONDS", "1");
    let mut random = rand::rngs::StdRng::seed_from_u64(20_261_122);

    let gateway = Gateway::start(state.path(), &options);
    let sources = make_sources(state.path(), &mut random);
    let mut jobs = vec![gateway.submit(&file_job(state.path())).await];
    let mut submitted = 0;
    let mut running = Some(gateway);
    let mut seen = BTreeMap::new();
    for round in 0..KILLS {
        let gateway = running
            .take()
            .unwrap_or_else(|| Gateway::start(state.path(), &options));
        // Every round accepts a few more jobs, so that submissions are hit too.
        while submitted < MOCK_JOBS * (round + 1) / KILLS {
            jobs.push(gateway.submit(&mock_job(submitted)).await);
            submitted += 1;
        }
        let watch = Duration::from_millis(random.random_range(5..700));
        let end = tokio::time::Instant::now() + watch;
        while tokio::time::Instant::now() < end {
            assert_whole_and_unchanged(state.path(), &sources, &mut seen);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        running = strike(gateway, &mut random);
    }

    let gateway = running.unwrap_or_else(|| Gateway::start(state.path(), &options));
    for job in &jobs {
        let ended = gateway.wait(job, Duration::from_secs(120)).await;
        assert_eq!(
            ended["job_state"],
            "FINISHED",
            "{ended}\n{}",
            gateway.get(&format!("/jobs/{job}/files")).await
        );
    }
    assert_whole_and_unchanged(state.path(), &sources, &mut seen);
    for (name, content) in &sources {
        let copy = std::fs::read(state.path().join("data/in").join(name)).unwrap();
        assert!(copy == *content, "{name} differs from its source");
    }
    assert_committed_once(&mock_journal);
    // The first write of a life removes what earlier lives left behind.
    let last = gateway.submit(&one_more(state.path())).await;
    assert_eq!(
        gateway.wait(&last, Duration::from_secs(60)).await["job_state"],
        "FINISHED"
    );
    assert_no_leftovers(&state.path().join("data/in"));
}

/// Kills something; gives the gateway back when it was spared.
fn strike(gateway: Gateway, random: &mut impl rand::Rng) -> Option<Gateway> {
    let workers = gateway.workers();
    match random.random_range(0..4) {
        0 => gateway.kill(),
        1 => {
            // Held still, so that it cannot note what it sees of their end.
            gateway.signal("STOP");
            workers.into_iter().for_each(end);
            gateway.kill();
        }
        2 => {
            workers.into_iter().for_each(end);
            return Some(gateway);
        }
        _ => {
            if !workers.is_empty() {
                end(workers[random.random_range(0..workers.len())]);
            }
            return Some(gateway);
        }
    }
    None
}

/// A worker may have ended by itself since it was seen.
fn end(worker: u32) {
    if is_alive(worker) {
        signal(worker, "KILL");
    }
}

fn make_sources(state: &Path, random: &mut impl rand::Rng) -> BTreeMap<String, Vec<u8>> {
    std::fs::create_dir_all(state.join("data/in")).unwrap();
    (0..FILES)
        .map(|index| {
            let name = format!("file-{index}");
            let mut content = vec![0; FILE_BYTES + index];
            random.fill_bytes(&mut content);
            std::fs::write(state.join("data/out").join(&name), &content).unwrap();
            (name, content)
        })
        .collect()
}

fn file_job(state: &Path) -> Value {
    let data = state.join("data").canonicalize().unwrap();
    let files: Vec<Value> = (0..FILES)
        .map(|index| {
            json!({
                "sources": [format!("file://{}/out/file-{index}", data.display())],
                "destinations": [format!("file://{}/in/file-{index}", data.display())],
            })
        })
        .collect();
    // No overwrite: a second commit under the same name would fail and show.
    json!({ "files": files, "params": { "verify_checksum": "both", "retry": 60, "overwrite": false } })
}

fn one_more(state: &Path) -> Value {
    let data = state.join("data").canonicalize().unwrap();
    let (source, destination) = (
        format!("file://{}/out/file-0", data.display()),
        format!("file://{}/in/file-last", data.display()),
    );
    json!({ "files": [{ "sources": [source], "destinations": [destination] }] })
}

fn mock_job(number: usize) -> Value {
    let files: Vec<Value> = (0..MOCK_PER_JOB)
        .map(|index| {
            json!({
                "sources": [format!("mock://source.example/{number}/{index}?size=10")],
                "destinations": [format!("mock://destination.example/{number}/{index}?size_post=10&time=0")],
            })
        })
        .collect();
    json!({ "files": files, "params": { "retry": 60 } })
}

/// Under its final name a file is absent or whole, and once it is there it is never replaced: the
/// inode stays the one that was committed first.
fn assert_whole_and_unchanged(
    state: &Path,
    sources: &BTreeMap<String, Vec<u8>>,
    seen: &mut BTreeMap<String, u64>,
) {
    for (name, content) in sources {
        if let Ok(meta) = std::fs::metadata(state.join("data/in").join(name)) {
            assert_eq!(meta.len(), content.len() as u64, "{name} is partial");
            let first = *seen.entry(name.clone()).or_insert(meta.ino());
            assert_eq!(meta.ino(), first, "{name} was committed twice");
        }
    }
}

/// The line that the mock storage writes is the moment at which a copy is there. Whatever a kill
/// hit, the next life must find what was copied and not copy it again: one line for every name.
fn assert_committed_once(journal: &Path) {
    let text = std::fs::read_to_string(journal).unwrap();
    let mut commits: BTreeMap<&str, u32> = BTreeMap::new();
    // `<ms> copy <request id> <destination> ... .`; what lacks its dot was cut by a kill before it
    // was a copy.
    for line in text.lines().filter_map(|line| line.strip_suffix("\t.")) {
        let fields: Vec<&str> = line.split('\t').collect();
        assert_ne!(fields[1], "unlink", "a copy was thrown away: {line}");
        *commits.entry(fields[3]).or_default() += 1;
    }
    assert_eq!(commits.len(), MOCK_JOBS * MOCK_PER_JOB);
    let again: Vec<_> = commits.iter().filter(|(_, count)| **count > 1).collect();
    assert!(again.is_empty(), "committed again: {again:?}");
}

fn assert_no_leftovers(dir: &Path) {
    let leftovers: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with("file-"))
        .collect();
    assert!(leftovers.is_empty(), "left behind: {leftovers:?}");
}
