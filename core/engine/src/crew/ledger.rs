//! Which plugins killed how many workers of late, and which are out of service for it.
//!
//! Pure: time comes in, nothing goes out.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use causeway_model::workers::OutOfService;
use tokio::time::Instant;

/// Why a plugin is out of service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Out {
    /// For people.
    pub(super) reason: String,
    /// Its file then, as soon as it is known; another one is given another chance.
    pub(super) sha256: Option<String>,
}

/// The book.
pub(super) struct Ledger {
    /// So many deaths within the window are too many; 0 is no limit.
    most: usize,
    window: Duration,
    deaths: HashMap<String, VecDeque<Instant>>,
    /// All of them, by plugin.
    ended: BTreeMap<String, u64>,
    out: BTreeMap<String, Out>,
    /// Those of them that the next workers shall load again.
    returning: BTreeSet<String>,
}

impl Ledger {
    pub(super) fn new(most: usize, window: Duration) -> Self {
        Self {
            most,
            window,
            deaths: HashMap::new(),
            ended: BTreeMap::new(),
            out: BTreeMap::new(),
            returning: BTreeSet::new(),
        }
    }

    /// Notes a death; true when it was one too many.
    pub(super) fn died(
        &mut self,
        plugin: &str,
        how: &str,
        sha256: Option<String>,
        now: Instant,
    ) -> bool {
        *self.ended.entry(plugin.to_owned()).or_default() += 1;
        // One that was on its way back has lost its chance.
        self.returning.remove(plugin);
        if self.most == 0 || self.out.contains_key(plugin) {
            return false;
        }
        let deaths = self.deaths.entry(plugin.to_owned()).or_default();
        deaths.push_back(now);
        while deaths
            .front()
            .is_some_and(|it| now.duration_since(*it) > self.window)
        {
            deaths.pop_front();
        }
        if deaths.len() < self.most {
            return false;
        }
        let reason = format!(
            "it ended {} workers within {} s, the last with {how}",
            deaths.len(),
            self.window.as_secs()
        );
        self.deaths.remove(plugin);
        let entry = Out { reason, sha256 };
        self.out.insert(plugin.to_owned(), entry);
        true
    }

    /// Workers say which file they leave out.
    pub(super) fn left_out(&mut self, plugin: &str, sha256: &str) {
        if let Some(out) = self.out.get_mut(plugin) {
            out.sha256.get_or_insert_with(|| sha256.to_owned());
        }
    }

    /// Lets the next workers load a plugin again; false when it was not out. It is out until they
    /// can work.
    pub(super) fn call_back(&mut self, plugin: &str) -> bool {
        self.out.contains_key(plugin) && self.returning.insert(plugin.to_owned())
    }

    /// Puts those back that were on their way and that workers have loaded by now.
    pub(super) fn returned(&mut self, is_loaded: impl Fn(&str) -> bool) -> Vec<String> {
        let back: Vec<String> = self
            .returning
            .iter()
            .filter(|it| is_loaded(it))
            .cloned()
            .collect();
        for plugin in &back {
            self.returning.remove(plugin);
            self.out.remove(plugin);
        }
        back
    }

    /// Plugins that workers must not load.
    pub(super) fn excluded(&self) -> Vec<String> {
        let stays = |it: &&String| !self.returning.contains(*it);
        self.out.keys().filter(stays).cloned().collect()
    }

    /// Workers that a plugin ended.
    pub(super) fn ended(&self, plugin: &str) -> u64 {
        self.ended.get(plugin).copied().unwrap_or(0)
    }

    pub(super) fn why_out(&self, plugin: &str) -> Option<&Out> {
        self.out.get(plugin)
    }

    /// Plugins out of service, by name.
    pub(super) fn out(&self) -> &BTreeMap<String, Out> {
        &self.out
    }

    /// The same for people.
    pub(super) fn shown(&self) -> BTreeMap<String, OutOfService> {
        let shown = |(name, out): (&String, &Out)| {
            let shown = OutOfService {
                reason: out.reason.clone(),
                returning: self.returning.contains(name),
            };
            (name.clone(), shown)
        };
        self.out.iter().map(shown).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn deaths_count_within_the_window_only() {
        let mut ledger = Ledger::new(3, MINUTE);
        let start = Instant::now();
        for (second, out) in [(0, false), (30, false), (61, false), (70, true)] {
            let now = start + Duration::from_secs(second);
            assert_eq!(ledger.died("bad", "signal 11", None, now), out, "{second}");
        }
        let why = &ledger.why_out("bad").unwrap().reason;
        assert_eq!(
            why,
            "it ended 3 workers within 60 s, the last with signal 11"
        );
        assert!(ledger.why_out("good").is_none());
        assert_eq!(ledger.excluded(), ["bad"]);
        assert!(!ledger.shown()["bad"].returning);
        assert!(ledger.call_back("bad") && !ledger.call_back("bad"));
        assert!(ledger.shown()["bad"].returning);
        assert!(ledger.excluded().is_empty() && ledger.why_out("bad").is_some());
        assert!(ledger.returned(|_| false).is_empty());
        assert_eq!(ledger.returned(|it| it == "bad"), ["bad"]);
        // It begins anew.
        assert!(!ledger.died("bad", "signal 11", None, start + MINUTE));
    }

    #[test]
    fn a_plugin_that_kills_on_its_way_back_stays_out() {
        let mut ledger = Ledger::new(1, MINUTE);
        let now = Instant::now();
        assert!(ledger.died("bad", "x", None, now));
        assert!(ledger.call_back("bad"));
        assert!(!ledger.died("bad", "x", None, now));
        assert_eq!(ledger.excluded(), ["bad"]);
        assert!(ledger.returned(|_| true).is_empty() && ledger.why_out("bad").is_some());
    }

    #[test]
    fn a_file_that_was_not_known_is_the_one_that_is_left_out() {
        let mut ledger = Ledger::new(1, MINUTE);
        assert!(ledger.died("bad", "x", None, Instant::now()));
        ledger.left_out("bad", "one");
        ledger.left_out("bad", "two");
        ledger.left_out("good", "one");
        let file = |plugin| ledger.why_out(plugin).map(|it| it.sha256.clone());
        assert_eq!(file("bad"), Some(Some("one".to_owned())));
        assert_eq!(file("good"), None);
    }

    #[test]
    fn nobody_is_taken_out_without_a_limit() {
        let mut ledger = Ledger::new(0, MINUTE);
        let now = Instant::now();
        assert!((0..100).all(|_| !ledger.died("bad", "x", None, now)));
        assert_eq!((ledger.ended("bad"), ledger.ended("good")), (100, 0));
    }
}
