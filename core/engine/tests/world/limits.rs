//! Which settings were in force when. A change takes effect somewhere between its call and its
//! answer, so in between the old settings count as well as the new ones.

use causeway_model::{Settings, Timestamp};

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
