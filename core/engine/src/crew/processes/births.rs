//! Pauses before workers are started: the more of them in a row lived shortly, the longer.
//!
//! Nobody has to wait for a cause that is gone: a plugin that the next worker will not load.

use std::pin::pin;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::timeout;

/// A process that lived so long was not born dying.
const YOUNG: Duration = Duration::from_secs(5);
/// The longest pause before a start.
const LONGEST: Duration = Duration::from_secs(30);

/// Short lives in a row.
#[derive(Debug, Default)]
pub(super) struct Births {
    young_deaths: Mutex<u32>,
    forgiven: Notify,
}

impl Births {
    /// Waits until the next may be started.
    pub(super) async fn wait(&self) {
        let mut forgiven = pin!(self.forgiven.notified());
        // Heard from now on, so that nothing is missed between the look and the wait.
        forgiven.as_mut().enable();
        let pause = pause(*self.young_deaths.lock());
        if !pause.is_zero() {
            // Either way it is over.
            drop(timeout(pause, forgiven).await);
        }
    }

    /// One ended after so long a life.
    pub(super) fn died(&self, lived: Duration) {
        let mut deaths = self.young_deaths.lock();
        *deaths = match lived < YOUNG {
            true => deaths.saturating_add(1),
            false => 0,
        };
    }

    /// What they died of is known, and gone.
    pub(super) fn forgive(&self) {
        *self.young_deaths.lock() = 0;
        self.forgiven.notify_waiters();
    }
}

fn pause(young_deaths: u32) -> Duration {
    match young_deaths {
        0 | 1 => Duration::ZERO,
        many => {
            let doubled = Duration::from_millis(100) * 2_u32.saturating_pow(many.min(20) - 2);
            doubled.min(LONGEST)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::time::Instant;

    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let millis = |deaths| pause(deaths).as_millis();
        assert_eq!(
            [0, 1, 2, 3, 4, 30, u32::MAX].map(millis),
            [0, 0, 100, 200, 400, 30_000, 30_000]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_a_cause_that_is_gone_waits_no_longer() {
        let births = Arc::new(Births::default());
        (0..20).for_each(|_| births.died(Duration::ZERO));
        let began = Instant::now();
        let waiting = Arc::clone(&births);
        let waiting = tokio::spawn(async move { waiting.wait().await });
        tokio::time::sleep(Duration::from_secs(1)).await;
        births.forgive();
        waiting.await.unwrap();
        births.wait().await;
        // On virtual time: without forgiveness each of the two is thirty seconds.
        assert_eq!(began.elapsed(), Duration::from_secs(1));
        (0..20).for_each(|_| births.died(Duration::ZERO));
        births.died(YOUNG);
        births.wait().await;
        assert_eq!(began.elapsed(), Duration::from_secs(1));
    }
}
