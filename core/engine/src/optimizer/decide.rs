//! Modes 0 to 3: the controller that operators know, step by step.
//!
//! A pure function from what is known of one link to how many transfers it may run. Rationales are
//! part of the contract: dashboards and people match on them. It knows neither clocks nor rows;
//! [`super::Optimizer`] keeps what it remembers and asks it when a link's turn has come.
//!
//! # Invariants
//! - A decision is never below 1, and unless a throughput limit or a shortage of work holds the
//!   value where it was it lies within the range: `tests/optimizer.rs`.

use causeway_model::Timestamp;

use super::range::{LinkSetup, Range};
use super::sample::{Constants, Mode, Sample};

/// What a link's last decision was based on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Memory {
    /// Moving average of the throughput, bytes per second.
    pub ema: f64,
    /// Percent of success.
    pub success_rate: f64,
    /// Mean file size.
    pub filesize_avg: f64,
    /// Retries of waiting transfers.
    pub retry_count: u64,
    /// When.
    pub at: Timestamp,
}

/// All that a decision depends on.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The constants.
    pub constants: &'a Constants,
    /// Mode, range and storage limits of the link.
    pub setup: &'a LinkSetup,
    /// What was measured.
    pub sample: &'a Sample,
    /// MiB/s of all running transfers from the source.
    pub source_throughput: f64,
    /// MiB/s of all running transfers into the destination.
    pub destination_throughput: f64,
    /// State of the last decision; none after a start.
    pub memory: Option<&'a Memory>,
    /// The value that holds now; 0 when there is none.
    pub previous: u32,
    /// Now.
    pub now: Timestamp,
}

/// A decision.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Transfers that may run.
    pub active: u32,
    /// Change that is shown; 0 where the reference shows none.
    pub diff: i64,
    /// Why.
    pub rationale: String,
    /// What to remember.
    pub memory: Memory,
}

/// Decides on one link; `None` when there is nothing to decide or nothing new.
pub fn decide(input: &Input<'_>) -> Option<Verdict> {
    let previous = i64::from(input.previous);
    let setup = input.setup;
    if setup.mode == Mode::Disabled {
        return None;
    }
    if input.previous == 0 {
        return Some(without_information(input));
    }
    let ema = next_ema(input);
    let memory = remember(input, ema);
    if setup.range.min == setup.range.max {
        let active = i64::from(setup.range.min);
        return Some(verdict(active, 0, "Range fixed".to_owned(), memory));
    }
    if let Some(rationale) = throughput_limit(input) {
        return Some(verdict(previous - 1, 0, rationale, memory));
    }
    if is_steady(input, ema) {
        return None;
    }
    let (decision, rationale) = weigh(input, ema);
    let mut rationale = rationale.to_owned();
    let clamped = clamp(decision, &setup.range, &mut rationale);
    let decided = hold_without_work(clamped, input, &mut rationale).max(1);
    Some(verdict(decided, decided - previous, rationale, memory))
}

/// Parallel streams of one transfer, for a link that may run `active`.
pub fn streams(constants: &Constants, mode: Mode, active: u32, sample: &Sample) -> u32 {
    let available = u64::from(sample.active_count) + sample.queue_size;
    if mode <= Mode::Conservative || available == 0 {
        return 1;
    }
    let streams = (u64::from(active) / available).clamp(1, u64::from(constants.max_streams.max(1)));
    u32::try_from(streams).unwrap_or(1)
}

fn verdict(active: i64, diff: i64, rationale: String, memory: Memory) -> Verdict {
    Verdict {
        active: u32::try_from(active.max(1)).unwrap_or(u32::MAX),
        diff,
        rationale,
        memory,
    }
}

fn remember(input: &Input<'_>, ema: f64) -> Memory {
    Memory {
        ema,
        success_rate: input.sample.success_rate,
        filesize_avg: input.sample.filesize_avg,
        retry_count: input.sample.retry_count,
        at: input.now,
    }
}

/// A link without a value: there is nothing to compare with, so a guess.
fn without_information(input: &Input<'_>) -> Verdict {
    let range = &input.setup.range;
    let (active, rationale) = if range.specific {
        (range.max, "No information. Use configured range max.")
    } else {
        let half = range.max.saturating_sub(range.min) / 2;
        (range.min + half, "No information. Start halfway.")
    };
    let memory = remember(input, input.sample.throughput);
    let active = i64::from(active);
    verdict(active, active, rationale.to_owned(), memory)
}

/// The first run takes the throughput as it is. Written as a step towards it, so that an unchanged
/// throughput gives exactly the average it had.
fn next_ema(input: &Input<'_>) -> f64 {
    let throughput = input.sample.throughput;
    match input.memory {
        None => throughput,
        Some(before) if throughput > 0.0 => {
            before.ema + input.constants.ema_alpha * (throughput - before.ema)
        }
        Some(before) => before.ema,
    }
}

fn throughput_limit(input: &Input<'_>) -> Option<String> {
    let limits = &input.setup.limits;
    let exceeded = |limit: Option<f64>, throughput: f64| limit.filter(|it| throughput > *it);
    let source = exceeded(limits.source_max_throughput, input.source_throughput)
        .map(|limit| format!("Source throughput limitation reached ({limit})"));
    source.or_else(|| {
        exceeded(
            limits.destination_max_throughput,
            input.destination_throughput,
        )
        .map(|limit| format!("Destination throughput limitation reached ({limit})"))
    })
}

/// Nothing new since a decision that is not old yet.
fn is_steady(input: &Input<'_>, ema: f64) -> bool {
    input.memory.is_some_and(|before| {
        input.sample.success_rate == before.success_rate
            && ema == before.ema
            && input.now.0 - before.at.0 < input.constants.steady_interval_millis
    })
}

fn weigh(input: &Input<'_>, ema: f64) -> (i64, &'static str) {
    // A first run compares with itself.
    let itself = remember(input, ema);
    let before = input.memory.unwrap_or(&itself);
    if input.sample.success_rate < input.constants.low_success {
        bad_efficiency(input, before)
    } else if ema == 0.0 {
        (
            i64::from(input.previous),
            "Steady, not enough throughput information",
        )
    } else {
        good_efficiency(input, before, ema)
    }
}

fn bad_efficiency(input: &Input<'_>, before: &Memory) -> (i64, &'static str) {
    let previous = i64::from(input.previous);
    let down = previous - i64::from(input.constants.decrease_step);
    let now = input.sample;
    if now.success_rate > before.success_rate
        && now.success_rate >= input.constants.base_success
        && now.retry_count <= before.retry_count
    {
        (previous, "Bad link efficiency but progressively improving")
    } else if now.success_rate < before.success_rate {
        (down, "Bad link efficiency")
    } else {
        (down, "Bad link efficiency, no changes")
    }
}

fn good_efficiency(input: &Input<'_>, before: &Memory, ema: f64) -> (i64, &'static str) {
    let constants = input.constants;
    let previous = i64::from(input.previous);
    let step = if input.setup.mode == Mode::Conservative {
        constants.increase_step
    } else {
        constants.aggressive_increase_step
    };
    let up = previous + i64::from(step);
    if input.sample.queue_size < u64::from(input.previous) {
        (previous, "Queue emptying. Hold on.")
    } else if ema < before.ema && lower_order(input.sample.filesize_avg, before.filesize_avg) {
        (
            up,
            "Good link efficiency, throughput deterioration, avg. filesize decreasing",
        )
    } else if ema < before.ema && lower_order(ema, before.ema) {
        (
            previous - i64::from(constants.decrease_step),
            "Good link efficiency, throughput deterioration",
        )
    } else if ema < before.ema {
        (
            previous,
            "Good link efficiency, small throughput deterioration",
        )
    } else if ema > before.ema {
        (
            up,
            "Good link efficiency, current average throughput is larger than the preceding average",
        )
    } else {
        (up, "Good link efficiency. Increment")
    }
}

/// Lower by an order of magnitude, after rounding.
fn lower_order(now: f64, before: f64) -> bool {
    now.log10().round() < before.log10().round()
}

fn clamp(decision: i64, range: &Range, rationale: &mut String) -> i64 {
    let (min, max) = (i64::from(range.min), i64::from(range.max));
    let is_above = decision > max;
    if decision < min {
        rationale.push_str(". Hit lower range limit");
    } else if is_above {
        rationale.push_str(". Hit upper range limit");
    } else {
        return decision;
    }
    if !range.specific {
        rationale.push_str(". Using *->* link configuration");
    } else if is_above && range.storage_specific {
        rationale.push_str(". Link not configured. Using SE limits");
    }
    decision.clamp(min, max)
}

/// No room for more than there is to do.
fn hold_without_work(decision: i64, input: &Input<'_>, rationale: &mut String) -> i64 {
    let previous = i64::from(input.previous);
    let queue = i64::try_from(input.sample.queue_size).unwrap_or(i64::MAX);
    let most = queue.saturating_mul(i64::from(input.constants.max_streams));
    if decision <= previous {
        return decision;
    }
    if input.setup.mode == Mode::Conservative && queue < decision {
        rationale.push_str(". Not enough files in the queue");
        previous
    } else if input.setup.mode > Mode::Conservative && decision > most {
        rationale.push_str(". Too many streams");
        previous
    } else {
        decision
    }
}
