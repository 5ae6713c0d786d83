//! Which of several links is the best, by some measure: a pure function.
//!
//! A link of which a measure knows nothing is taken at once, so that it becomes known; of equal
//! links the first one is taken.

use causeway_model::EvolutionRow;

use super::Strategy;

/// What is known of a link.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Link {
    /// Transfers of the VO that wait.
    pub(super) queued: usize,
    /// Their bytes.
    pub(super) pending_bytes: f64,
    /// Bytes per second, all transfers together; 0 for unknown.
    pub(super) throughput: f64,
    /// Bytes per second of a single transfer; 0 for unknown.
    pub(super) file_throughput: f64,
    /// Attempts that succeeded, percent.
    pub(super) success: f64,
}

impl Default for Link {
    fn default() -> Self {
        Self {
            queued: 0,
            pending_bytes: 0.0,
            throughput: 0.0,
            file_throughput: 0.0,
            success: 100.0,
        }
    }
}

impl Link {
    /// Takes the means over decisions of the optimizer.
    pub(super) fn remember<'a>(&mut self, past: impl Iterator<Item = &'a EvolutionRow>) {
        let (mut count, mut all, mut single, mut success) = (0.0, 0.0, 0.0, 0.0);
        for row in past {
            count += 1.0;
            all += row.throughput;
            single += row.throughput / f64::from(row.actual_active.max(1));
            success += row.success;
        }
        if count > 0.0 {
            self.throughput = all / count;
            self.file_throughput = single / count;
            self.success = success / count;
        }
    }

    /// Seconds until what waits has been moved.
    fn waiting(&self) -> f64 {
        self.pending_bytes / self.throughput
    }

    /// The less the better; `None` when too little is known.
    fn cost(&self, strategy: Strategy, size: f64) -> Option<f64> {
        let known = |measure: f64, cost: f64| (measure > 0.0).then_some(cost);
        match strategy {
            Strategy::Orderly => Some(0.0),
            Strategy::Queue => Some(self.queued as f64),
            Strategy::Success => Some(-self.success),
            Strategy::Throughput => known(self.throughput, -self.throughput),
            Strategy::FileThroughput => known(self.file_throughput, -self.file_throughput),
            Strategy::PendingData | Strategy::WaitingTime => known(self.throughput, self.waiting()),
            Strategy::WaitingTimeWithError => {
                let failed = (100.0 - self.success).clamp(0.0, 100.0) / 100.0;
                known(self.throughput, self.waiting() * (1.0 + failed))
            }
            Strategy::Duration => known(
                self.throughput.min(self.file_throughput),
                self.waiting() + size / self.file_throughput,
            ),
        }
    }
}

/// Number of the best link.
pub(super) fn best(strategy: Strategy, links: &[Link], size: u64) -> usize {
    let mut best = (f64::INFINITY, 0);
    for (index, link) in links.iter().enumerate() {
        match link.cost(strategy, size as f64) {
            None => return index,
            Some(cost) if cost < best.0 => best = (cost, index),
            Some(_) => {}
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(queued: usize, pending: f64, throughput: f64, file: f64, success: f64) -> Link {
        Link {
            queued,
            pending_bytes: pending,
            throughput,
            file_throughput: file,
            success,
        }
    }

    #[test]
    fn each_strategy_has_its_measure() {
        let links = [
            link(9, 1000.0, 100.0, 10.0, 50.0),
            link(5, 900.0, 50.0, 25.0, 80.0),
            link(7, 400.0, 30.0, 5.0, 99.0),
            link(8, 1200.0, 90.0, 30.0, 100.0),
        ];
        for (strategy, size, wanted) in [
            (Strategy::Orderly, 0, 0),
            (Strategy::Queue, 0, 1),
            (Strategy::Success, 0, 3),
            (Strategy::Throughput, 0, 0),
            (Strategy::FileThroughput, 0, 3),
            // Seconds of waiting: 10, 18, 13.3, 13.3.
            (Strategy::PendingData, 0, 0),
            (Strategy::WaitingTime, 0, 0),
            // With failures: 15, 21.6, 13.47, 13.33.
            (Strategy::WaitingTimeWithError, 0, 3),
            // A large file wants a link that is quick for a single one.
            (Strategy::Duration, 0, 0),
            (Strategy::Duration, 3000, 3),
        ] {
            assert_eq!(best(strategy, &links, size), wanted, "{strategy:?} {size}");
        }
    }

    #[test]
    fn an_unknown_link_is_taken_at_once() {
        let links = [link(0, 0.0, 5.0, 5.0, 90.0), Link::default()];
        for strategy in [
            Strategy::Throughput,
            Strategy::FileThroughput,
            Strategy::PendingData,
            Strategy::WaitingTime,
            Strategy::WaitingTimeWithError,
            Strategy::Duration,
            Strategy::Success,
        ] {
            assert_eq!(best(strategy, &links, 1), 1, "{strategy:?}");
        }
        assert_eq!(best(Strategy::Queue, &links, 1), 0);
        assert_eq!(best(Strategy::Queue, &[], 1), 0);
    }
}
