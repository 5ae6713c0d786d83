//! The last half hour of a link in buckets of thirty seconds.
//!
//! Fixed memory, whatever happens on the link. Knows what to add up, not what it is for.

/// Width of a bucket.
pub(super) const BUCKET_MILLIS: i64 = 30_000;
/// Thirty minutes, and the bucket that is being filled.
const BUCKETS: usize = 61;

/// Count, mean and spread of a set of numbers that can be merged (Chan's update).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Moments {
    count: f64,
    pub(super) mean: f64,
    squares: f64,
}

impl Moments {
    pub(super) fn of(value: f64) -> Self {
        Self {
            count: 1.0,
            mean: value,
            squares: 0.0,
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        let count = self.count + other.count;
        if count == 0.0 {
            return;
        }
        let delta = other.mean - self.mean;
        self.squares += other.squares + delta * delta * self.count * other.count / count;
        self.mean += delta * other.count / count;
        self.count = count;
    }

    /// Population standard deviation.
    pub(super) fn deviation(&self) -> f64 {
        if self.count == 0.0 {
            return 0.0;
        }
        (self.squares / self.count).max(0.0).sqrt()
    }
}

/// What is added up in one bucket.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bucket {
    /// Bytes of finished transfers, spread evenly over the time they took.
    pub(super) bytes: f64,
    /// Attempts that finished.
    pub(super) finished: u32,
    /// Transfers that failed for good though the fault was recoverable.
    pub(super) failed: u32,
    /// Transfers that failed here and wait for their next attempt.
    pub(super) waiting: u32,
    /// Retries of those.
    pub(super) retries: u64,
    /// Sizes of finished transfers, when positive.
    pub(super) sizes: Moments,
    /// Seconds that finished transfers took.
    pub(super) seconds: f64,
    /// How many of them took any time.
    pub(super) timed: u32,
}

/// Buckets by time. Whatever is older than the ring is forgotten.
#[derive(Clone, Debug)]
pub(super) struct Ring {
    buckets: Box<[Bucket]>,
    /// Number of the newest bucket, counted from 1970.
    newest: i64,
}

impl Ring {
    pub(super) fn new(now_millis: i64) -> Self {
        Self {
            buckets: vec![Bucket::default(); BUCKETS].into_boxed_slice(),
            newest: now_millis.div_euclid(BUCKET_MILLIS),
        }
    }

    /// Makes room up to now; a clock that steps back changes nothing.
    pub(super) fn advance(&mut self, now_millis: i64) {
        let number = now_millis.div_euclid(BUCKET_MILLIS);
        let fresh = (number - self.newest).clamp(0, BUCKETS as i64);
        for number in number - fresh + 1..=number {
            self.buckets[slot(number)] = Bucket::default();
        }
        self.newest = self.newest.max(number);
    }

    /// The bucket of a moment; `None` when it is forgotten, or not yet there.
    pub(super) fn at(&mut self, millis: i64) -> Option<&mut Bucket> {
        let number = millis.div_euclid(BUCKET_MILLIS);
        let holds = self.newest - (BUCKETS as i64) < number && number <= self.newest;
        holds.then(|| &mut self.buckets[slot(number)])
    }

    /// Spreads bytes evenly over the time in which they moved.
    pub(super) fn spread(&mut self, from: i64, to: i64, bytes: f64) {
        let oldest = (self.newest - BUCKETS as i64 + 1) * BUCKET_MILLIS;
        let per_milli = bytes / (to - from).max(1) as f64;
        let mut start = from.max(oldest);
        if to <= from {
            if let Some(bucket) = self.at(to) {
                bucket.bytes += bytes;
            }
            return;
        }
        while start < to {
            let end = (start.div_euclid(BUCKET_MILLIS) + 1) * BUCKET_MILLIS;
            if let Some(bucket) = self.at(start) {
                bucket.bytes += per_milli * (end.min(to) - start) as f64;
            }
            start = end;
        }
    }

    /// The buckets that reach into the time from `since` on, each with its share inside.
    pub(super) fn since(&self, since: i64) -> impl Iterator<Item = (&Bucket, f64)> {
        let first = since
            .div_euclid(BUCKET_MILLIS)
            .max(self.newest - BUCKETS as i64 + 1);
        (first..=self.newest).map(move |number| {
            let outside = (since - number * BUCKET_MILLIS).clamp(0, BUCKET_MILLIS);
            let share = 1.0 - outside as f64 / BUCKET_MILLIS as f64;
            (&self.buckets[slot(number)], share)
        })
    }
}

fn slot(number: i64) -> usize {
    // The remainder lies between 0 and the number of buckets.
    number.rem_euclid(BUCKETS as i64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_of_parts_are_those_of_the_whole() {
        let mut all = Moments::default();
        let mut part = Moments::default();
        all.merge(&Moments::of(2.0));
        for value in [4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0] {
            part.merge(&Moments::of(value));
        }
        all.merge(&part);
        assert!((all.mean - 5.0).abs() < 1e-12);
        assert!((all.deviation() - 2.0).abs() < 1e-12);
        assert_eq!(Moments::default().deviation(), 0.0);
    }

    #[test]
    fn bytes_fall_where_they_moved() {
        let mut ring = Ring::new(0);
        ring.advance(90_000);
        ring.spread(15_000, 75_000, 600.0);
        let parts: Vec<_> = ring.since(0).map(|(it, _)| it.bytes).collect();
        assert_eq!(parts, [150.0, 300.0, 150.0, 0.0]);
        ring.spread(80_000, 80_000, 7.0);
        assert_eq!(ring.at(80_000).unwrap().bytes, 157.0);
        let shares: Vec<_> = ring.since(45_000).map(|(_, share)| share).collect();
        assert_eq!(shares, [0.5, 1.0, 1.0]);
    }

    #[test]
    fn old_buckets_are_forgotten() {
        let mut ring = Ring::new(0);
        ring.at(0).unwrap().finished = 1;
        ring.advance(29 * 60_000);
        assert_eq!(ring.since(0).map(|(it, _)| it.finished).sum::<u32>(), 1);
        ring.advance(31 * 60_000);
        assert_eq!(ring.since(0).map(|(it, _)| it.finished).sum::<u32>(), 0);
        assert!(ring.at(0).is_none());
        ring.advance(24 * 3_600_000);
        assert_eq!(ring.since(0).count(), BUCKETS);
        ring.advance(0);
        assert_eq!(ring.since(0).count(), BUCKETS);
    }
}
