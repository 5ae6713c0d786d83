//! A randomised run of the whole engine.
//!
//! Every seed makes a small world: storages with moods, users who submit jobs of every kind and
//! cancel them, operators who ban, drain and change limits, workers that are lost, an engine that
//! is stopped or killed and comes back on what it left. Virtual time; hours pass in milliseconds.
//! All the while the rules of `rules` and `record` are checked; in the end nothing hinders the
//! engine any more, and everything must come to its end and leave nothing in memory.
//!
//! `CAUSEWAY_WORLD_SEEDS` names seeds, `FROM..TO`, or a number of them; they are dealt to the tests
//! in turn. A world that breaks a rule says its seed and what happened last. The seed settles the
//! world and what happens to it; in which order the runtime polls tasks that are ready, and the
//! engine's hash maps are walked, it does not, so a rare find may need a seed to be run again.

#![allow(unreachable_pub)]

mod acts;
mod crew;
mod ending;
mod jobs;
mod life;
mod limits;
mod record;
#[path = "../support/rows.rs"]
mod rows;
mod rules;
mod running;
mod shape;
mod weather;
mod witness;

use std::ops::Range;

use life::World;

/// Seeds that every run of the tests takes.
const SEEDS: u64 = 300;
/// Tests they are dealt to.
const TESTS: u64 = 6;
/// One seed in so many has its store on a disk.
const ON_DISK: u64 = 10;

fn seeds() -> Range<u64> {
    let Ok(text) = std::env::var("CAUSEWAY_WORLD_SEEDS") else {
        return 0..SEEDS;
    };
    let number = |it: &str| {
        it.trim()
            .parse::<u64>()
            .expect("CAUSEWAY_WORLD_SEEDS is FROM..TO or a number")
    };
    match text.split_once("..") {
        Some((from, to)) => number(from)..number(to),
        None => 0..number(&text),
    }
}

/// Runs a world on a runtime of its own; gives what broke.
fn run(seed: u64) -> Option<String> {
    let dir = (seed % ON_DISK == 7).then(|| tempfile::tempdir().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let path = dir.as_ref().map(|it| it.path().to_owned());
        let mut world = World::of(seed, path).await;
        world.run().await;
        if std::env::var_os("CAUSEWAY_WORLD_FIGURES").is_some() {
            let (jobs, files, attempts, transactions) = world.record.with(|it| (it.jobs.len(), it.files.len(), it.attempts, it.transactions));
            eprintln!("seed {seed}: {jobs} jobs, {files} transfers, {attempts} attempts, {transactions} transactions");
        }
        world.record.verdict()
    })
}

fn run_share(share: u64) {
    let mut broken = Vec::new();
    for seed in seeds().filter(|seed| seed % TESTS == share) {
        if let Some(verdict) = run(seed) {
            eprintln!("seed {seed}: {verdict}\n");
            broken.push(seed);
        }
        assert!(
            broken.len() < 5,
            "rules were broken, among others by seeds {broken:?}"
        );
    }
    assert!(broken.is_empty(), "rules were broken by seeds {broken:?}");
}

#[test]
fn worlds_keep_the_rules_0() {
    run_share(0);
}

#[test]
fn worlds_keep_the_rules_1() {
    run_share(1);
}

#[test]
fn worlds_keep_the_rules_2() {
    run_share(2);
}

#[test]
fn worlds_keep_the_rules_3() {
    run_share(3);
}

#[test]
fn worlds_keep_the_rules_4() {
    run_share(4);
}

#[test]
fn worlds_keep_the_rules_5() {
    run_share(5);
}
