//! How links are doing, counted as the engine tells it: what runs and waits now, and the last hour.
//!
//! An observer of the engine and the port behind `GET /snapshot`. What an observation costs does
//! not depend on how much there is; an answer goes through the links in use, some at a time, so that
//! the engine never waits for it. After a start the hour begins anew.
//!
//! # Invariants
//! - What it counts as running and waiting is what the engine has: `states_come_and_go`.
//! - Links that were not used for an hour cost nothing: `links_that_nobody_uses_are_forgotten`.

mod hour;
mod watchers;

use std::collections::HashMap;
use std::sync::Arc;

use causeway_model::FileState;
use causeway_model::links::{LinkChoice, LinkReport, LinkReports};
use causeway_model::observe::{AttemptOutcome, Lane, Observation, Observer};
use causeway_model::ports::Clock;
use parking_lot::Mutex;

use hour::Hour;
pub use watchers::all;

/// Links that are read without a pause.
const AT_ONCE: usize = 256;
/// So many links are kept before any is looked at for being idle.
const FEW: usize = 1024;

/// VO, source, destination.
type Key = (Arc<str>, Arc<str>, Arc<str>);

fn key(lane: &Lane<'_>) -> Key {
    (
        Arc::clone(lane.vo),
        Arc::clone(lane.source_se),
        Arc::clone(lane.dest_se),
    )
}

/// Counters of all links. See the module.
pub struct LinkBook {
    pages: Mutex<Pages>,
    clock: Arc<dyn Clock>,
}

#[derive(Default)]
struct Pages {
    links: HashMap<Key, Page>,
    /// At this number of links the idle ones are looked for.
    full_at: usize,
}

/// One link of one VO.
#[derive(Default)]
struct Page {
    active: u64,
    submitted: u64,
    hour: Hour,
}

impl Page {
    /// The counter of those that are in a state now, if they are counted.
    fn counter(&mut self, state: FileState) -> Option<&mut u64> {
        match state {
            FileState::Ready | FileState::Active => Some(&mut self.active),
            FileState::Submitted | FileState::ForceStart => Some(&mut self.submitted),
            _ => None,
        }
    }

    fn is_idle(&mut self, step: i64) -> bool {
        self.active == 0 && self.submitted == 0 && self.hour.is_empty(step)
    }
}

fn is_counted(state: FileState) -> bool {
    Page::default().counter(state).is_some()
}

impl LinkBook {
    /// Nothing counted yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            pages: Mutex::default(),
            clock,
        }
    }

    fn step(&self) -> i64 {
        hour::step(self.clock.now())
    }

    fn write(&self, lane: &Lane<'_>, change: impl FnOnce(&mut Page, i64)) {
        let step = self.step();
        let mut pages = self.pages.lock();
        let pages = &mut *pages;
        if pages.links.len() >= pages.full_at.max(FEW) {
            pages.links.retain(|_, page| !page.is_idle(step));
            pages.full_at = 2 * pages.links.len();
        }
        change(pages.links.entry(key(lane)).or_default(), step);
    }

    /// What was there before is not there any more.
    fn leave(&self, lane: &Lane<'_>, state: FileState) {
        if is_counted(state) {
            self.write(lane, |page, _| {
                if let Some(count) = page.counter(state) {
                    *count = count.saturating_sub(1);
                }
            });
        }
    }

    fn enter(&self, lane: &Lane<'_>, state: FileState) {
        if is_counted(state) {
            self.write(lane, |page, _| {
                if let Some(count) = page.counter(state) {
                    *count += 1;
                }
            });
        }
    }

    fn ended(&self, lane: &Lane<'_>, state: FileState) {
        match state {
            FileState::Finished => self.write(lane, |page, step| page.hour.now(step).finished += 1),
            FileState::Failed => self.write(lane, |page, step| page.hour.now(step).failed += 1),
            _ => {}
        }
    }
}

impl Observer for LinkBook {
    fn observe(&self, what: &Observation<'_>) {
        match what {
            Observation::FileTaken { lane, state } => self.enter(lane, *state),
            Observation::FileLeft { lane, state } => self.leave(lane, *state),
            Observation::FileMoved { lane, from, to, .. } if from != to => {
                self.leave(lane, *from);
                self.enter(lane, *to);
                self.ended(lane, *to);
            }
            Observation::Picked { lane, waited } => {
                let seconds = waited.as_secs_f64();
                self.write(lane, |page, step| page.hour.now(step).waits.add(seconds));
            }
            Observation::AttemptEnded {
                lane,
                outcome: AttemptOutcome::Finished { bytes },
                copy_seconds,
                ..
            } => self.write(lane, |page, step| {
                page.hour.now(step).copied(*bytes, *copy_seconds);
            }),
            Observation::AttemptEnded {
                lane,
                outcome: AttemptOutcome::Failed { fault, .. },
                ..
            } if !fault.is_cancellation() => {
                let text = fault.to_string();
                self.write(lane, |page, step| page.hour.now(step).faults.add(&text));
            }
            _ => {}
        }
    }
}

impl LinkReports for LinkBook {
    fn links(&self, wanted: &LinkChoice) -> Vec<LinkReport> {
        let step = self.step();
        let fits = |key: &&Key| wanted.wants(&key.0, &key.1, &key.2);
        let mut keys: Vec<Key> = self
            .pages
            .lock()
            .links
            .keys()
            .filter(fits)
            .cloned()
            .collect();
        keys.sort();
        let mut reports = Vec::with_capacity(keys.len());
        for part in keys.chunks(AT_ONCE) {
            let mut pages = self.pages.lock();
            for key in part {
                let page = pages.links.get_mut(key);
                reports.extend(page.and_then(|it| report(key, it, step)));
            }
        }
        reports
    }
}

/// Nothing for a link that is not in use.
fn report(key: &Key, page: &mut Page, step: i64) -> Option<LinkReport> {
    if page.is_idle(step) {
        return None;
    }
    let (vo_name, source_se, dest_se) = key.clone();
    let sum = page.hour.sum(step);
    Some(LinkReport {
        vo_name,
        source_se,
        dest_se,
        active: page.active,
        submitted: page.submitted,
        finished: sum.finished,
        failed: sum.failed,
        avg_queued: sum.waits.mean(),
        avg_duration: sum.seconds.mean(),
        avg_throughput: sum.rates.mean(),
        frequent_error: sum.faults.most(),
    })
}

#[cfg(test)]
mod tests;
