//! The last hour in steps of five minutes: sums, and the texts that came most often.

use std::collections::VecDeque;
use std::sync::Arc;

use causeway_model::Timestamp;

const STEP_MILLIS: i64 = 300_000;
const STEPS: i64 = 12;
/// Different texts that are kept of a step.
const TEXTS: usize = 8;

/// The step that a time belongs to.
pub(super) fn step(now: Timestamp) -> i64 {
    now.0.div_euclid(STEP_MILLIS)
}

/// A sum of so many.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Sum {
    total: f64,
    count: u64,
}

impl Sum {
    pub(super) fn add(&mut self, value: f64) {
        self.total += value;
        self.count += 1;
    }

    fn merge(&mut self, other: Self) {
        self.total += other.total;
        self.count += other.count;
    }

    pub(super) fn mean(self) -> Option<f64> {
        (self.count > 0).then(|| self.total / self.count as f64)
    }
}

/// Texts and how often they came. When there are too many, a new one takes the place of the rarest
/// and inherits its count: the most frequent ones are never lost.
#[derive(Clone, Debug, Default)]
pub(super) struct Texts(Vec<(Arc<str>, u64)>);

impl Texts {
    pub(super) fn add(&mut self, text: &str) {
        if let Some((_, count)) = self.0.iter_mut().find(|it| *it.0 == *text) {
            *count += 1;
            return;
        }
        if self.0.len() < TEXTS {
            self.0.push((text.into(), 1));
        } else if let Some(rarest) = self.0.iter_mut().min_by_key(|it| it.1) {
            *rarest = (text.into(), rarest.1 + 1);
        }
    }

    fn merge(&mut self, other: &Self) {
        for (text, times) in &other.0 {
            match self.0.iter_mut().find(|it| it.0 == *text) {
                Some((_, count)) => *count += times,
                None => self.0.push((Arc::clone(text), *times)),
            }
        }
    }

    /// The one that came most often, the first of several by name.
    pub(super) fn most(&self) -> Option<Arc<str>> {
        let order = |a: &&(Arc<str>, u64), b: &&(Arc<str>, u64)| (a.1, &b.0).cmp(&(b.1, &a.0));
        self.0.iter().max_by(order).map(|it| Arc::clone(&it.0))
    }
}

/// What happened in a step, or in several.
#[derive(Clone, Debug, Default)]
pub(super) struct Slice {
    pub(super) finished: u64,
    pub(super) failed: u64,
    pub(super) waits: Sum,
    pub(super) seconds: Sum,
    /// Bytes per second of single copies.
    pub(super) rates: Sum,
    pub(super) faults: Texts,
}

impl Slice {
    /// A file is there.
    pub(super) fn copied(&mut self, bytes: Option<u64>, seconds: f64) {
        self.seconds.add(seconds);
        if let Some(bytes) = bytes
            && seconds > 0.0
        {
            self.rates.add(bytes as f64 / seconds);
        }
    }

    fn merge(&mut self, other: &Self) {
        self.finished += other.finished;
        self.failed += other.failed;
        self.waits.merge(other.waits);
        self.seconds.merge(other.seconds);
        self.rates.merge(other.rates);
        self.faults.merge(&other.faults);
    }
}

/// The steps of an hour in which something happened, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Hour(VecDeque<(i64, Slice)>);

impl Hour {
    fn drop_old(&mut self, step: i64) {
        while self.0.front().is_some_and(|it| it.0 <= step - STEPS) {
            self.0.pop_front();
        }
    }

    /// Where to count what happens now. A clock that was set back counts on where it was.
    pub(super) fn now(&mut self, step: i64) -> &mut Slice {
        self.drop_old(step);
        if self.0.back().is_none_or(|it| it.0 < step) {
            self.0.push_back((step, Slice::default()));
        }
        let last = self.0.len() - 1;
        &mut self.0[last].1
    }

    pub(super) fn is_empty(&mut self, step: i64) -> bool {
        self.drop_old(step);
        self.0.is_empty()
    }

    pub(super) fn sum(&mut self, step: i64) -> Slice {
        self.drop_old(step);
        let mut sum = Slice::default();
        self.0.iter().for_each(|(_, it)| sum.merge(it));
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_goes_by() {
        let mut hour = Hour::default();
        hour.now(100).finished += 1;
        hour.now(105).finished += 2;
        hour.now(105).failed += 1;
        let ended = |hour: &mut Hour, step| {
            let sum = hour.sum(step);
            (sum.finished, sum.failed)
        };
        assert_eq!(ended(&mut hour, 111), (3, 1));
        assert_eq!(ended(&mut hour, 112), (2, 1));
        // The clock was set back.
        hour.now(90).finished += 1;
        assert_eq!(ended(&mut hour, 116), (3, 1));
        assert!(hour.is_empty(117));
    }

    #[test]
    fn means() {
        let mut slice = Slice::default();
        assert_eq!((slice.rates.mean(), slice.seconds.mean()), (None, None));
        slice.copied(Some(100), 2.0);
        slice.copied(None, 4.0);
        slice.copied(Some(100), 0.0);
        assert_eq!(slice.rates.mean(), Some(50.0));
        assert_eq!(slice.seconds.mean(), Some(2.0));
    }

    #[test]
    fn the_most_frequent_text_is_found_among_many() {
        let mut texts = Texts::default();
        assert_eq!(texts.most(), None);
        for number in 0..1000 {
            texts.add(&format!("only once: {number}"));
            texts.add("often");
        }
        assert_eq!(texts.0.len(), TEXTS);
        assert_eq!(texts.most().as_deref(), Some("often"));
        let mut equal = Texts::default();
        equal.add("b");
        equal.add("a");
        assert_eq!(equal.most().as_deref(), Some("a"));
    }
}
