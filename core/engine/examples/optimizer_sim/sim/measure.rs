//! What a run was worth, against the best number that never changes.

use super::run::{Policy, Story, run};
use super::scenario::Scenario;

/// Throughput is taken as the mean of so many seconds.
const SMOOTH: usize = 30;
/// Numbers that are tried for every link, all the time.
const GRID: [u32; 13] = [2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 80, 104, 130];

/// The best that one unchanging number does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reference {
    /// The number for each link: the smallest within 3 % of the best.
    pub(crate) limit: u32,
    /// Bytes that the best one moved in the whole run.
    pub(crate) kept: f64,
    /// Bytes per second of the smallest number within 3 % of the best while all was calm.
    pub(crate) throughput: f64,
    /// Transfers that it ran then, all links together.
    pub(crate) running: f64,
}

/// What a run was worth.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    /// Bytes moved, as a share of the best unchanging number's.
    pub(crate) goodput: f64,
    /// Seconds to 90 % of the best throughput.
    pub(crate) to_90: Option<f64>,
    /// The same with at most half more transfers than needed.
    pub(crate) to_knee: Option<f64>,
    /// Transfers that ran in the steady phase, as a share of those needed.
    pub(crate) load: f64,
    /// Standard deviation of the number in the steady phase, as a share of its mean.
    pub(crate) wobble: f64,
    /// Mean change of the number in a minute of the steady phase.
    pub(crate) change: f64,
    /// Jain's index over what the links moved once all of them had work.
    pub(crate) fairness: f64,
    /// Seconds from the outage to half the number or less.
    pub(crate) reaction: Option<f64>,
    /// Seconds from its end to 90 % of the throughput.
    pub(crate) recovery: Option<f64>,
    /// Attempts that failed.
    pub(crate) failed: u64,
}

/// Tries unchanging numbers.
pub(crate) fn reference(scenario: &Scenario, seed: u64, lasts: u64) -> Reference {
    let stories: Vec<(u32, Story)> = GRID
        .iter()
        .map(|it| (*it, run(scenario, Policy::Fixed(*it), seed, lasts)))
        .collect();
    let best = stories.iter().map(|it| it.1.kept).fold(0.0, f64::max);
    let calm = calm(scenario, lasts);
    let moments = |story: &Story| story.moments[calm / 10..calm].to_vec();
    let throughput =
        |story: &Story| mean(moments(story).iter().map(|it| it.rates.iter().sum::<f64>()));
    let in_calm = stories
        .iter()
        .map(|it| throughput(&it.1))
        .fold(0.0, f64::max);
    let (_, story) = stories
        .iter()
        .find(|it| throughput(&it.1) >= 0.97 * in_calm)
        .expect("the best is within 3 % of itself");
    let (limit, _) = stories
        .iter()
        .find(|it| it.1.kept >= 0.97 * best)
        .expect("the best is within 3 % of itself");
    let running = |it: &super::run::Moment| it.running.iter().sum::<usize>() as f64;
    Reference {
        limit: *limit,
        kept: best,
        throughput: throughput(story),
        running: mean(moments(story).iter().map(running)),
    }
}

fn calm(scenario: &Scenario, lasts: u64) -> usize {
    scenario.calm_until.min(lasts) as usize
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), it| (sum + it, count + 1.0));
    if count == 0.0 { 0.0 } else { sum / count }
}

/// Measures a run.
pub(crate) fn figures(scenario: &Scenario, story: &Story, reference: &Reference) -> Figures {
    let all = &story.moments;
    let calm = calm(scenario, all.len() as u64);
    let steady = calm / 2..calm;
    let limits: Vec<f64> = all
        .iter()
        .map(|it| it.limits.iter().map(|it| f64::from(*it)).sum())
        .collect();
    let running: Vec<f64> = all
        .iter()
        .map(|it| it.running.iter().sum::<usize>() as f64)
        .collect();
    let rates: Vec<f64> = all.iter().map(|it| it.rates.iter().sum()).collect();
    let center = mean(limits[steady.clone()].iter().copied());
    let spread = mean(
        limits[steady.clone()]
            .iter()
            .map(|it| (it - center).powi(2)),
    );
    let changes = limits[steady.clone()]
        .windows(2)
        .map(|it| (it[1] - it[0]).abs());
    let fast = |from: usize, most: f64| {
        (from + SMOOTH..all.len()).find(|it| {
            mean(rates[it - SMOOTH..*it].iter().copied()) >= 0.9 * reference.throughput
                && running[*it] <= most
        })
    };
    let since = |from: f64, at: Option<usize>| at.map(|it| it as f64 - from);
    let outage = scenario.storages.iter().find_map(|it| it.outage);
    Figures {
        goodput: story.kept / reference.kept,
        to_90: since(0.0, fast(0, f64::INFINITY)),
        to_knee: since(0.0, fast(0, 1.5 * reference.running)),
        load: mean(running[steady].iter().copied()) / reference.running,
        wobble: spread.sqrt() / center,
        change: mean(changes) * 60.0,
        fairness: fairness(scenario, story),
        reaction: outage.and_then(|(from, to)| {
            let before = limits[from as usize];
            let at = (from as usize..to as usize).find(|it| limits[*it] <= 0.5 * before);
            since(from, at)
        }),
        recovery: outage.and_then(|(_, to)| since(to, fast(to as usize, f64::INFINITY))),
        failed: story.failed,
    }
}

/// Jain's index over what the links moved, from five minutes after the last of them began.
fn fairness(scenario: &Scenario, story: &Story) -> f64 {
    let begins = scenario
        .links
        .iter()
        .map(|it| it.begins)
        .fold(0.0, f64::max);
    let from = (begins as usize + 300).min(story.moments.len());
    let links = scenario.links.len();
    let moved: Vec<f64> = (0..links)
        .map(|link| story.moments[from..].iter().map(|it| it.rates[link]).sum())
        .collect();
    let sum: f64 = moved.iter().sum();
    let squares: f64 = moved.iter().map(|it| it * it).sum();
    sum * sum / (squares * links as f64).max(f64::MIN_POSITIVE)
}
