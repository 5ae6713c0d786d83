//! What a worker tells of its plugins from time to time, beside what it says anyway.

use std::time::Duration;

use tokio::time::Instant;

use crate::crew::wire::{FromWorker, PluginNews};

/// News of plugins go out with other messages, so often at most. There is always one on its way:
/// who says nothing else is asked for a sign of life.
pub(super) const TELL: Duration = Duration::from_secs(1);

/// Asks what is counted of the plugins.
pub type News = Box<dyn Fn() -> Vec<PluginNews> + Send>;

/// Tells what is counted of the plugins, when there is something new.
pub(super) struct Teller {
    ask: News,
    told: Vec<PluginNews>,
    at: Instant,
}

impl Teller {
    pub(super) fn new(ask: News) -> Self {
        Self {
            told: ask(),
            ask,
            at: Instant::now(),
        }
    }

    /// What is new, unless something was told within the pause.
    pub(super) fn news(&mut self, pause: Duration) -> Option<FromWorker> {
        if self.at.elapsed() < pause {
            return None;
        }
        self.at = Instant::now();
        let news = (self.ask)();
        if news == self.told {
            return None;
        }
        self.told.clone_from(&news);
        Some(FromWorker::News(news))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use causeway_model::workers::PluginMarks;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_what_is_new_is_told_and_not_too_often() {
        let calls = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&calls);
        let mut teller = Teller::new(Box::new(move || {
            let marks = PluginMarks {
                calls: counted.load(Ordering::Relaxed),
                ..PluginMarks::default()
            };
            vec![PluginNews {
                name: "mock".into(),
                marks,
                counters: Default::default(),
                is_degraded: false,
            }]
        }));
        calls.store(1, Ordering::Relaxed);
        assert!(teller.news(TELL).is_none());
        // Who leaves does not wait.
        let Some(FromWorker::News(news)) = teller.news(Duration::ZERO) else {
            panic!("nothing is told");
        };
        assert_eq!(news[0].marks.calls, 1);
        assert!(teller.news(Duration::ZERO).is_none());
        calls.store(2, Ordering::Relaxed);
        tokio::time::advance(TELL).await;
        assert!(teller.news(TELL).is_some());
    }
}
