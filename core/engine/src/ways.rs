//! Which ways of copying do not work on a link, learnt from attempts.
//!
//! Finding out costs a call to both storages in every attempt; what was found is kept for a while
//! and then tried again, because sites change. Kept ways are not forbidden: they come last. What an
//! operator set about a storage goes before all of it and is not known here.
//!
//! # Invariants
//! - Nothing is avoided for ever: `what_was_learnt_is_forgotten`.

use std::collections::BTreeMap;
use std::sync::Arc;

use causeway_model::{Rung, Timestamp};

/// How long a way is avoided.
const KEPT_MILLIS: i64 = 3_600_000;
/// Links that are remembered; beyond that the stalest goes.
const LINKS: usize = 10_000;

/// Source and destination storage.
type Pair = (Arc<str>, Arc<str>);

/// The ways that did not work, for every link that has any.
#[derive(Debug, Default)]
pub(crate) struct Ways {
    /// In order, so that of two that are as stale the same goes every time.
    refused: BTreeMap<Pair, Vec<(Rung, Timestamp)>>,
}

impl Ways {
    /// Ways that did not work on a link lately.
    pub(crate) fn avoided(
        &self,
        source: &Arc<str>,
        destination: &Arc<str>,
        now: Timestamp,
    ) -> Vec<Rung> {
        let key = (Arc::clone(source), Arc::clone(destination));
        let known = self.refused.get(&key).into_iter().flatten();
        let fresh = known.filter(|(_, since)| now.0 - since.0 < KEPT_MILLIS);
        fresh.map(|(rung, _)| *rung).collect()
    }

    /// An attempt found that a way does not work.
    pub(crate) fn refused(
        &mut self,
        source: &Arc<str>,
        destination: &Arc<str>,
        rung: Rung,
        now: Timestamp,
    ) {
        let key = (Arc::clone(source), Arc::clone(destination));
        if self.refused.len() >= LINKS && !self.refused.contains_key(&key) {
            self.make_room(now);
        }
        let known = self.refused.entry(key).or_default();
        known.retain(|(it, _)| *it != rung);
        known.push((rung, now));
    }

    /// An attempt found that a way works.
    pub(crate) fn worked(&mut self, source: &Arc<str>, destination: &Arc<str>, rung: Rung) {
        let key = (Arc::clone(source), Arc::clone(destination));
        if let Some(known) = self.refused.get_mut(&key) {
            known.retain(|(it, _)| *it != rung);
            if known.is_empty() {
                self.refused.remove(&key);
            }
        }
    }

    /// Forgets what was learnt about a link; false when that was nothing.
    pub(crate) fn forget(&mut self, source: &Arc<str>, destination: &Arc<str>) -> bool {
        let key = (Arc::clone(source), Arc::clone(destination));
        self.refused.remove(&key).is_some()
    }

    /// Everything that is avoided now, and until when.
    pub(crate) fn all(&self, now: Timestamp) -> impl Iterator<Item = (&Pair, Rung, Timestamp)> {
        let each = self.refused.iter();
        each.flat_map(move |(pair, known)| {
            let fresh = known
                .iter()
                .filter(move |(_, since)| now.0 - since.0 < KEPT_MILLIS);
            fresh.map(move |(rung, since)| (pair, *rung, since.plus_millis(KEPT_MILLIS)))
        })
    }

    fn make_room(&mut self, now: Timestamp) {
        self.refused
            .retain(|_, known| known.iter().any(|(_, it)| now.0 - it.0 < KEPT_MILLIS));
        let newest = |known: &Vec<(Rung, Timestamp)>| known.iter().map(|(_, it)| it.0).max();
        if self.refused.len() >= LINKS
            && let Some(stalest) = self.refused.iter().min_by_key(|(_, known)| newest(known))
        {
            let stalest = stalest.0.clone();
            self.refused.remove(&stalest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(number: usize) -> (Arc<str>, Arc<str>) {
        (format!("a{number}").into(), "b".into())
    }

    #[test]
    fn what_was_learnt_is_forgotten() {
        let mut ways = Ways::default();
        let (a, b) = pair(1);
        ways.refused(&a, &b, Rung::Pull, Timestamp(0));
        assert_eq!(ways.avoided(&a, &b, Timestamp(1)), [Rung::Pull]);
        assert!(ways.avoided(&b, &a, Timestamp(1)).is_empty());
        assert!(ways.avoided(&a, &b, Timestamp(KEPT_MILLIS)).is_empty());
    }

    #[test]
    fn a_way_that_works_is_not_avoided() {
        let mut ways = Ways::default();
        let (a, b) = pair(1);
        ways.refused(&a, &b, Rung::Pull, Timestamp(0));
        ways.refused(&a, &b, Rung::Push, Timestamp(0));
        ways.worked(&a, &b, Rung::Pull);
        assert_eq!(ways.avoided(&a, &b, Timestamp(1)), [Rung::Push]);
        ways.forget(&a, &b);
        assert_eq!(ways.all(Timestamp(1)).count(), 0);
    }

    #[test]
    fn memory_is_bounded() {
        let mut ways = Ways::default();
        for number in 0..LINKS + 5 {
            let (a, b) = pair(number);
            ways.refused(&a, &b, Rung::Pull, Timestamp(number as i64));
        }
        assert_eq!(ways.refused.len(), LINKS);
        let (a, b) = pair(0);
        assert!(
            ways.avoided(&a, &b, Timestamp(10)).is_empty(),
            "the stalest goes"
        );
        let (a, b) = pair(LINKS + 4);
        assert_eq!(ways.avoided(&a, &b, Timestamp(LINKS as i64)), [Rung::Pull]);
    }
}
