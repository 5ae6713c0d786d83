//! The optimizer as a whole: whose turn it is, what is told, and what is never promised.

use std::sync::Arc;

use causeway_engine::optimizer::range::{LinkSetup, Range, StorageLimits};
use causeway_engine::optimizer::window::Ended;
use causeway_engine::optimizer::{Constants, LinkInput, LinkWindow, Mode, Optimizer};
use causeway_model::{FileId, Timestamp};

const NOW: Timestamp = Timestamp(1_767_225_600_000);

fn setup(mode: Mode) -> LinkSetup {
    LinkSetup {
        mode,
        range: Range {
            min: 2,
            max: 130,
            specific: false,
            storage_specific: false,
        },
        limits: StorageLimits {
            source_max_active: 200,
            destination_max_active: 200,
            source_max_throughput: None,
            destination_max_throughput: None,
        },
    }
}

struct Fleet {
    names: Vec<(Arc<str>, Arc<str>)>,
    windows: Vec<LinkWindow>,
    stored: Vec<u32>,
    now: Timestamp,
}

impl Fleet {
    fn new(links: usize) -> Self {
        let name = |link| {
            let source: Arc<str> = format!("mock://s{link}.one.org").into();
            (source, "mock://d.two.org".into())
        };
        Self {
            names: (0..links).map(name).collect(),
            windows: vec![LinkWindow::new(NOW); links],
            stored: vec![0; links],
            now: NOW,
        }
    }

    /// Ten seconds later; the links that got something new.
    fn tick(&mut self, optimizer: &mut Optimizer, setup: &LinkSetup) -> Vec<usize> {
        self.tick_each(optimizer, &vec![*setup; self.names.len()])
    }

    fn tick_each(&mut self, optimizer: &mut Optimizer, setups: &[LinkSetup]) -> Vec<usize> {
        self.now = self.now.plus_millis(10_000);
        let inputs: Vec<_> = self
            .names
            .iter()
            .zip(&self.windows)
            .zip(&self.stored)
            .zip(setups)
            .map(|(((names, window), stored), setup)| LinkInput {
                source_se: &names.0,
                dest_se: &names.1,
                setup,
                window,
                queue_size: 1000,
                stored: *stored,
            })
            .collect();
        let decisions = optimizer.tick(self.now, &inputs);
        let mut told = Vec::new();
        for it in decisions {
            assert_eq!(it.value.active, it.evolution.active);
            assert_eq!(it.value.datetime, self.now);
            let names = (it.value.source_se, it.value.dest_se);
            let index = self.names.iter().position(|it| *it == names).unwrap();
            self.stored[index] = it.value.active;
            told.push(index);
        }
        told
    }
}

#[test]
fn the_reference_modes_decide_once_a_minute_however_often_they_are_called() {
    let mut fleet = Fleet::new(1);
    let mut optimizer = Optimizer::new(Constants::default());
    let link = setup(Mode::Normal);
    let told: Vec<_> = (0..13)
        .map(|tick| {
            // Throughput changes all the time, so that no decision is skipped.
            let id = FileId(tick);
            fleet.windows[0].started(fleet.now, id, 0, None);
            fleet.windows[0].progressed(fleet.now.plus_millis(5000), id, 1_000_000 * tick, 0);
            fleet.tick(&mut optimizer, &link).len()
        })
        .collect();
    assert_eq!(told, [1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1]);
}

#[test]
fn own_mode_never_promises_more_than_a_storage_may_take() {
    let mut fleet = Fleet::new(10);
    let mut optimizer = Optimizer::new(Constants::default());
    let mut link = setup(Mode::Own);
    link.limits.destination_max_active = 57;
    for tick in 0..60_u64 {
        for (index, window) in fleet.windows.iter_mut().enumerate() {
            for slot in 0..u64::from(fleet.stored[index]) {
                let id = FileId(tick * 100_000 + index as u64 * 1000 + slot);
                window.started(fleet.now, id, 0, None);
                let finished = Ended::Finished {
                    size: 1_000_000_000,
                    seconds: 9.0,
                };
                window.ended(fleet.now.plus_millis(9000), id, finished);
            }
        }
        fleet.tick(&mut optimizer, &link);
        assert!(fleet.stored.iter().sum::<u32>() <= 57, "{:?}", fleet.stored);
        assert!(fleet.stored.iter().all(|it| *it >= 1));
    }
    // More always brought more: all of it is used, in equal parts.
    assert_eq!(fleet.stored.iter().sum::<u32>(), 57);
    let (min, max) = (fleet.stored.iter().min(), fleet.stored.iter().max());
    assert!(max.unwrap() - min.unwrap() <= 1, "{:?}", fleet.stored);
}

#[test]
fn own_mode_follows_a_value_set_from_outside() {
    let mut fleet = Fleet::new(1);
    let mut optimizer = Optimizer::new(Constants::default());
    let link = setup(Mode::Own);
    fleet.tick(&mut optimizer, &link);
    assert_eq!(fleet.stored, [16]);
    fleet.stored = vec![50];
    fleet.tick(&mut optimizer, &link);
    assert_eq!(fleet.stored, [50]);
}

#[test]
fn own_mode_writes_a_row_when_something_changes_or_every_five_minutes() {
    let mut fleet = Fleet::new(1);
    let mut optimizer = Optimizer::new(Constants::default());
    let link = setup(Mode::Own);
    let rows: usize = (0..61)
        .map(|_| fleet.tick(&mut optimizer, &link).len())
        .sum();
    assert_eq!(rows, 3);
}

#[test]
fn throughput_limits_count_all_links_of_a_storage() {
    let mut fleet = Fleet::new(2);
    fleet.stored = vec![20, 20];
    let mut optimizer = Optimizer::new(Constants::default());
    let mut link = setup(Mode::Normal);
    // Each link moves 60 MiB/s into the common destination.
    link.limits.source_max_throughput = Some(100.0);
    link.limits.destination_max_throughput = Some(100.0);
    for (index, window) in fleet.windows.iter_mut().enumerate() {
        let id = FileId(index as u64);
        window.started(fleet.now, id, 0, None);
        window.progressed(fleet.now.plus_millis(9000), id, 600 << 20, 0);
    }
    fleet.tick(&mut optimizer, &link);
    assert_eq!(fleet.stored, [19, 19]);
}

#[test]
fn links_of_both_kinds_share_a_storage() {
    let mut fleet = Fleet::new(2);
    let mut optimizer = Optimizer::new(Constants::default());
    let mut own = setup(Mode::Own);
    own.limits.destination_max_active = 30;
    let reference = LinkSetup {
        mode: Mode::Normal,
        ..own
    };
    // The first link is decided upon by the reference, and runs 22.
    fleet.stored = vec![22, 0];
    for id in 0..22 {
        fleet.windows[0].started(fleet.now, FileId(id), 0, None);
    }
    fleet.tick_each(&mut optimizer, &[reference, own]);
    assert_eq!(fleet.stored[1], 8);
}
