//! When which link's turn is, and what is remembered of it between decisions.
//!
//! Called with all links that run or queue something. Modes 0 to 3 decide once in their interval,
//! however often they are called; mode 4 looks at every call, all its links together. What is
//! remembered of a link goes when the link is not given any more for half an hour.

use std::collections::HashMap;
use std::sync::Arc;

use causeway_model::{EvolutionRow, OptimizerRow, Timestamp};

use super::controller::{Choice, Controller, View};
use super::decide::{self, Memory};
use super::range::LinkSetup;
use super::sample::{Constants, Mode, Recent, Sample};
use super::window::{LinkWindow, Totals};

/// A link without activity is remembered for so long.
const FORGET_MILLIS: i64 = 1_800_000;
const MIB: f64 = 1_048_576.0;

/// One link with activity, as the caller knows it.
#[derive(Clone, Debug)]
pub struct LinkInput<'a> {
    /// Source storage.
    pub source_se: &'a Arc<str>,
    /// Destination storage.
    pub dest_se: &'a Arc<str>,
    /// Mode, range and limits, as configured.
    pub setup: &'a LinkSetup,
    /// What happened on it.
    pub window: &'a LinkWindow,
    /// Transfers that wait.
    pub queue_size: u64,
    /// The value of its optimizer row; 0 when there is none. A change from outside is followed.
    pub stored: u32,
}

/// A new value for a link, with the rows to write.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The value: `source_se`, `dest_se`, `active`, `nostreams`.
    pub value: OptimizerRow,
    /// How it came about.
    pub evolution: EvolutionRow,
}

#[derive(Clone, Debug)]
struct Link {
    totals: Totals,
    at: Timestamp,
    memory: Option<Memory>,
    /// When the last decision was made, and when the last row was given out.
    decided: Option<Timestamp>,
    told: Option<Timestamp>,
    /// Mode 4 has no use for an average but shows one.
    ema: Option<f64>,
}

/// The optimizer: one for the gateway.
#[derive(Clone, Debug, Default)]
pub struct Optimizer {
    constants: Constants,
    controller: Controller,
    links: HashMap<(Arc<str>, Arc<str>), Link>,
}

impl Optimizer {
    /// Nothing known yet.
    pub fn new(constants: Constants) -> Self {
        Self {
            constants,
            ..Self::default()
        }
    }

    /// Looks at all links with activity; gives the decisions that are new.
    pub fn tick(&mut self, now: Timestamp, inputs: &[LinkInput<'_>]) -> Vec<Decision> {
        let slices: Vec<_> = inputs.iter().map(|it| self.slice(now, it)).collect();
        let choices = self.choices(inputs, &slices);
        let mut flows = None;
        let mut decisions = Vec::new();
        for (input, choice) in inputs.iter().zip(choices) {
            let decision = match choice {
                Some(choice) => self.tell(now, input, choice),
                None if self.is_due(now, input) => {
                    let flows = flows.get_or_insert_with(|| Flows::of(now, inputs));
                    self.by_reference(now, input, flows)
                }
                None => None,
            };
            decisions.extend(decision);
        }
        self.links.retain(|_, it| now.0 - it.at.0 <= FORGET_MILLIS);
        decisions
    }

    /// The first value of a link of which nothing is known.
    pub fn begin(&mut self, now: Timestamp, input: &LinkInput<'_>) -> Option<Decision> {
        if input.setup.mode == Mode::Own {
            let choice = Choice {
                active: input.setup.range.min,
                rationale: "First transfers of the link: start low and look".to_owned(),
            };
            return self.tell(now, input, choice);
        }
        if !self.is_due(now, input) {
            return None;
        }
        let flows = Flows::of(now, std::slice::from_ref(input));
        self.by_reference(now, input, &flows)
    }

    fn link(&mut self, now: Timestamp, input: &LinkInput<'_>) -> &mut Link {
        let key = (Arc::clone(input.source_se), Arc::clone(input.dest_se));
        self.links.entry(key).or_insert_with(|| Link {
            totals: input.window.totals(now),
            at: now,
            memory: None,
            decided: None,
            told: None,
            ema: None,
        })
    }

    /// What happened on a link since the last call.
    fn slice(&mut self, now: Timestamp, input: &LinkInput<'_>) -> Recent {
        let totals = input.window.totals(now);
        let link = self.link(now, input);
        let before = std::mem::replace(&mut link.totals, totals);
        let seconds = now.seconds_since(link.at);
        link.at = now;
        let is_new_window = totals.active_seconds < before.active_seconds;
        if seconds <= 0.0 || is_new_window {
            return Recent::default();
        }
        let count = |now: u64, before: u64| u32::try_from(now.saturating_sub(before));
        Recent {
            seconds,
            throughput: (totals.bytes - before.bytes).max(0.0) / seconds,
            active: (totals.active_seconds - before.active_seconds) / seconds,
            finished: count(totals.finished, before.finished).unwrap_or(u32::MAX),
            failed: count(totals.failed, before.failed).unwrap_or(u32::MAX),
        }
    }

    // Mode 4.

    fn choices(&mut self, inputs: &[LinkInput<'_>], slices: &[Recent]) -> Vec<Option<Choice>> {
        if inputs.iter().all(|it| it.setup.mode != Mode::Own) {
            self.controller = Controller::default();
            return vec![None; inputs.len()];
        }
        let views: Vec<_> = inputs
            .iter()
            .zip(slices)
            .map(|(input, slice)| view(input, slice))
            .collect();
        self.controller.step(&views)
    }

    /// Rows for a choice that changes something, or when none were written for a while.
    fn tell(&mut self, now: Timestamp, input: &LinkInput<'_>, choice: Choice) -> Option<Decision> {
        let steady = self.constants.steady_interval_millis;
        let link = self.link(now, input);
        let is_old = link.told.is_none_or(|it| now.0 - it.0 >= steady);
        if choice.active == input.stored && !is_old {
            return None;
        }
        let sample = input.window.sample(now, input.queue_size);
        let before = link.ema.unwrap_or(sample.throughput);
        let ema = before + self.constants.ema_alpha * (sample.throughput - before);
        let link = self.link(now, input);
        link.ema = Some(ema);
        let diff = i64::from(choice.active) - i64::from(input.stored);
        Some(self.decision(now, input, &sample, choice, diff, ema))
    }

    // Modes 0 to 3.

    fn is_due(&mut self, now: Timestamp, input: &LinkInput<'_>) -> bool {
        let interval = self.constants.interval_millis;
        let link = self.link(now, input);
        // A call that comes a little early is meant: ticks do not come to the millisecond.
        let is_due = link
            .decided
            .is_none_or(|it| now.0 - it.0 >= interval - interval / 20);
        is_due && input.setup.mode != Mode::Disabled
    }

    fn by_reference(
        &mut self,
        now: Timestamp,
        input: &LinkInput<'_>,
        flows: &Flows<'_>,
    ) -> Option<Decision> {
        let sample = input.window.sample(now, input.queue_size);
        let constants = self.constants;
        let link = self.link(now, input);
        link.decided = Some(now);
        let verdict = decide::decide(&decide::Input {
            constants: &constants,
            setup: input.setup,
            sample: &sample,
            source_throughput: flows.out_of(input.source_se),
            destination_throughput: flows.into(input.dest_se),
            memory: link.memory.as_ref(),
            previous: input.stored,
            now,
        })?;
        link.memory = Some(verdict.memory);
        let choice = Choice {
            active: verdict.active,
            rationale: verdict.rationale,
        };
        let ema = verdict.memory.ema;
        Some(self.decision(now, input, &sample, choice, verdict.diff, ema))
    }

    fn decision(
        &mut self,
        now: Timestamp,
        input: &LinkInput<'_>,
        sample: &Sample,
        choice: Choice,
        diff: i64,
        ema: f64,
    ) -> Decision {
        self.link(now, input).told = Some(now);
        let (source_se, dest_se) = (Arc::clone(input.source_se), Arc::clone(input.dest_se));
        let active = choice.active;
        Decision {
            value: OptimizerRow {
                source_se: Arc::clone(&source_se),
                dest_se: Arc::clone(&dest_se),
                datetime: now,
                ema,
                active,
                nostreams: decide::streams(&self.constants, input.setup.mode, active, sample),
            },
            evolution: EvolutionRow {
                datetime: now,
                source_se,
                dest_se,
                active,
                throughput: sample.throughput,
                success: sample.success_rate,
                rationale: choice.rationale,
                diff,
                actual_active: sample.active_count,
                queue_size: sample.queue_size,
                ema,
                filesize_avg: sample.filesize_avg,
                filesize_stddev: sample.filesize_stddev,
            },
        }
    }
}

fn view(input: &LinkInput<'_>, slice: &Recent) -> View {
    let limits = &input.setup.limits;
    View {
        source_se: Arc::clone(input.source_se),
        dest_se: Arc::clone(input.dest_se),
        is_guest: input.setup.mode != Mode::Own,
        range: input.setup.range,
        source_limit: limits.source_max_active,
        destination_limit: limits.destination_max_active,
        slice: *slice,
        active: input.window.active(),
        queue_size: input.queue_size,
        stored: input.stored,
    }
}

/// MiB/s of all running transfers, by storage.
struct Flows<'a> {
    out: HashMap<&'a str, f64>,
    into: HashMap<&'a str, f64>,
}

impl<'a> Flows<'a> {
    fn of(now: Timestamp, inputs: &[LinkInput<'a>]) -> Self {
        let mut flows = Self {
            out: HashMap::new(),
            into: HashMap::new(),
        };
        for input in inputs {
            let throughput = input.window.active_throughput(now) / MIB;
            *flows.out.entry(&**input.source_se).or_default() += throughput;
            *flows.into.entry(&**input.dest_se).or_default() += throughput;
        }
        flows
    }

    fn out_of(&self, storage: &str) -> f64 {
        self.out.get(storage).copied().unwrap_or_default()
    }

    fn into(&self, storage: &str) -> f64 {
        self.into.get(storage).copied().unwrap_or_default()
    }
}
