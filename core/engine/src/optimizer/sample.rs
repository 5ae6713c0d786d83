//! What is known of a link at one moment: the input of every decision.
//!
//! Plain values. `window` makes them from events; the simulator and the tests make them up.

/// A link over the window of the reference: five, fifteen or thirty minutes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Bytes per second that moved inside the window.
    pub throughput: f64,
    /// Mean of the positive file sizes, bytes.
    pub filesize_avg: f64,
    /// Population standard deviation of the same, bytes.
    pub filesize_stddev: f64,
    /// Percent of attempts that succeeded, rounded up; 100 when none ended.
    pub success_rate: f64,
    /// Retries of the transfers that wait after a failure.
    pub retry_count: u64,
    /// Transfers that run.
    pub active_count: u32,
    /// Transfers that wait.
    pub queue_size: u64,
}

impl Default for Sample {
    fn default() -> Self {
        Self {
            throughput: 0.0,
            filesize_avg: 0.0,
            filesize_stddev: 0.0,
            success_rate: 100.0,
            retry_count: 0,
            active_count: 0,
            queue_size: 0,
        }
    }
}

/// A link over the last seconds: what the own controller listens to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Recent {
    /// Seconds it covers.
    pub seconds: f64,
    /// Bytes per second that moved, as progress told it.
    pub throughput: f64,
    /// Mean number of transfers that ran.
    pub active: f64,
    /// Attempts that succeeded.
    pub finished: u32,
    /// Attempts that failed recoverably.
    pub failed: u32,
}

impl Recent {
    /// Attempts that ended and count.
    pub fn ended(&self) -> u32 {
        self.finished + self.failed
    }

    /// Share of the attempts that failed, 0 to 1.
    pub fn failure_rate(&self) -> f64 {
        f64::from(self.failed) / f64::from(self.ended().max(1))
    }

    /// The two together, as one pipe over the same time.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            seconds: self.seconds.max(other.seconds),
            throughput: self.throughput + other.throughput,
            active: self.active + other.active,
            finished: self.finished + other.finished,
            failed: self.failed + other.failed,
        }
    }
}

/// The constants of the reference and of the own controller's rhythm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Constants {
    /// Weight of the newest throughput in the moving average.
    pub ema_alpha: f64,
    /// Below this many percent of success the link counts as bad.
    pub low_success: f64,
    /// From this many percent on an improving link is left alone.
    pub base_success: f64,
    /// Step down.
    pub decrease_step: u32,
    /// Step up in mode 1.
    pub increase_step: u32,
    /// Step up in modes 2 and 3.
    pub aggressive_increase_step: u32,
    /// Nothing new for so long is worth a row again.
    pub steady_interval_millis: i64,
    /// Most parallel streams of a transfer.
    pub max_streams: u32,
    /// Time between two decisions of modes 0 to 3.
    pub interval_millis: i64,
}

impl Default for Constants {
    fn default() -> Self {
        Self {
            ema_alpha: 0.1,
            low_success: 97.0,
            base_success: 96.0,
            decrease_step: 1,
            increase_step: 1,
            aggressive_increase_step: 2,
            steady_interval_millis: 300_000,
            max_streams: 16,
            interval_millis: 60_000,
        }
    }
}

/// Who decides on a link, and how boldly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// Mode 0: nobody.
    Disabled,
    /// Mode 1: one step at a time, never more than there is to do.
    #[default]
    Conservative,
    /// Mode 2: two steps, more streams.
    Normal,
    /// Mode 3: as mode 2.
    Aggressive,
    /// Mode 4: the own controller.
    Own,
}

impl Mode {
    /// From the column of a link row. The reference knows 0 to 3 and clamps; 4 is ours.
    pub fn from_column(value: i64) -> Self {
        match value {
            ..=0 => Self::Disabled,
            1 => Self::Conservative,
            2 => Self::Normal,
            4 => Self::Own,
            _ => Self::Aggressive,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_clamped_and_ours_is_four() {
        let modes: Vec<_> = [-1, 0, 1, 2, 3, 4, 5]
            .into_iter()
            .map(Mode::from_column)
            .collect();
        use Mode::*;
        assert_eq!(
            modes,
            [
                Disabled,
                Disabled,
                Conservative,
                Normal,
                Aggressive,
                Own,
                Aggressive
            ]
        );
    }

    #[test]
    fn two_links_are_one_pipe() {
        let one = Recent {
            seconds: 20.0,
            throughput: 5.0,
            active: 2.0,
            finished: 3,
            failed: 1,
        };
        let both = one.plus(&one);
        assert_eq!((both.throughput, both.active), (10.0, 4.0));
        assert_eq!((both.ended(), both.failure_rate()), (8, 0.25));
    }
}
