//! Mode 4: the own controller, over all links at once.
//!
//! A step goes from slices of all links to numbers for all links. Each link has a finder that
//! searches the knee of its throughput; each side of a storage has a pool that notices when the
//! storage limits its links, and then searches the knee of their sum. What is short is shared
//! fairly. Cost of a step: proportional to the links that are given to it.
//!
//! It knows no clock, no rows and no queues but their sizes; [`super::Optimizer`] feeds it.
//!
//! | to learn about | read |
//! |---|---|
//! | the search of one pipe | `finder`, `meter` |
//! | failures | `trouble` |
//! | a storage that several links use | `pool` |
//! | fair shares | [`share`] |
//!
//! # Invariants
//! - The numbers of the links of a storage side never add up to more than its limit allows, as
//!   long as the limit has room for one transfer each: `tests/optimizer.rs`.

mod finder;
mod meter;
mod pool;
pub mod share;
mod trouble;

use std::collections::HashMap;
use std::sync::Arc;

use finder::{Finder, Tick};
use pool::{Finding, Load, Pool, SLOWED};
use share::Claim;

use super::range::Range;
use super::sample::Recent;

/// First number of a link of which nothing is known.
const START: u32 = 16;
/// The best rate a link has shown fades by this much in a second: half in two hours.
const FADE: f64 = 1e-4;

/// A link, as the controller sees it in one step.
#[derive(Clone, Debug)]
pub struct View {
    /// Source storage.
    pub source_se: Arc<str>,
    /// Destination storage.
    pub dest_se: Arc<str>,
    /// Someone else decides on it; it counts in the sums of its storages and gets no number.
    pub is_guest: bool,
    /// Between which numbers it may move.
    pub range: Range,
    /// Transfers out of its source.
    pub source_limit: u32,
    /// Transfers into its destination.
    pub destination_limit: u32,
    /// What happened since the last step.
    pub slice: Recent,
    /// Transfers that run now.
    pub active: u32,
    /// Transfers that wait.
    pub queue_size: u64,
    /// The value that holds now; 0 when there is none.
    pub stored: u32,
}

/// What a link may run, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Transfers.
    pub active: u32,
    /// In words.
    pub rationale: String,
}

#[derive(Clone, Debug)]
struct Link {
    finder: Finder,
    granted: u32,
    best_rate: f64,
    step: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Side {
    Out,
    In,
}

/// One side of a storage during a step.
struct Bin {
    limit: u32,
    load: Load,
    guests: u32,
    finding: Finding,
}

/// The controller of all links in mode 4.
#[derive(Clone, Debug, Default)]
pub struct Controller {
    links: HashMap<(Arc<str>, Arc<str>), Link>,
    pools: HashMap<(Arc<str>, Side), (Pool, u64)>,
    step: u64,
}

impl Controller {
    /// Decides on all links, in their order; `None` for guests. Links and storages that are not
    /// given are forgotten.
    pub fn step(&mut self, views: &[View]) -> Vec<Option<Choice>> {
        self.step += 1;
        self.meet(views);
        let (mut bins, sides) = self.gather(views);
        self.step_pools(views, &mut bins, &sides);
        let said = self.step_links(views, &bins, &sides);
        let step = self.step;
        self.links.retain(|_, it| it.step == step);
        self.pools.retain(|_, (_, seen)| *seen == step);
        self.share(views, &bins, &sides, said)
    }

    /// Makes entries for new links, and follows values that were set from outside.
    fn meet(&mut self, views: &[View]) {
        for view in views.iter().filter(|it| !it.is_guest) {
            let key = (Arc::clone(&view.source_se), Arc::clone(&view.dest_se));
            let step = self.step;
            let link = self.links.entry(key).or_insert_with(|| first(view));
            link.step = step;
            if view.stored > 0 && view.stored != link.granted {
                link.finder = Finder::continuing_at(view.stored);
                link.granted = view.stored;
            }
            link.best_rate *= 1.0 - FADE * view.slice.seconds;
        }
    }

    fn link(&self, view: &View) -> Option<&Link> {
        self.links
            .get(&(Arc::clone(&view.source_se), Arc::clone(&view.dest_se)))
    }

    /// Sums over the sides of storages; for each view the indices of its two.
    fn gather(&self, views: &[View]) -> (Vec<Bin>, Vec<[usize; 2]>) {
        let mut index: HashMap<(&str, Side), usize> = HashMap::new();
        let mut bins: Vec<Bin> = Vec::new();
        let mut sides = Vec::with_capacity(views.len());
        for view in views {
            let ends = [
                (&*view.source_se, Side::Out, view.source_limit),
                (&*view.dest_se, Side::In, view.destination_limit),
            ];
            sides.push(ends.map(|(name, side, limit)| {
                let at = *index.entry((name, side)).or_insert_with(|| {
                    bins.push(Bin {
                        limit,
                        load: Load::default(),
                        guests: 0,
                        finding: Finding::default(),
                    });
                    bins.len() - 1
                });
                self.add(&mut bins[at], view);
                at
            }));
        }
        (bins, sides)
    }

    fn add(&self, bin: &mut Bin, view: &View) {
        bin.load.add(&view.slice);
        bin.load.has_backlog |= view.queue_size > 0;
        if view.is_guest {
            bin.guests += view.active;
            bin.load.wanted += view.active;
        } else if let Some(link) = self.link(view) {
            bin.load.wanted = bin.load.wanted.saturating_add(link.finder.cap());
            if link.best_rate > 0.0 && view.slice.active > 0.0 {
                bin.load.known += view.slice.active;
                bin.load.needed += view.slice.throughput / link.best_rate;
                if view.slice.throughput < SLOWED * link.best_rate * view.slice.active {
                    bin.load.slowed += view.slice.active;
                }
            }
        }
    }

    fn step_pools(&mut self, views: &[View], bins: &mut [Bin], sides: &[[usize; 2]]) {
        let mut done = vec![false; bins.len()];
        for (view, at) in views.iter().zip(sides) {
            let ends = [(&view.source_se, Side::Out), (&view.dest_se, Side::In)];
            for ((name, side), at) in ends.into_iter().zip(at) {
                if std::mem::replace(&mut done[*at], true) {
                    continue;
                }
                let bin = &mut bins[*at];
                let (pool, seen) = self.pools.entry((Arc::clone(name), side)).or_default();
                *seen = self.step;
                bin.finding = pool.step(&bin.load, bin.limit);
            }
        }
    }

    /// Steps the finders; what each said.
    fn step_links(&mut self, views: &[View], bins: &[Bin], sides: &[[usize; 2]]) -> Vec<String> {
        let mut said = Vec::with_capacity(views.len());
        for (view, at) in views.iter().zip(sides) {
            let key = (Arc::clone(&view.source_se), Arc::clone(&view.dest_se));
            let Some(link) = self.links.get_mut(&key).filter(|_| !view.is_guest) else {
                said.push(String::new());
                continue;
            };
            if view.slice.active >= 1.0 {
                let rate = view.slice.throughput / view.slice.active;
                link.best_rate = link.best_rate.max(rate);
            }
            if at.iter().any(|at| bins[*at].finding.reacted) {
                link.finder.excuse();
            }
            said.push(link.finder.step(&Tick {
                slice: &view.slice,
                min: view.range.min,
                max: view.range.max,
                has_backlog: view.queue_size > 0,
                is_held: link.granted < link.finder.cap(),
            }));
        }
        said
    }

    fn share(
        &mut self,
        views: &[View],
        bins: &[Bin],
        sides: &[[usize; 2]],
        said: Vec<String>,
    ) -> Vec<Option<Choice>> {
        let own: Vec<usize> = (0..views.len()).filter(|it| !views[*it].is_guest).collect();
        let capacities: Vec<u32> = bins.iter().map(room).collect();
        let claims: Vec<Claim> = own
            .iter()
            .map(|index| self.claim(&views[*index], sides[*index]))
            .collect();
        let mut choices = vec![None; views.len()];
        for (index, given) in own.into_iter().zip(share::allot(&claims, &capacities)) {
            let view = &views[index];
            let key = (Arc::clone(&view.source_se), Arc::clone(&view.dest_se));
            if let Some(link) = self.links.get_mut(&key) {
                link.granted = given.max(1);
                let is_cut = link.granted < link.finder.cap();
                let rationale = if is_cut {
                    shared(view, sides[index].map(|at| &bins[at]), link.granted)
                } else {
                    said[index].clone()
                };
                choices[index] = Some(Choice {
                    active: link.granted,
                    rationale,
                });
            }
        }
        choices
    }

    fn claim(&self, view: &View, sides: [usize; 2]) -> Claim {
        let cap = self.link(view).map_or(1, |it| it.finder.cap());
        Claim {
            floor: 1,
            demand: cap.max(1),
            source: sides[0],
            destination: sides[1],
        }
    }
}

fn first(view: &View) -> Link {
    let range = &view.range;
    let (finder, granted) = if view.stored > 0 {
        (Finder::continuing_at(view.stored), view.stored)
    } else {
        let start = START.clamp(range.min, range.max);
        (Finder::starting_at(start), start)
    };
    Link {
        finder,
        granted,
        best_rate: 0.0,
        step: 0,
    }
}

/// What a storage side has for the links of the controller.
fn room(bin: &Bin) -> u32 {
    let capacity = bin.finding.capacity.unwrap_or(u32::MAX).min(bin.limit);
    capacity.saturating_sub(bin.guests)
}

fn shared(view: &View, bins: [&Bin; 2], given: u32) -> String {
    let is_source = room(bins[0]) < room(bins[1]);
    let (name, bin) = if is_source {
        (&view.source_se, bins[0])
    } else {
        (&view.dest_se, bins[1])
    };
    let mut text = format!(
        "Fair share of {name}: {given} of {} among {} links",
        room(bin),
        bin.load.links
    );
    if !bin.finding.said.is_empty() {
        text.push_str(". Storage: ");
        text.push_str(&bin.finding.said);
    }
    text
}
