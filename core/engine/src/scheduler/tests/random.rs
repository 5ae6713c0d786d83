//! Random rounds of everything that can be asked, against the model.

use causeway_model::explain::Wait;
use rand::Rng;

use super::told::Pair;
use super::*;

impl Pair {
    /// Starts some of what may start, each by the rules.
    fn start(&mut self) {
        let most = self.dice.random_range(1..20);
        for _ in 0..most {
            let Some(file) = self.it.start_next() else {
                break;
            };
            let index = self.model.queued.iter().position(|it| it.file == file.0);
            let index = index.unwrap();
            let ask = self.model.queued[index].clone();
            assert!(self.model.could_start(&ask), "{ask:?}");
            assert!(
                self.model.is_next(&ask),
                "{ask:?} of {:?}",
                self.model.queued
            );
            self.model.queued.remove(index);
            self.model.note_trial(&ask, true);
            self.model.running.push(ask);
            self.started.push(file.0);
        }
    }

    /// Starts until nothing starts; then nothing is left that could.
    fn start_all(&mut self) {
        loop {
            let before = self.started.len();
            self.start();
            if self.started.len() == before {
                break;
            }
        }
        for ask in &self.model.queued {
            assert!(!self.model.could_start(ask), "{ask:?} could start");
        }
    }

    /// Counters are true, and the obstacles that are named are those that there are.
    fn check(&self) {
        self.it.recount().unwrap();
        assert_eq!(self.it.active(), self.model.running.len());
        assert_eq!(self.it.queued(), self.model.queued.len());
        for ask in &self.model.queued {
            let waits = self.it.explain(FileId(ask.file));
            let is_order = |it: &Wait| matches!(it, Wait::Priority { .. }) || !it.is_obstacle();
            let is_stopped = !waits.iter().all(is_order);
            assert_eq!(
                is_stopped,
                !self.model.could_start(ask),
                "{ask:?}: {waits:?}"
            );
        }
    }

    fn step(&mut self) {
        match self.dice.random_range(0..20) {
            0..8 => self.queue(),
            8 | 9 => self.take_back(),
            10..15 => self.release(),
            15 | 16 => self.change_limits(),
            17 => self.change_holds(),
            18 => self.change_rules(),
            _ => self.start(),
        }
        if self.dice.random_bool(0.7) {
            self.start_all();
        }
    }
}

#[test]
fn no_limit_is_exceeded_and_nothing_waits_that_could_start() {
    for seed in 0..60 {
        let mut pair = Pair::new(seed);
        for _ in 0..200 {
            pair.step();
            pair.check();
            assert!(pair.it.recount_slice(0, usize::MAX).wrong.is_empty());
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_decisions() {
    let run = |seed| {
        let mut pair = Pair::new(seed);
        for _ in 0..300 {
            pair.step();
        }
        pair.started
    };
    for seed in 0..20 {
        assert_eq!(run(seed), run(seed), "seed {seed}");
    }
}

#[test]
fn all_that_is_queued_runs_in_the_end_and_nothing_is_left() {
    for seed in 0..100 {
        let mut pair = Pair::new(seed);
        for _ in 0..150 {
            pair.queue();
            pair.release();
            pair.start_all();
        }
        while !pair.model.running.is_empty() {
            pair.release();
            pair.start_all();
        }
        assert_eq!(pair.started.len(), 150, "seed {seed}");
        assert_eq!((pair.it.links.len(), pair.it.storages.len()), (0, 0));
        pair.it.recount().unwrap();
    }
}
