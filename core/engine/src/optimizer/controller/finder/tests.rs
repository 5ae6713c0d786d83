//! Finders against pipes of a known knee.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::*;

const MIB: f64 = 1_048_576.0;

/// A pipe of so many MiB/s in which one transfer makes 10.
fn run(finder: &mut Finder, capacity: f64, ticks: u32) -> Vec<u32> {
    (0..ticks)
        .map(|_| {
            let active = f64::from(finder.cap());
            let slice = Recent {
                seconds: 10.0,
                throughput: MIB * (10.0 * active).min(capacity),
                active,
                finished: finder.cap(),
                failed: 0,
            };
            finder.step(&tick(&slice));
            finder.cap()
        })
        .collect()
}

fn tick(slice: &Recent) -> Tick<'_> {
    Tick {
        slice,
        min: 2,
        max: 130,
        has_backlog: true,
        is_held: false,
    }
}

#[test]
fn reaches_the_knee_in_five_ticks_and_stays() {
    let mut finder = Finder::starting_at(8);
    let start = run(&mut finder, 300.0, 5);
    assert_eq!(start[..3], [16, 32, 64]);
    let caps = run(&mut finder, 300.0, 200);
    assert!(caps.iter().all(|it| (22..=48).contains(it)), "{caps:?}");
    let steady = &caps[50..];
    let mean = steady.iter().sum::<u32>() as f64 / steady.len() as f64;
    assert!((28.0..40.0).contains(&mean), "{mean}");
    let changes = steady.windows(2).filter(|it| it[0] != it[1]).count();
    assert!(changes < 16, "{changes} changes in 25 minutes");
}

#[test]
fn follows_a_pipe_that_grows_and_shrinks() {
    let mut finder = Finder::starting_at(8);
    run(&mut finder, 200.0, 60);
    let grown = run(&mut finder, 800.0, 90);
    assert!(*grown.last().unwrap() >= 72, "{grown:?}");
    let shrunk = run(&mut finder, 200.0, 90);
    assert!(*shrunk.last().unwrap() <= 40, "{shrunk:?}");
}

#[test]
fn keeps_its_knee_while_there_is_little_to_do() {
    let mut finder = Finder::starting_at(8);
    run(&mut finder, 300.0, 30);
    let slice = Recent {
        seconds: 10.0,
        active: 3.0,
        throughput: 30.0 * MIB,
        ..Recent::default()
    };
    for _ in 0..100 {
        finder.step(&Tick {
            has_backlog: false,
            ..tick(&slice)
        });
    }
    assert!((26..=45).contains(&finder.cap()), "{}", finder.cap());
}

#[test]
fn an_outage_leaves_canaries_and_ends_with_them() {
    let mut finder = Finder::starting_at(8);
    run(&mut finder, 300.0, 60);
    for _ in 0..30 {
        let slice = Recent {
            seconds: 10.0,
            active: f64::from(finder.cap()),
            failed: 3,
            ..Recent::default()
        };
        finder.step(&tick(&slice));
    }
    assert_eq!(finder.cap(), 2);
    let back = run(&mut finder, 300.0, 5);
    assert!((26..=45).contains(back.last().unwrap()), "{back:?}");
}

#[test]
fn a_stall_without_failures_is_seen() {
    let mut finder = Finder::starting_at(8);
    run(&mut finder, 300.0, 60);
    let slice = Recent {
        seconds: 10.0,
        active: f64::from(finder.cap()),
        ..Recent::default()
    };
    (0..4).for_each(|_| {
        finder.step(&tick(&slice));
    });
    assert_eq!(finder.cap(), 2);
}

#[test]
fn random_slices() {
    let mut rng = StdRng::seed_from_u64(3);
    for _ in 0..200 {
        let mut finder = Finder::starting_at(rng.random_range(0..200));
        for _ in 0..200 {
            let slice = Recent {
                seconds: 10.0,
                throughput: rng.random_range(0.0..1e9) * f64::from(rng.random_range(0..2)),
                active: rng.random_range(0.0..140.0),
                finished: rng.random_range(0..20),
                failed: rng.random_range(0..20) * rng.random_range(0..2),
            };
            finder.step(&Tick {
                has_backlog: rng.random(),
                is_held: rng.random(),
                ..tick(&slice)
            });
            assert!((2..=130).contains(&finder.cap()));
        }
    }
}
