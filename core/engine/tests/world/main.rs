//! A randomised run of the whole engine.
//!
//! Every seed makes a small world: storages with moods, users who submit jobs of every kind and
//! cancel them, operators who ban, drain and change limits, workers that are lost, an engine that
//! is stopped or killed and comes back on what it left. Virtual time; hours pass in milliseconds.
//! All the while the rules of `rules` and `record` are checked; in the end nothing hinders the
//! engine any more, and everything must come to its end and leave nothing in memory.
//!
//! `CAUSEWAY_WORLD_SEEDS` names seeds, `FROM..TO`, or a number of them; they are dealt to the tests
//! in turn. A world that breaks a rule says its seed and what happened last. The seed settles all of
//! it, to the last row and the last millisecond.

#![allow(unreachable_pub)]

mod acts;
mod changes;
mod crew;
mod doing;
mod ending;
mod history;
mod jobs;
mod life;
mod limits;
mod record;
#[path = "../support/rows.rs"]
mod rows;
mod rules;
mod running;
mod shape;
mod tape;
mod weather;
mod witness;

use std::ops::Range;

use life::World;
use record::Record;

/// Seeds that every run of the tests takes.
const SEEDS: u64 = 300;
/// Tests they are dealt to.
const TESTS: u64 = 6;
/// Seeds that are run twice; those that end with a 7 have their store on a disk.
const TWICE: [u64; 12] = [0, 1, 2, 3, 5, 7, 17, 21, 27, 37, 1234, 98_765];
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

/// Runs a world on a runtime of its own to its end; gives what was recorded.
fn run(seed: u64, keep_tape: bool) -> Record {
    let dir = (seed % ON_DISK == 7).then(|| tempfile::tempdir().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let path = dir.as_ref().map(|it| it.path().to_owned());
        let mut world = World::of(seed, path, keep_tape).await;
        world.run().await;
        if figures_are_wanted() {
            eprintln!("seed {seed}: {}", world.record.with(|it| it.figures()));
        }
        world.record.clone()
    })
}

fn run_share(share: u64) {
    let mut broken = Vec::new();
    for seed in seeds().filter(|seed| seed % TESTS == share) {
        if let Some(verdict) = run(seed, figures_are_wanted()).verdict() {
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

/// Whether each world shall say what happened in it, in numbers.
fn figures_are_wanted() -> bool {
    std::env::var_os("CAUSEWAY_WORLD_FIGURES").is_some()
}

/// The same seed twice, with everything that is stored, started, announced and decided, and when.
#[test]
fn a_seed_settles_a_world_to_the_last_row() {
    for seed in TWICE {
        let (one, two) = (run(seed, true).tape(), run(seed, true).tape());
        let differ = one.iter().zip(&two).position(|(one, two)| one != two);
        if let Some(at) = differ {
            let before = one[at.saturating_sub(5)..at].join("\n");
            panic!(
                "seed {seed} line {at}\n{before}\n1: {}\n2: {}",
                one[at], two[at]
            );
        }
        assert_eq!(one.len(), two.len(), "seed {seed}");
        assert!(one.len() > 20, "seed {seed}: {one:#?}");
    }
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
