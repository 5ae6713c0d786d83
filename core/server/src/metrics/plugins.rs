//! What is known of plugins, asked when somebody scrapes. Those beyond the limit share one series.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use causeway_model::workers::{PluginCounters, PluginMarks};
use prometheus_client::metrics::counter::Counter;

use super::Metrics;
use super::families::{OfPlugin, OfPluginCounter};
use crate::plugins::Plugins;

/// What is counted under one name.
#[derive(Debug, Default)]
pub(super) struct Sum {
    pub(super) marks: PluginMarks,
    pub(super) own: PluginCounters,
    pub(super) ended_workers: u64,
}

impl Metrics {
    pub(super) fn ask_plugins(&self, plugins: &Plugins) {
        let crew = plugins.crew();
        let out = crew.map(|it| it.out_of_service()).unwrap_or_default();
        for plugin in plugins.list() {
            let labels = self.plugin_labels(&plugin.name);
            let health = match plugin.state.as_str() {
                "ready" => 1.0,
                "degraded" => 0.5,
                _ => 0.0,
            };
            let all = &self.families;
            all.plugin_health.get_or_create(&labels).set(health);
            let is_in = !out.contains_key(&plugin.name);
            let cell = all.plugin_in_service.get_or_create(&labels);
            cell.set(i64::from(is_in));
        }
        let mut counters = plugins.counters();
        let sums = plugins.marks().into_iter().map(|(name, marks)| {
            let ended_workers = crew.map_or(0, |it| it.ended_by(&name));
            let sum = Sum {
                marks,
                own: counters.remove(&name).unwrap_or_default(),
                ended_workers,
            };
            (name, sum)
        });
        self.count_plugins(sums);
    }

    /// Shows what was counted; those that share a label are added up.
    pub(super) fn count_plugins(&self, plugins: impl Iterator<Item = (String, Sum)>) {
        let mut sums: BTreeMap<Arc<str>, Sum> = BTreeMap::new();
        for (name, it) in plugins {
            let sum = sums.entry(self.plugin_labels(&name).plugin).or_default();
            sum.marks = sum.marks.and(it.marks);
            sum.own.add_all(&it.own);
            sum.ended_workers += it.ended_workers;
        }
        let all = &self.families;
        for (plugin, sum) in sums {
            for (name, value) in sum.own.iter() {
                let (plugin, name) = (Arc::clone(&plugin), name.into());
                let labels = OfPluginCounter { plugin, name };
                set(&all.plugin_counter.get_or_create(&labels), value);
            }
            let labels = OfPlugin { plugin };
            let marks = sum.marks;
            for (family, value) in [
                (&all.plugin_calls, marks.calls),
                (&all.plugin_call_failures, marks.failures),
                (&all.plugin_panics, marks.panics),
                (&all.plugin_traps, marks.traps),
                (&all.plugin_slow_polls, marks.slow_polls),
                (&all.plugin_ended_workers, sum.ended_workers),
            ] {
                set(&family.get_or_create(&labels), value);
            }
            let seconds = marks.call_micros as f64 / 1e6;
            let cell = all.plugin_call_time.get_or_create(&labels);
            cell.inner().store(seconds.to_bits(), Ordering::Relaxed);
        }
    }
}

fn set(counter: &Counter, value: u64) {
    counter.inner().store(value, Ordering::Relaxed);
}
