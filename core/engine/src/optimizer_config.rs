//! What an operator can set about the optimizer: section `optimizer` of the configuration.

use serde::{Deserialize, Serialize};

use crate::optimizer::Constants;

/// The section `optimizer`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OptimizerConfig {
    /// Whether links are given a number of transfers by what is measured. Without it every link
    /// has the limit of `engine.link_max_active`.
    pub enabled: bool,
    /// Time between two decisions on a link.
    pub interval_seconds: u64,
    /// Nothing new for so long is written down again.
    pub steady_interval_seconds: u64,
    /// Most parallel streams of a transfer.
    pub max_streams: u32,
    /// Weight of the newest throughput in the moving average, above 0 and at most 1.
    pub ema_alpha: f64,
    /// Below this many percent of success the link counts as bad.
    pub low_success_rate: f64,
    /// From this many percent on an improving link is left alone.
    pub base_success_rate: f64,
    /// Step up in mode 1.
    pub increase_step: u32,
    /// Step up in modes 2 and 3.
    pub increase_aggressive_step: u32,
    /// Step down.
    pub decrease_step: u32,
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            interval_seconds: 60,
            steady_interval_seconds: 300,
            max_streams: 16,
            ema_alpha: 0.1,
            low_success_rate: 97.0,
            base_success_rate: 96.0,
            increase_step: 1,
            increase_aggressive_step: 2,
            decrease_step: 1,
        }
    }
}

impl OptimizerConfig {
    /// No optimizer: for tests and commands that set limits themselves.
    pub fn off() -> Self {
        Self {
            enabled: false,
            ..Self::default()
        }
    }

    pub(crate) fn constants(&self) -> Constants {
        let millis = |seconds: u64| i64::try_from(seconds.saturating_mul(1000)).unwrap_or(i64::MAX);
        Constants {
            ema_alpha: self.ema_alpha.clamp(f64::MIN_POSITIVE, 1.0),
            low_success: self.low_success_rate,
            base_success: self.base_success_rate,
            decrease_step: self.decrease_step,
            increase_step: self.increase_step,
            aggressive_increase_step: self.increase_aggressive_step,
            steady_interval_millis: millis(self.steady_interval_seconds),
            max_streams: self.max_streams.max(1),
            interval_millis: millis(self.interval_seconds.max(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_the_references() {
        let constants = OptimizerConfig::default().constants();
        assert_eq!(constants, Constants::default());
    }
}
