//! Storages, links, transfers; one step is one second.
//!
//! A transfer first costs its set-up time, in which it holds a slot and moves nothing, then moves
//! at the rate of `flow`. A storage beyond its knee gets slower and lets attempts fail. In an
//! outage nothing moves and attempts fail after a few seconds. Recoverable failures are tried
//! again three times. All chance comes from one seeded generator.

use std::collections::VecDeque;
use std::sync::Arc;

use causeway_engine::optimizer::LinkWindow;
use causeway_engine::optimizer::window::{Ended, Waiting};
use causeway_model::{FileId, Timestamp};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::flow::{self, Flow};

const RETRIES: u32 = 3;
const RETRY_DELAY: f64 = 60.0;
const REPORT_EVERY: u64 = 5;
/// 2026-01-01.
const ORIGIN: i64 = 1_767_225_600;

/// From when to when, seconds.
pub(crate) type Span = (f64, f64);

/// A storage as it is built.
#[derive(Clone, Debug)]
pub(crate) struct StorageSpec {
    pub(crate) name: &'static str,
    /// Bytes per second.
    pub(crate) bandwidth: f64,
    /// Transfers from which it gets slower.
    pub(crate) knee: f64,
    /// How much slower: at twice the knee it does `1 / (1 + slower)` of its bandwidth.
    pub(crate) slower: f64,
    /// Failures per transfer and second at twice the knee.
    pub(crate) failures: f64,
    pub(crate) outage: Option<Span>,
}

/// A link as it is built.
#[derive(Clone, Debug)]
pub(crate) struct LinkSpec {
    pub(crate) source: usize,
    pub(crate) destination: usize,
    /// Bytes per second.
    pub(crate) bandwidth: f64,
    /// Bytes per second that one transfer can do.
    pub(crate) alone: f64,
    /// Seconds before a transfer moves its first byte.
    pub(crate) setup: f64,
    /// Share of the bandwidth that others take, and how it varies: mean, swing, period.
    pub(crate) others: (f64, f64, f64),
    /// From when on files have which median size, and the spread of its logarithm.
    pub(crate) sizes: Vec<(f64, f64, f64)>,
    /// Failures per transfer and second, whatever the load.
    pub(crate) failures: f64,
    /// When its work arrives.
    pub(crate) begins: f64,
}

struct Transfer {
    id: FileId,
    began: f64,
    size: f64,
    moved: f64,
    retry: u32,
}

struct Retry {
    id: FileId,
    size: f64,
    retry: u32,
    failed_at: f64,
}

/// A link at work.
pub(crate) struct Link {
    pub(crate) spec: LinkSpec,
    pub(crate) source_se: Arc<str>,
    pub(crate) dest_se: Arc<str>,
    pub(crate) window: LinkWindow,
    /// Transfers it may run.
    pub(crate) limit: u32,
    running: Vec<Transfer>,
    waiting: VecDeque<Retry>,
    /// Bytes of the last second.
    pub(crate) rate: f64,
    /// Bytes of finished transfers and of those on their way.
    pub(crate) kept: f64,
    pub(crate) failed: u64,
}

impl Link {
    pub(crate) fn running(&self) -> usize {
        self.running.len()
    }
}

/// Everything.
pub(crate) struct World {
    storages: Vec<StorageSpec>,
    pub(crate) links: Vec<Link>,
    pub(crate) seconds: u64,
    storage_limit: usize,
    next_id: u64,
    rng: StdRng,
}

impl World {
    pub(crate) fn new(storages: &[StorageSpec], links: &[LinkSpec], seed: u64) -> Self {
        let name = |index: usize| Arc::from(format!("mock://{}", storages[index].name));
        let links = links.iter().map(|spec| Link {
            source_se: name(spec.source),
            dest_se: name(spec.destination),
            window: LinkWindow::new(Timestamp::from_seconds(ORIGIN)),
            limit: 2,
            running: Vec::new(),
            waiting: VecDeque::new(),
            rate: 0.0,
            kept: 0.0,
            failed: 0,
            spec: spec.clone(),
        });
        Self {
            links: links.collect(),
            storages: storages.to_vec(),
            seconds: 0,
            storage_limit: 200,
            next_id: 1,
            rng: StdRng::seed_from_u64(seed),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_seconds(ORIGIN + self.seconds as i64)
    }

    /// The engine forgets what it measured.
    pub(crate) fn forget_windows(&mut self) {
        let now = self.now();
        for link in &mut self.links {
            link.window = LinkWindow::new(now);
            for it in &link.running {
                link.window.started(now, it.id, it.size as u64, None);
            }
        }
    }

    /// Transfers at each storage.
    fn crowds(&self) -> Vec<usize> {
        let mut crowds = vec![0; self.storages.len()];
        for link in &self.links {
            crowds[link.spec.source] += link.running.len();
            crowds[link.spec.destination] += link.running.len();
        }
        crowds
    }

    /// One second.
    pub(crate) fn step(&mut self) {
        self.start();
        let crowds = self.crowds();
        let rates = self.rates(&crowds);
        let time = self.seconds as f64;
        self.seconds += 1;
        let now = self.now();
        for (index, rate) in rates.into_iter().enumerate() {
            let spec = &self.links[index].spec;
            let ends = [spec.source, spec.destination];
            let is_out = ends
                .iter()
                .any(|it| is_within(time, self.storages[*it].outage));
            let hazard = if is_out {
                0.2
            } else {
                let overload = ends.map(|it| overload(&self.storages[it], crowds[it]));
                let by_load = ends.map(|it| self.storages[it].failures);
                spec.failures + overload[0] * by_load[0] + overload[1] * by_load[1]
            };
            let link = &mut self.links[index];
            link.advance(
                now,
                time,
                if is_out { 0.0 } else { rate },
                hazard,
                &mut self.rng,
            );
        }
    }

    fn start(&mut self) {
        let mut crowds = self.crowds();
        let time = self.seconds as f64;
        let now = self.now();
        let first = self.seconds as usize % self.links.len();
        loop {
            let mut started = false;
            for offset in 0..self.links.len() {
                let index = (first + offset) % self.links.len();
                let link = &mut self.links[index];
                let ends = [link.spec.source, link.spec.destination];
                let is_full = ends.iter().any(|it| crowds[*it] >= self.storage_limit);
                if time < link.spec.begins || link.running.len() >= link.limit as usize || is_full {
                    continue;
                }
                link.begin(now, time, &mut self.next_id, &mut self.rng);
                ends.iter().for_each(|it| crowds[*it] += 1);
                started = true;
            }
            if !started {
                return;
            }
        }
    }

    fn rates(&self, crowds: &[usize]) -> Vec<f64> {
        let time = self.seconds as f64;
        let capacities: Vec<f64> = self
            .storages
            .iter()
            .zip(crowds)
            .map(|(it, crowd)| it.bandwidth / (1.0 + it.slower * overload(it, *crowd)))
            .collect();
        let flows: Vec<Flow> = self
            .links
            .iter()
            .map(|link| {
                let (mean, swing, period) = link.spec.others;
                let wave = (std::f64::consts::TAU * time / period.max(1.0)).sin();
                let others = (mean + swing * wave.signum() * wave.abs().sqrt()).clamp(0.0, 0.95);
                let moving = |it: &&Transfer| time - it.began >= link.spec.setup;
                Flow {
                    transfers: link.running.iter().filter(moving).count() as f64,
                    alone: link.spec.alone,
                    bandwidth: link.spec.bandwidth * (1.0 - others),
                    ends: [link.spec.source, link.spec.destination],
                }
            })
            .collect();
        flow::rates(&flows, &capacities)
    }
}

/// How far beyond its knee: 0 up to it, 1 at twice.
fn overload(storage: &StorageSpec, crowd: usize) -> f64 {
    (crowd as f64 / storage.knee - 1.0).max(0.0)
}

fn is_within(time: f64, span: Option<Span>) -> bool {
    span.is_some_and(|(from, to)| (from..to).contains(&time))
}

impl Link {
    /// Files that wait: there is always more.
    pub(crate) fn queue_size(&self, time: f64) -> u64 {
        let fresh = if time < self.spec.begins { 0 } else { 5000 };
        fresh + self.waiting.len() as u64
    }

    fn begin(&mut self, now: Timestamp, time: f64, next_id: &mut u64, rng: &mut StdRng) {
        let is_ripe = |it: &Retry| time - it.failed_at >= RETRY_DELAY;
        let (id, size, retry, waiting) = if self.waiting.front().is_some_and(is_ripe)
            && let Some(it) = self.waiting.pop_front()
        {
            let since = Timestamp(now.0 - ((time - it.failed_at) * 1000.0) as i64);
            let waiting = Waiting {
                since,
                retry: it.retry,
            };
            (it.id, it.size, it.retry, Some(waiting))
        } else {
            *next_id += 1;
            (FileId(*next_id), self.draw_size(time, rng), 0, None)
        };
        self.window.started(now, id, size as u64, waiting);
        self.running.push(Transfer {
            id,
            began: time,
            size,
            moved: 0.0,
            retry,
        });
    }

    fn draw_size(&self, time: f64, rng: &mut StdRng) -> f64 {
        let (_, median, spread) = self
            .spec
            .sizes
            .iter()
            .rfind(|(from, ..)| *from <= time)
            .copied()
            .unwrap_or((0.0, 1e9, 0.0));
        // The sum of twelve uniform numbers is close enough to a normal one.
        let normal: f64 = (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0;
        median * (spread * normal).exp()
    }

    fn advance(&mut self, now: Timestamp, time: f64, rate: f64, hazard: f64, rng: &mut StdRng) {
        self.rate = 0.0;
        let mut index = 0;
        while index < self.running.len() {
            let it = &mut self.running[index];
            let is_moving = time - it.began >= self.spec.setup;
            let moved = if is_moving {
                rate.min(it.size - it.moved)
            } else {
                0.0
            };
            it.moved += moved;
            self.rate += moved;
            self.kept += moved;
            if hazard > 0.0 && rng.random::<f64>() < hazard {
                self.fail(now, time, index);
            } else if it.moved >= it.size {
                let it = self.running.swap_remove(index);
                let seconds = time + 1.0 - it.began;
                let size = it.size as u64;
                self.window
                    .ended(now, it.id, Ended::Finished { size, seconds });
            } else {
                if (time as u64 + it.id.0).is_multiple_of(REPORT_EVERY) {
                    self.window
                        .progressed(now, it.id, it.moved as u64, it.size as u64);
                }
                index += 1;
            }
        }
    }

    fn fail(&mut self, now: Timestamp, time: f64, index: usize) {
        let it = self.running.swap_remove(index);
        self.kept -= it.moved;
        self.failed += 1;
        let retry = it.retry + 1;
        if retry > RETRIES {
            self.window
                .ended(now, it.id, Ended::Failed { recoverable: true });
            return;
        }
        self.window.ended(now, it.id, Ended::Retried { retry });
        self.waiting.push_back(Retry {
            id: it.id,
            size: it.size,
            retry,
            failed_at: time + 1.0,
        });
    }
}
