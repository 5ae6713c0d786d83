//! Finds how many transfers one pipe needs, and stays there: the knee of its throughput.
//!
//! A pipe is a link, or one side of a storage with all links through it. Every tick brings a slice
//! of what happened; the finder says how many transfers it wants next. It knows neither names nor
//! clocks, and nothing of other pipes.
//!
//! | phase | what it does | ends |
//! |---|---|---|
//! | startup | doubles while throughput follows | when it does not: at the number that carries it |
//! | cruise | holds, and averages | when a probe is due |
//! | probe | tries a little more or a little less | when measured: stays there, or returns |
//! | canary | keeps a few to see when an outage ends | when they succeed: doubles back to where it was |
//!
//! # Invariants
//! - Whatever it is told it wants at least `min` and at most `max`: `random_slices`.
//!
//! The search is in `search`, what follows failures in `rescue`.

mod rescue;
mod search;

use super::super::sample::Recent;
use super::meter::{Level, Meter};
use super::trouble::Trouble;

const UP_STEP: f64 = 0.25;
const SHORTEST_GAP: f64 = 60.0;
/// A change that lasts so many ticks is no chance.
const ODD_TICKS: u32 = 3;

/// One tick, as a finder sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tick<'a> {
    /// What happened since the last.
    pub(super) slice: &'a Recent,
    /// It may not want less.
    pub(super) min: u32,
    /// It may not want more.
    pub(super) max: u32,
    /// There is more to do than runs.
    pub(super) has_backlog: bool,
    /// Somebody else decides how many run: nothing can be learned of the pipe itself.
    pub(super) is_held: bool,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Startup { before: Option<Level>, waited: f64 },
    Cruise,
    Probe { home: u32 },
    Canary { resume: u32 },
}

/// The state of the search.
#[derive(Clone, Debug)]
pub(super) struct Finder {
    cap: u32,
    phase: Phase,
    meter: Meter,
    /// Slow average at the present setting, and the slices in it.
    level: Option<Level>,
    slices: u32,
    fast: f64,
    /// Attempts that finish in a second, slow and fast average.
    finishing: [f64; 2],
    best: f64,
    /// Bytes per second of one transfer, as last averaged.
    rate: f64,
    /// Mean square of what a slice deviates from the average, relative.
    noise: f64,
    odd: u32,
    dead: u32,
    /// What a next try of fewer may go down to at once.
    hint: Option<u32>,
    wait: f64,
    gap: f64,
    stride: f64,
    goes_up: bool,
    refused: u32,
    trouble: Trouble,
}

impl Finder {
    /// Begins with few transfers and doubles.
    pub(super) fn starting_at(cap: u32) -> Self {
        Self {
            phase: Phase::Startup {
                before: None,
                waited: 0.0,
            },
            ..Self::continuing_at(cap)
        }
    }

    /// Takes up a number that worked before.
    pub(super) fn continuing_at(cap: u32) -> Self {
        Self {
            cap: cap.max(1),
            phase: Phase::Cruise,
            meter: Meter::default(),
            level: None,
            slices: 0,
            fast: 0.0,
            finishing: [0.0; 2],
            best: 0.0,
            rate: 0.0,
            noise: 0.0,
            odd: 0,
            dead: 0,
            hint: None,
            wait: 0.0,
            gap: SHORTEST_GAP,
            stride: UP_STEP,
            goes_up: true,
            refused: 0,
            trouble: Trouble::default(),
        }
    }

    /// Takes up a number at which attempts have begun to fail: goes on with less.
    pub(super) fn after_failures(mut self, at: u32) -> Self {
        self.trouble.remember_danger(at);
        self.trouble.forget_recent();
        self.cap = (self.cap * 3 / 4).max(1);
        self
    }

    /// Tries so many first.
    pub(super) fn trying_first(mut self, fewer: u32) -> Self {
        self.hint = Some(fewer);
        self.goes_up = false;
        self
    }

    /// How many transfers it wants.
    pub(super) fn cap(&self) -> u32 {
        self.cap
    }

    /// Looks at a slice of time and says what it made of it.
    pub(super) fn step(&mut self, tick: &Tick<'_>) -> String {
        self.trouble.observe(tick.slice);
        let said = self.next(tick);
        self.cap = self.cap.clamp(tick.min, tick.max);
        said
    }

    /// Somebody else reacted to failures that this pipe saw too: do not react twice.
    pub(super) fn excuse(&mut self) {
        self.trouble.forget_recent();
    }

    fn next(&mut self, tick: &Tick<'_>) -> String {
        if let Phase::Canary { resume } = self.phase {
            return self.canary(tick, resume);
        }
        if let Some(said) = self.react(tick) {
            return said;
        }
        if tick.is_held {
            self.cruise_from(self.cap);
            return "Held by a storage that others want too".to_owned();
        }
        if !tick.has_backlog && tick.slice.active < 0.9 * f64::from(self.cap) {
            return self.without_work();
        }
        match self.phase {
            Phase::Startup { before, waited } => self.startup(tick, before, waited),
            Phase::Probe { home } => self.probe(tick, home),
            Phase::Cruise | Phase::Canary { .. } => self.cruise(tick),
        }
    }

    fn without_work(&mut self) -> String {
        if let Phase::Probe { home } = self.phase {
            self.cap = home;
            self.phase = Phase::Cruise;
        }
        self.meter = Meter::default();
        "Fewer transfers than could run. Hold on".to_owned()
    }

    /// Holds a number of which nothing is known yet.
    fn cruise_from(&mut self, cap: u32) {
        self.cap = cap;
        self.phase = Phase::Cruise;
        self.forget_level();
        self.wait = SHORTEST_GAP / 3.0;
        self.gap = SHORTEST_GAP;
        self.stride = UP_STEP;
        self.refused = 0;
    }

    fn forget_level(&mut self) {
        self.meter = Meter::default();
        self.level = None;
        self.slices = 0;
        self.odd = 0;
        self.dead = 0;
    }
}

#[cfg(test)]
mod tests;
