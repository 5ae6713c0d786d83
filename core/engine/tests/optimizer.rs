//! Modes 0 to 3 by their tables, and what must hold for any input.

use causeway_engine::optimizer::decide::{Input, Memory, Verdict, decide, streams};
use causeway_engine::optimizer::range::{LinkSetup, Range, StorageLimits};
use causeway_engine::optimizer::{Constants, Mode, Sample};
use causeway_model::Timestamp;
use proptest::prelude::*;

const MINUTE: i64 = 60;
const NOW: Timestamp = Timestamp(1_767_225_600_000);

fn setup(mode: Mode) -> LinkSetup {
    LinkSetup {
        mode,
        range: Range {
            min: 2,
            max: 130,
            specific: false,
            storage_specific: false,
        },
        limits: StorageLimits {
            source_max_active: 200,
            destination_max_active: 200,
            source_max_throughput: None,
            destination_max_throughput: None,
        },
    }
}

/// A link in its stride: everything succeeds, the throughput is 10 MB/s as before.
#[derive(Clone, Debug)]
struct Case {
    setup: LinkSetup,
    constants: Constants,
    sample: Sample,
    memory: Option<Memory>,
    previous: u32,
    flows: (f64, f64),
}

fn case(mode: Mode, previous: u32) -> Case {
    Case {
        setup: setup(mode),
        // The newest throughput counts in full, so that a test can name an average.
        constants: Constants {
            ema_alpha: 1.0,
            ..Constants::default()
        },
        sample: Sample {
            throughput: 1e7,
            filesize_avg: 1e9,
            success_rate: 100.0,
            queue_size: 100,
            ..Sample::default()
        },
        memory: Some(Memory {
            ema: 1e7,
            success_rate: 100.0,
            filesize_avg: 1e9,
            retry_count: 0,
            at: Timestamp(NOW.0 - 1000 * MINUTE * 10),
        }),
        previous,
        flows: (0.0, 0.0),
    }
}

impl Case {
    fn decide(&self) -> Option<Verdict> {
        decide(&Input {
            constants: &self.constants,
            setup: &self.setup,
            sample: &self.sample,
            source_throughput: self.flows.0,
            destination_throughput: self.flows.1,
            memory: self.memory.as_ref(),
            previous: self.previous,
            now: NOW,
        })
    }

    fn says(&self, active: u32, diff: i64, rationale: &str) -> Verdict {
        let verdict = self.decide().expect("a decision");
        assert_eq!(verdict.rationale, rationale);
        assert_eq!(
            (verdict.active, verdict.diff),
            (active, diff),
            "{rationale}"
        );
        verdict
    }

    fn before(&mut self) -> &mut Memory {
        self.memory.as_mut().expect("cases remember")
    }
}

#[test]
fn mode_0_decides_nothing() {
    assert_eq!(case(Mode::Disabled, 0).decide(), None);
    assert_eq!(case(Mode::Disabled, 20).decide(), None);
}

#[test]
fn without_a_value_it_guesses() {
    let mut it = case(Mode::Normal, 0);
    let verdict = it.says(66, 66, "No information. Start halfway.");
    assert_eq!(verdict.memory.ema, 1e7);
    it.setup.range = Range {
        min: 2,
        max: 40,
        specific: true,
        storage_specific: false,
    };
    it.says(40, 40, "No information. Use configured range max.");
}

#[test]
fn a_first_run_compares_with_itself() {
    let mut it = case(Mode::Conservative, 20);
    it.memory = None;
    let verdict = it.says(21, 1, "Good link efficiency. Increment");
    assert_eq!(verdict.memory.ema, 1e7);
    it.constants = Constants::default();
    it.sample.throughput = 12_345_678.9;
    it.says(21, 1, "Good link efficiency. Increment");
    it.sample.success_rate = 90.0;
    it.says(19, -1, "Bad link efficiency, no changes");
}

#[test]
fn the_average_moves_by_a_tenth_and_keeps_still_without_throughput() {
    let mut it = case(Mode::Normal, 20);
    it.constants = Constants::default();
    it.sample.throughput = 2e7;
    assert!((it.decide().unwrap().memory.ema - 1.1e7).abs() < 1.0);
    it.sample.throughput = 0.0;
    assert_eq!(it.decide().unwrap().memory.ema, 1e7);
}

#[test]
fn a_range_of_one_number_is_that_number() {
    let mut it = case(Mode::Normal, 20);
    (it.setup.range.min, it.setup.range.max) = (5, 5);
    it.says(5, 0, "Range fixed");
}

#[test]
fn throughput_limits_take_one_away() {
    let mut it = case(Mode::Normal, 20);
    it.setup.limits.source_max_throughput = Some(100.0);
    it.setup.limits.destination_max_throughput = Some(44.5);
    it.flows = (100.0, 44.5);
    it.says(22, 2, "Good link efficiency. Increment");
    it.flows = (100.1, 50.0);
    it.says(19, 0, "Source throughput limitation reached (100)");
    it.flows = (99.0, 44.6);
    it.says(19, 0, "Destination throughput limitation reached (44.5)");
    it.previous = 1;
    it.says(1, 0, "Destination throughput limitation reached (44.5)");
}

#[test]
fn nothing_new_is_not_told_for_five_minutes() {
    let mut it = case(Mode::Normal, 20);
    it.before().at = Timestamp(NOW.0 - 299_999);
    assert_eq!(it.decide(), None);
    it.before().at = Timestamp(NOW.0 - 300_000);
    it.says(22, 2, "Good link efficiency. Increment");
    it.before().at = Timestamp(NOW.0 - 60_000);
    it.sample.success_rate = 99.0;
    it.says(22, 2, "Good link efficiency. Increment");
    it.sample.success_rate = 100.0;
    it.sample.throughput = 1.1e7;
    assert!(it.decide().is_some());
}

#[test]
fn bad_efficiency() {
    let mut it = case(Mode::Normal, 20);
    it.sample.success_rate = 95.0;
    it.says(19, -1, "Bad link efficiency");
    it.before().success_rate = 95.0;
    it.says(19, -1, "Bad link efficiency, no changes");
    it.sample.success_rate = 96.0;
    it.sample.retry_count = 3;
    it.before().retry_count = 3;
    it.says(20, 0, "Bad link efficiency but progressively improving");
    it.sample.retry_count = 4;
    it.says(19, -1, "Bad link efficiency, no changes");
    it.sample.retry_count = 0;
    it.before().success_rate = 94.0;
    it.sample.success_rate = 95.0;
    it.says(19, -1, "Bad link efficiency, no changes");
    it.previous = 2;
    it.says(
        2,
        0,
        "Bad link efficiency, no changes. Hit lower range limit. Using *->* link configuration",
    );
    it.setup.range.specific = true;
    it.setup.range.storage_specific = true;
    it.says(
        2,
        0,
        "Bad link efficiency, no changes. Hit lower range limit",
    );
}

#[test]
fn no_throughput_is_no_information() {
    let mut it = case(Mode::Normal, 20);
    it.sample.throughput = 0.0;
    it.before().ema = 0.0;
    it.says(20, 0, "Steady, not enough throughput information");
}

#[test]
fn an_emptying_queue_holds() {
    let mut it = case(Mode::Normal, 20);
    it.sample.queue_size = 5;
    it.says(20, 0, "Queue emptying. Hold on.");
    it.sample.queue_size = 20;
    it.says(22, 2, "Good link efficiency. Increment");
}

#[test]
fn rising_throughput_rises_by_the_step_of_the_mode() {
    let rising =
        "Good link efficiency, current average throughput is larger than the preceding average";
    for (mode, active, diff) in [
        (Mode::Conservative, 21, 1),
        (Mode::Normal, 22, 2),
        (Mode::Aggressive, 22, 2),
    ] {
        let mut it = case(mode, 20);
        it.sample.throughput = 1.5e7;
        it.says(active, diff, rising);
    }
}

#[test]
fn falling_throughput() {
    let mut it = case(Mode::Normal, 20);
    it.sample.throughput = 1e5;
    it.says(19, -1, "Good link efficiency, throughput deterioration");
    it.sample.filesize_avg = 1e6;
    it.says(
        22,
        2,
        "Good link efficiency, throughput deterioration, avg. filesize decreasing",
    );
    it.sample.filesize_avg = 1e9;
    it.sample.throughput = 9e6;
    it.says(
        20,
        0,
        "Good link efficiency, small throughput deterioration",
    );
}

#[test]
fn the_upper_end() {
    let mut it = case(Mode::Normal, 130);
    it.sample.queue_size = 1000;
    let limited = "Good link efficiency. Increment. Hit upper range limit";
    it.says(130, 0, &format!("{limited}. Using *->* link configuration"));
    it.setup.range.specific = true;
    it.says(130, 0, limited);
    it.setup.range.storage_specific = true;
    it.says(
        130,
        0,
        &format!("{limited}. Link not configured. Using SE limits"),
    );
    it.previous = 150;
    assert_eq!(it.decide().unwrap().diff, -20);
}

#[test]
fn not_enough_to_do() {
    let mut it = case(Mode::Conservative, 20);
    it.sample.queue_size = 20;
    it.says(
        20,
        0,
        "Good link efficiency. Increment. Not enough files in the queue",
    );
    it.sample.queue_size = 21;
    it.says(21, 1, "Good link efficiency. Increment");
    // The queue is never shorter than the value here, so only a small product can be too small.
    let mut it = case(Mode::Normal, 20);
    it.constants.max_streams = 1;
    it.sample.queue_size = 21;
    it.says(20, 0, "Good link efficiency. Increment. Too many streams");
    it.sample.queue_size = 22;
    it.says(22, 2, "Good link efficiency. Increment");
}

#[test]
fn streams_fill_what_files_leave() {
    let constants = Constants::default();
    let sample = |active_count, queue_size| Sample {
        active_count,
        queue_size,
        ..Sample::default()
    };
    let count =
        |mode, active, running, queued| streams(&constants, mode, active, &sample(running, queued));
    assert_eq!(count(Mode::Conservative, 60, 1, 1), 1);
    assert_eq!(count(Mode::Disabled, 60, 1, 1), 1);
    assert_eq!(count(Mode::Normal, 60, 0, 0), 1);
    assert_eq!(count(Mode::Normal, 60, 10, 3), 4);
    assert_eq!(count(Mode::Aggressive, 60, 1, 1), 16);
    assert_eq!(count(Mode::Normal, 60, 50, 500), 1);
}

prop_compose! {
    fn any_case()(
        mode in prop::sample::select(vec![Mode::Conservative, Mode::Normal, Mode::Aggressive]),
        (min, width) in (1..150_u32, 0..150_u32),
        (specific, storage_specific) in any::<(bool, bool)>(),
        previous in 0..300_u32,
        (throughput, before) in (0.0..1e9, 0.0..1e9),
        (success, success_before) in (0..=100_u32, 0..=100_u32),
        (size, size_before) in (0.0..1e11, 0.0..1e11),
        (queue, retries, retries_before) in (0..500_u64, 0..9_u64, 0..9_u64),
        has_memory in any::<bool>(),
        source_limit in prop::option::of(0.0..100.0),
        flow in 0.0..100.0,
    ) -> Case {
        let mut it = case(mode, previous);
        it.constants = Constants::default();
        it.setup.range = Range { min, max: min + width, specific, storage_specific };
        it.setup.limits.source_max_throughput = source_limit;
        it.flows = (flow, flow);
        it.sample = Sample {
            throughput,
            filesize_avg: size,
            success_rate: success.into(),
            retry_count: retries,
            queue_size: queue,
            ..Sample::default()
        };
        it.memory = has_memory.then_some(Memory {
            ema: before,
            success_rate: success_before.into(),
            filesize_avg: size_before,
            retry_count: retries_before,
            at: Timestamp(NOW.0 - 60_000),
        });
        it
    }
}

proptest! {
    #[test]
    fn decisions_stay_within_bounds(it in any_case()) {
        if let Some(verdict) = it.decide() {
            let range = it.setup.range;
            let by_throughput = verdict.rationale.contains("throughput limitation reached");
            let is_held = verdict.active == it.previous
                && (verdict.rationale.ends_with("Not enough files in the queue")
                    || verdict.rationale.ends_with("Too many streams"));
            prop_assert!(verdict.active >= 1);
            prop_assert!(
                by_throughput || is_held || (range.min..=range.max).contains(&verdict.active),
                "{:?}", verdict
            );
            prop_assert!(verdict.memory.ema.is_finite());
            let shows_change = !by_throughput && verdict.rationale != "Range fixed";
            if shows_change {
                prop_assert_eq!(verdict.diff, i64::from(verdict.active) - i64::from(it.previous));
            }
        }
    }

    #[test]
    fn streams_are_one_to_sixteen(it in any_case(), active in 1..300_u32) {
        let streams = streams(&it.constants, it.setup.mode, active, &it.sample);
        prop_assert!((1..=16).contains(&streams));
    }
}
