//! What receivers of messages took, asked when somebody scrapes.

use std::sync::atomic::Ordering;
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::metrics::counter::Counter;

use super::Metrics;
use super::families::OfReceiver;
use super::scrape::Sources;

impl Metrics {
    /// Receivers come from the configuration, so there are few of them.
    pub(super) fn ask_messages(&self, sources: &Sources) {
        let all = &self.families;
        let Some((tally, feed)) = &sources.messages else {
            return;
        };
        set(&all.messages_given_up, feed.given_up_bytes());
        for (name, it) in tally.all() {
            let labels = OfReceiver {
                receiver: name.as_str().into(),
            };
            set(
                &all.messages_delivered.get_or_create(&labels),
                it.delivered(),
            );
            set(&all.message_failures.get_or_create(&labels), it.failures());
            set(&all.messages_dropped.get_or_create(&labels), it.dropped());
            set(&all.message_gaps.get_or_create(&labels), it.gaps());
            let well = all.message_receiver_up.get_or_create(&labels);
            well.set(i64::from(it.is_well()));
            let waits = all.message_wait.get_or_create(&labels);
            waits.set(age(it.oldest_waiting()));
        }
    }
}

fn set(counter: &Counter, value: u64) {
    counter.inner().store(value, Ordering::Relaxed);
}

/// Seconds since a time in milliseconds; 0 for none.
fn age(millis: u64) -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |it| it.as_millis());
    match millis {
        0 => 0.0,
        millis => now.saturating_sub(u128::from(millis)) as f64 / 1000.0,
    }
}
