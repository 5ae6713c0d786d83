//! Which limits were in force when. A change of settings takes effect somewhere between its call and
//! its answer, so in between the old settings count as well as the new ones; a decision of the
//! optimizer takes effect when it is told.

use std::collections::BTreeMap;
use std::sync::Arc;

use causeway_model::{OptimizerRow, Settings, Timestamp};

struct Era {
    until: Option<Timestamp>,
    settings: Settings,
}

/// All settings that ever were in force.
#[derive(Default)]
pub struct Eras {
    eras: Vec<Era>,
    /// The engine finds the limits of links by itself.
    pub tuned: bool,
}

impl Eras {
    /// These come into force from now on.
    pub fn begin(&mut self, settings: Settings) {
        let until = None;
        self.eras.push(Era { until, settings });
    }

    /// Those before the last are out of force.
    pub fn settle(&mut self, now: Timestamp) {
        if let Some((_, old)) = self.eras.split_last_mut() {
            for era in old {
                era.until.get_or_insert(now);
            }
        }
    }

    /// The largest limit in force at any time since then.
    pub fn most(&self, since: Timestamp, limit: impl Fn(&Settings) -> u32) -> u32 {
        let since_then = |it: &&Era| it.until.is_none_or(|until| until >= since);
        let eras = self.eras.iter().filter(since_then);
        eras.map(|it| limit(&it.settings)).max().unwrap_or(u32::MAX)
    }
}

type Pair = (Arc<str>, Arc<str>);

/// What the optimizer allowed on each link.
#[derive(Default)]
pub struct Values {
    /// For a link that has no value.
    pub start: u32,
    told: BTreeMap<Pair, Vec<(Timestamp, u32)>>,
    stored: BTreeMap<Pair, u32>,
}

impl Values {
    /// An engine begins: what was stored is in force.
    pub fn begin(&mut self, now: Timestamp) {
        for (pair, told) in &mut self.told {
            let value = self.stored.get(pair).copied();
            told.push((now, value.unwrap_or(self.start).max(1)));
        }
    }

    /// The optimizer decided.
    pub fn decided(&mut self, now: Timestamp, from: &Arc<str>, to: &Arc<str>, value: u32) {
        let pair = (Arc::clone(from), Arc::clone(to));
        self.told.entry(pair).or_default().push((now, value));
    }

    /// Values were written down.
    pub fn stored(&mut self, rows: &[OptimizerRow]) {
        for row in rows {
            let pair = (Arc::clone(&row.source_se), Arc::clone(&row.dest_se));
            self.stored.insert(pair, row.active);
        }
    }

    /// The largest value in force at any time since then.
    pub fn most(&self, since: Timestamp, from: &str, to: &str) -> u32 {
        let told = self.told.get(&(from.into(), to.into()));
        let told = told.map_or(&[][..], Vec::as_slice);
        let later = told.partition_point(|it| it.0 < since);
        let then = match later.checked_sub(1) {
            Some(before) => told[before].1,
            None => self.start,
        };
        told[later..].iter().map(|it| it.1).fold(then, u32::max)
    }
}
