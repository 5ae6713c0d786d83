//! The buckets of a link against a computation over every event.
//!
//! Random lives of a link; after each some questions. Throughput must agree within 5 % of the
//! highest there was, counts within what happened in one bucket at the old end of the window.

use causeway_engine::optimizer::LinkWindow;
use causeway_engine::optimizer::window::{Ended, Waiting, success_rate, window_for};
use causeway_model::{FileId, Timestamp};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

#[derive(Clone, Copy, Debug)]
struct Finished {
    at: f64,
    seconds: f64,
    size: f64,
}

#[derive(Clone, Copy, Debug)]
struct Running {
    id: u64,
    since: f64,
    lasts: f64,
    size: f64,
    bytes: f64,
}

/// Everything that ever happened.
#[derive(Default)]
struct Exact {
    finished: Vec<Finished>,
    running: Vec<Running>,
    failed: Vec<f64>,
    waiting: Vec<(f64, u32)>,
}

fn stamp(seconds: f64) -> Timestamp {
    Timestamp((seconds * 1000.0) as i64)
}

impl Exact {
    fn window(&self, now: f64) -> f64 {
        let times: Vec<f64> = self
            .finished
            .iter()
            .filter(|it| it.at > now - 1800.0 && it.seconds > 0.0)
            .map(|it| it.seconds)
            .collect();
        window_for(times.iter().sum::<f64>() / times.len().max(1) as f64)
    }

    fn throughput(&self, now: f64, window: f64) -> f64 {
        let since = now - window;
        let finished: f64 = self
            .finished
            .iter()
            .filter(|it| it.at > since)
            .map(|it| match it.seconds {
                0.0 => it.size,
                seconds => it.size / seconds * (it.at - since.max(it.at - seconds)),
            })
            .sum();
        let running: f64 = self
            .running
            .iter()
            .filter(|it| now > it.since)
            .map(|it| it.bytes / (now - it.since) * (now - it.since.max(since)))
            .sum();
        (finished + running) / window
    }

    /// Finished, failed, retries, mean size; everything after `since`.
    fn counts(&self, since: f64) -> (u64, u64, u64) {
        let finished = self.finished.iter().filter(|it| it.at > since).count();
        let failed = self.failed.iter().filter(|it| **it > since).count();
        let waiting = self.waiting.iter().filter(|it| it.0 > since);
        let retries = waiting.clone().map(|it| u64::from(it.1)).sum();
        (finished as u64, (failed + waiting.count()) as u64, retries)
    }

    fn sizes(&self, since: f64) -> Vec<f64> {
        let finished = self.finished.iter().filter(|it| it.at > since);
        let sizes = finished.map(|it| it.size);
        sizes.chain(self.running.iter().map(|it| it.size)).collect()
    }
}

/// One second in the life of a link.
fn live(time: f64, exact: &mut Exact, window: &mut LinkWindow, rng: &mut StdRng, mean: f64) {
    let mut index = 0;
    while index < exact.running.len() {
        let it = &mut exact.running[index];
        it.bytes = (it.size * (time - it.since) / it.lasts)
            .min(it.size)
            .floor();
        let (id, since) = (FileId(it.id), it.since);
        window.progressed(stamp(time), id, it.bytes as u64, it.size as u64);
        if time - it.since < it.lasts {
            index += 1;
            continue;
        }
        let it = exact.running.swap_remove(index);
        match rng.random_range(0..10) {
            0 => {
                exact.failed.push(time);
                let failed = Ended::Failed { recoverable: true };
                window.ended(stamp(time), id, failed);
            }
            1 => {
                let retry = rng.random_range(1..4);
                exact.waiting.push((time, retry));
                window.ended(stamp(time), id, Ended::Retried { retry });
            }
            _ => {
                let seconds = time - since;
                exact.finished.push(Finished {
                    at: time,
                    seconds,
                    size: it.size,
                });
                let finished = Ended::Finished {
                    size: it.size as u64,
                    seconds,
                };
                window.ended(stamp(time), id, finished);
            }
        }
    }
    while exact.running.len() < 20 && rng.random_range(0..4) == 0 {
        let id = rng.random();
        let waiting = if exact.waiting.len() > 5 {
            let (since, retry) = exact.waiting.remove(0);
            let since = stamp(since);
            Some(Waiting { since, retry })
        } else {
            None
        };
        let size = rng.random_range(1e6..1e9_f64).floor();
        window.started(stamp(time), FileId(id), size as u64, waiting);
        exact.running.push(Running {
            id,
            since: time,
            lasts: mean * rng.random_range(0.2..1.8),
            size,
            bytes: 0.0,
        });
    }
}

#[test]
fn agrees_with_every_event() {
    let mut rng = StdRng::seed_from_u64(11);
    let mut compared = 0;
    for mean in [5.0, 20.0, 100.0, 700.0, 1500.0] {
        let mut exact = Exact::default();
        let mut window = LinkWindow::new(stamp(0.0));
        let mut highest: f64 = 0.0;
        for second in 1..6000_u32 {
            let time = f64::from(second);
            live(time, &mut exact, &mut window, &mut rng, mean);
            if second % 97 != 0 {
                continue;
            }
            let seconds = window.window_seconds(stamp(time));
            if seconds != exact.window(time) {
                // The mean is so near a border that the tolerance decides.
                continue;
            }
            compared += 1;
            let sample = window.sample(stamp(time), 7);
            let expected = exact.throughput(time, seconds);
            highest = highest.max(expected);
            assert!(
                (sample.throughput - expected).abs() <= 0.05 * highest,
                "{time}: {} instead of {expected}",
                sample.throughput
            );
            // Whatever is up to 15 s too young or too old may be counted or not.
            let since = time - seconds;
            let (least, most) = (exact.counts(since + 15.0), exact.counts(since - 15.0));
            assert!((least.2..=most.2).contains(&sample.retry_count));
            let lowest = success_rate(least.0, most.1);
            let best = success_rate(most.0, least.1);
            assert!((lowest..=best).contains(&sample.success_rate));
            let sizes = exact.sizes(since);
            let mean = sizes.iter().sum::<f64>() / sizes.len().max(1) as f64;
            assert!((sample.filesize_avg - mean).abs() <= 0.15 * mean, "{time}");
            assert_eq!(sample.active_count as usize, exact.running.len());
        }
    }
    assert!(compared > 200, "{compared}");
}

#[test]
fn totals_miss_nothing() {
    let mut rng = StdRng::seed_from_u64(12);
    let mut exact = Exact::default();
    let mut window = LinkWindow::new(stamp(0.0));
    let mut active_seconds = 0.0;
    for second in 1..5000_u32 {
        active_seconds += exact.running.len() as f64;
        live(second.into(), &mut exact, &mut window, &mut rng, 40.0);
    }
    let totals = window.totals(stamp(4999.0));
    assert_eq!(totals.finished as usize, exact.finished.len());
    assert!((totals.active_seconds - active_seconds).abs() < 1.0);
    let kept: f64 = exact.finished.iter().map(|it| it.size).sum();
    assert!(totals.bytes >= kept);
}
