//! Every metric by name: its labels, what it says, and how it is divided.
//!
//! Names follow Prometheus: base units, `_total` for counters (added by the encoder), `_seconds` and
//! `_bytes` as a unit. Help texts end up in the exported text.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// A gauge of a fraction.
pub type RealGauge = Gauge<f64, AtomicU64>;
/// A counter of fractions.
pub type RealCounter = Counter<f64, AtomicU64>;
type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

/// Milliseconds to a day, for what users wait for.
const WAITS: [f64; 14] = [
    0.01, 0.05, 0.25, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 10_800.0, 21_600.0, 43_200.0,
    86_400.0,
];
/// Microseconds to seconds, for what this machine does.
const WORK: [f64; 12] = [
    0.000_25, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
];
const ROWS: [f64; 9] = [1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0, 10_000.0];

fn waits() -> Histogram {
    Histogram::new(WAITS)
}

fn work() -> Histogram {
    Histogram::new(WORK)
}

macro_rules! labels {
    ($($(#[$doc:meta])* $name:ident { $($field:ident : $ty:ty),* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
        pub struct $name { $(pub $field: $ty),* }
    )*};
}

type Name = Arc<str>;
type Word = &'static str;

labels! {
    /// A state.
    OfState { state: Word }
    /// A VO.
    OfVo { vo: Name }
    /// A VO and a state.
    OfVoState { vo: Name, state: Word }
    /// A transition.
    OfTransition { vo: Name, from: Word, to: Word }
    /// A VO and what became of an attempt.
    OfVoOutcome { vo: Name, outcome: Word }
    /// A link.
    OfLink { source_se: Name, dest_se: Name }
    /// A link and a state.
    OfLinkState { source_se: Name, dest_se: Name, state: Word }
    /// A link and what became of an attempt.
    OfLinkOutcome { source_se: Name, dest_se: Name, outcome: Word }
    /// Bytes that arrived.
    OfBytes { source_se: Name, dest_se: Name, vo: Name, rung: Word }
    /// A pair of plugins and what became of an attempt.
    OfPlugins { source_plugin: Name, dest_plugin: Name, outcome: Word }
    /// A failure.
    OfFailure { scope: Word, phase: Word, category: Word, recoverable: Word }
    /// How bytes move.
    OfRung { rung: Word }
    /// A step of an attempt.
    OfStep { step: Word }
    /// A request for staging.
    OfStaging { request: Word, outcome: Word }
    /// Something of some kind.
    OfKind { kind: Word }
    /// A storage.
    OfStorage { se: Name }
    /// A plugin.
    OfPlugin { plugin: Name }
    /// A counter of a plugin's own.
    OfPluginCounter { plugin: Name, name: Name }
    /// A receiver of messages.
    OfReceiver { receiver: Name }
    /// A request to the API.
    OfRequest { method: Word, route: Word, status: u16 }
    /// A route of the API.
    OfRoute { route: Word }
    /// This program.
    OfBuild { version: Word }
}

/// The documentation of a metric is its help text.
macro_rules! families {
    ($(#[doc = $doc:literal] $field:ident : $ty:ty = $make:expr, $name:literal $(, $unit:ident)?;)*) => {
        /// Handles of all metrics; clones of what the registry exports.
        pub struct Families { $(#[doc = $doc] pub $field: $ty),* }

        impl Families {
            /// Makes all and registers them.
            pub fn register(registry: &mut Registry) -> Self {
                let all = Self { $($field: $make),* };
                $(families!(@ registry, all.$field, $name, $doc.trim() $(, $unit)?);)*
                all
            }

            /// What there is: names of samples, and the help text.
            #[cfg(test)]
            pub fn exported() -> Vec<(Vec<String>, &'static str)> {
                vec![$((
                    samples::<$ty>(families!(@ name $name $(, $unit)?)),
                    $doc.trim(),
                )),*]
            }
        }
    };
    (@ name $name:literal) => { concat!("causeway_", $name) };
    (@ name $name:literal, Bytes) => { concat!("causeway_", $name, "_bytes") };
    (@ name $name:literal, Seconds) => { concat!("causeway_", $name, "_seconds") };
    (@ $registry:ident, $metric:expr, $name:literal, $help:expr) => {
        $registry.register($name, $help, $metric.clone());
    };
    (@ $registry:ident, $metric:expr, $name:literal, $help:expr, $unit:ident) => {
        $registry.register_with_unit($name, $help, Unit::$unit, $metric.clone());
    };
}

families! {
    /// Transfers in the store by state, ended ones included
    files: Family<OfState, Gauge> = Family::default(), "files";
    /// Transfers that have not ended, by VO and state
    vo_files: Family<OfVoState, Gauge> = Family::default(), "vo_files";
    /// Transfers that have not ended, by link and state
    link_files: Family<OfLinkState, Gauge> = Family::default(), "link_files";
    /// Changes of the state of a transfer
    file_transitions: Family<OfTransition, Counter> = Family::default(), "file_transitions";
    /// Jobs that were taken
    jobs_submitted: Family<OfVo, Counter> = Family::default(), "jobs_submitted";
    /// Transfers in jobs that were taken
    files_submitted: Family<OfVo, Counter> = Family::default(), "files_submitted";
    /// Deletions in jobs that were taken
    deletions_submitted: Family<OfVo, Counter> = Family::default(), "deletions_submitted";
    /// Changes of the state of a job, by the state after it
    job_transitions: Family<OfVoState, Counter> = Family::default(), "job_transitions";
    /// Attempts that ended
    attempts: Family<OfVoOutcome, Counter> = Family::default(), "attempts";
    /// Attempts that ended, by link
    link_attempts: Family<OfLinkOutcome, Counter> = Family::default(), "link_attempts";
    /// Attempts that ended, by the plugins of source and destination
    plugin_attempts: Family<OfPlugins, Counter> = Family::default(), "plugin_attempts";
    /// Attempts that failed, by whose fault, when, what kind, and whether a retry makes sense
    attempt_failures: Family<OfFailure, Counter> = Family::default(), "attempt_failures";
    /// Attempts that failed and are followed by another
    retries: Family<OfVo, Counter> = Family::default(), "retries";
    /// Bytes of transfers that finished, by how they moved
    transfer_bytes: Family<OfBytes, Counter> = Family::default(), "transfer", Bytes;
    /// Bytes that moved on a link, counted while they move, failed attempts included
    link_traffic: Family<OfLink, Counter> = Family::default(), "link_traffic", Bytes;
    /// Time a copy took, of attempts that finished
    transfer_duration: Histograms<OfRung> = Family::new_with_constructor(waits), "transfer_duration", Seconds;
    /// Time a step of an attempt took
    attempt_step: Histograms<OfStep> = Family::new_with_constructor(waits), "attempt_step", Seconds;
    /// Time a transfer waited between when it could have started and when it was picked
    queue_wait: Histograms<OfVo> = Family::new_with_constructor(waits), "queue_wait", Seconds;
    /// Deletions that ended
    deletions: Family<OfVoState, Counter> = Family::default(), "deletions";
    /// Attempts and deletions that run
    slots_used: Gauge = Gauge::default(), "slots_used";
    /// Attempts that may run at the same time
    slots: Gauge = Gauge::default(), "slots";
    /// Requests for bringing files online, and what became of them
    staging_requests: Family<OfStaging, Counter> = Family::default(), "staging_requests";
    /// Files in requests for bringing files online
    staging_files: Family<OfStaging, Counter> = Family::default(), "staging_files";
    /// Time until a transaction of the engine was durable
    journal_commit: Histogram = work(), "journal_commit", Seconds;
    /// Rows in a transaction of the engine
    journal_rows: Histogram = Histogram::new(ROWS), "journal_rows";
    /// Bytes of the store on disk
    store: Family<OfKind, Gauge> = Family::default(), "store", Bytes;
    /// Workers that take orders
    workers: Gauge = Gauge::default(), "workers";
    /// Workers that came, ended or were lost
    worker_changes: Family<OfKind, Counter> = Family::default(), "worker_changes";
    /// Whether a plugin works: 1 ready, 0.5 degraded, 0 refused
    plugin_health: Family<OfPlugin, RealGauge> = Family::default(), "plugin_health";
    /// Calls of a plugin
    plugin_calls: Family<OfPlugin, Counter> = Family::default(), "plugin_calls";
    /// Calls, reads and writes of a plugin that failed for another reason than that something is not there, or is there already
    plugin_call_failures: Family<OfPlugin, Counter> = Family::default(), "plugin_call_failures";
    /// Time until calls, reads and writes of a plugin were answered
    plugin_call_time: Family<OfPlugin, RealCounter> = Family::default(), "plugin_call", Seconds;
    /// Panics of a plugin that were caught
    plugin_panics: Family<OfPlugin, Counter> = Family::default(), "plugin_panics";
    /// Instances of a component that were stopped
    plugin_traps: Family<OfPlugin, Counter> = Family::default(), "plugin_traps";
    /// Times that a plugin held a thread for too long
    plugin_slow_polls: Family<OfPlugin, Counter> = Family::default(), "plugin_slow_polls";
    /// What a plugin counts itself, by names of its own
    plugin_counter: Family<OfPluginCounter, Counter> = Family::default(), "plugin_counter";
    /// Worker processes that a plugin ended
    plugin_ended_workers: Family<OfPlugin, Counter> = Family::default(), "plugin_ended_workers";
    /// Attempts that worker processes have
    worker_attempts: Gauge = Gauge::default(), "worker_attempts";
    /// Resident memory of all worker processes
    worker_memory: Gauge = Gauge::default(), "worker_resident_memory", Bytes;
    /// Whether a plugin is in service: 0 when it was taken out for killing workers
    plugin_in_service: Family<OfPlugin, Gauge> = Family::default(), "plugin_in_service";
    /// Storages and users that are banned
    banned: Family<OfKind, Gauge> = Family::default(), "banned";
    /// Whether the breaker of a storage is open
    breaker_open: Family<OfStorage, Gauge> = Family::default(), "breaker_open";
    /// Times that a breaker opened
    breaker_openings: Counter = Counter::default(), "breaker_openings";
    /// Transfers that a link may run, as the optimizer decided
    link_limit: Family<OfLink, Gauge> = Family::default(), "link_limit";
    /// Smoothed throughput of a link as the optimizer sees it
    link_throughput: Family<OfLink, RealGauge> = Family::default(), "link_throughput_bytes_per_second";
    /// Decisions of the optimizer: up, down, same
    optimizer_decisions: Family<OfKind, Counter> = Family::default(), "optimizer_decisions";
    /// Messages that a receiver took
    messages_delivered: Family<OfReceiver, Counter> = Family::default(), "messages_delivered";
    /// Times that a receiver of messages could not be reached or refused
    message_failures: Family<OfReceiver, Counter> = Family::default(), "message_failures";
    /// Messages that were dropped because they had become too old
    messages_dropped: Family<OfReceiver, Counter> = Family::default(), "messages_dropped";
    /// Times that events were gone before a receiver took them
    message_gaps: Family<OfReceiver, Counter> = Family::default(), "message_gaps";
    /// Whether the last try to reach a receiver worked
    message_receiver_up: Family<OfReceiver, Gauge> = Family::default(), "message_receiver_up";
    /// Age of the oldest message that waits for a receiver
    message_wait: Family<OfReceiver, RealGauge> = Family::default(), "message_wait", Seconds;
    /// Bytes of journal that were given up although a receiver had not taken their events
    messages_given_up: Counter = Counter::default(), "messages_given_up", Bytes;
    /// Requests to the API
    http_requests: Family<OfRequest, Counter> = Family::default(), "http_requests";
    /// Time until a request to the API was answered
    http_request_duration: Histograms<OfRoute> = Family::new_with_constructor(work), "http_request_duration", Seconds;
    /// This program; always 1
    build_info: Family<OfBuild, Gauge> = Family::default(), "build_info";
    /// Time since the gateway started
    uptime: RealGauge = Gauge::default(), "uptime", Seconds;
    /// Processor time of the server process
    process_cpu: Counter<f64, AtomicU64> = Counter::default(), "process_cpu", Seconds;
    /// Resident memory of the server process
    process_memory: Gauge = Gauge::default(), "process_resident_memory", Bytes;
    /// Open files of the server process
    process_fds: Gauge = Gauge::default(), "process_open_fds";
    /// Threads of the server process
    process_threads: Gauge = Gauge::default(), "process_threads";
}

/// Samples that a metric of a type has.
#[cfg(test)]
fn samples<M: tests::Ends>(name: &str) -> Vec<String> {
    M::ENDS.iter().map(|end| format!("{name}{end}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How the samples of a metric end.
    pub trait Ends {
        const ENDS: &'static [&'static str];
    }

    impl<N, A> Ends for Counter<N, A> {
        const ENDS: &'static [&'static str] = &["_total"];
    }

    impl<N, A> Ends for Gauge<N, A> {
        const ENDS: &'static [&'static str] = &[""];
    }

    impl Ends for Histogram {
        const ENDS: &'static [&'static str] = &["_bucket", "_sum", "_count"];
    }

    impl<L, M: Ends, C> Ends for Family<L, M, C> {
        const ENDS: &'static [&'static str] = M::ENDS;
    }

    #[test]
    fn every_metric_has_a_name_of_its_own_and_says_what_it_is() {
        let all = Families::exported();
        let names: std::collections::BTreeSet<_> = all.iter().flat_map(|it| &it.0).collect();
        assert_eq!(names.len(), all.iter().map(|it| it.0.len()).sum::<usize>());
        for (names, help) in &all {
            let is_text = help.split_whitespace().count() > 2 && !help.ends_with('.');
            assert!(is_text, "{names:?}: {help:?}");
        }
    }

    #[test]
    fn what_is_exported_is_what_is_listed() {
        let mut registry = Registry::with_prefix("causeway");
        let all = Families::register(&mut registry);
        all.uptime.set(1.0);
        all.link_traffic
            .get_or_create(&OfLink {
                source_se: "a".into(),
                dest_se: "b".into(),
            })
            .inc_by(7);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        let listed: Vec<_> = Families::exported()
            .into_iter()
            .flat_map(|it| it.0)
            .collect();
        for line in text.lines().filter(|it| !it.starts_with('#')) {
            let name = line.split(['{', ' ']).next().unwrap().to_owned();
            assert!(listed.contains(&name), "{line}");
        }
        let line = "causeway_link_traffic_bytes_total{source_se=\"a\",dest_se=\"b\"} 7\n";
        assert!(text.contains(line), "{text}");
        assert!(text.contains("causeway_uptime_seconds 1.0\n"), "{text}");
    }
}
