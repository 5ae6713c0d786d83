//! What the engine tells, and what stands in the exported text afterwards.

use std::sync::Arc;
use std::time::Duration;

use causeway_model::observe::{
    AttemptOutcome, Lane, Observation, Observer as _, StepTimes, WorkerChange,
};
use causeway_model::workers::PluginMarks;
use causeway_model::{Fault, FileId, FileState, JobId, Phase, Scope, Timestamp};

use super::Metrics;
use super::plugins::Sum;
use crate::config::MetricsConfig;

fn metrics(config: &MetricsConfig) -> Metrics {
    Metrics::new(config, None, |scheme| {
        (scheme == "mock").then(|| "mocking".into())
    })
}

fn text(metrics: &Metrics) -> String {
    let mut text = String::new();
    let registry = metrics.registry.lock();
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    text
}

fn names(number: usize) -> [Arc<str>; 3] {
    let name = |what: &str| format!("{what}{number}").into();
    [name("vo"), name("mock://s"), name("mock://d")]
}

fn lane([vo, source_se, dest_se]: &[Arc<str>; 3]) -> Lane<'_> {
    Lane {
        vo,
        source_se,
        dest_se,
    }
}

fn moved<'a>(lane: Lane<'a>, from: FileState, to: FileState) -> Observation<'a> {
    Observation::FileMoved {
        job: JobId::random(),
        file: FileId(1),
        lane,
        from,
        to,
        submitted: Timestamp(0),
    }
}

fn ended<'a>(lane: Lane<'a>, scheme: &'a str, outcome: AttemptOutcome<'a>) -> Observation<'a> {
    let mut steps = StepTimes::default();
    steps.add(causeway_model::observe::Step::Copy, Duration::from_secs(2));
    Observation::AttemptEnded {
        lane,
        source_scheme: scheme,
        dest_scheme: scheme,
        rung: Some("pull"),
        outcome,
        copy_seconds: 2.0,
        steps,
    }
}

/// One transfer from its job to its end.
fn live(metrics: &Metrics, names: &[Arc<str>; 3]) {
    use FileState as S;
    let lane = lane(names);
    let state = S::Submitted;
    metrics.observe(&Observation::FileTaken { lane, state });
    metrics.observe(&moved(lane, S::Submitted, S::Ready));
    metrics.observe(&moved(lane, S::Ready, S::Active));
    metrics.observe(&Observation::Moved { lane, bytes: 10 });
    let bytes = Some(10);
    metrics.observe(&ended(lane, "mock", AttemptOutcome::Finished { bytes }));
    metrics.observe(&moved(lane, S::Active, S::Finished));
}

#[test]
fn a_transfer_leaves_its_numbers() {
    let metrics = metrics(&MetricsConfig::default());
    live(&metrics, &names(1));
    let text = text(&metrics);
    for line in [
        r#"causeway_vo_files{vo="vo1",state="ACTIVE"} 0"#,
        r#"causeway_file_transitions_total{vo="vo1",from="ACTIVE",to="FINISHED"} 1"#,
        r#"causeway_link_files{source_se="mock://s1",dest_se="mock://d1",state="SUBMITTED"} 0"#,
        r#"causeway_attempts_total{vo="vo1",outcome="finished"} 1"#,
        r#"causeway_transfer_bytes_total{source_se="mock://s1",dest_se="mock://d1",vo="vo1",rung="pull"} 10"#,
        r#"causeway_link_traffic_bytes_total{source_se="mock://s1",dest_se="mock://d1"} 10"#,
        r#"causeway_plugin_attempts_total{source_plugin="mocking",dest_plugin="mocking",outcome="finished"} 1"#,
        r#"causeway_attempt_step_seconds_sum{step="copy"} 2.0"#,
    ] {
        assert!(text.contains(&format!("{line}\n")), "{line}\n{text}");
    }
    assert!(!text.contains("state=\"FINISHED\"}"), "{text}");
}

#[test]
fn failures_are_told_apart() {
    let metrics = metrics(&MetricsConfig::default());
    let names = names(1);
    let lane = lane(&names);
    for (errno, retried) in [(2, false), (110, true), (125, false)] {
        let fault = Fault::new(Scope::Source, Phase::Preparation, errno, "x");
        let fault = &fault;
        metrics.observe(&ended(
            lane,
            "gopher",
            AttemptOutcome::Failed { fault, retried },
        ));
    }
    let text = text(&metrics);
    for line in [
        r#"causeway_attempt_failures_total{scope="SOURCE",phase="TRANSFER_PREPARATION",category="not_found",recoverable="no"} 1"#,
        r#"causeway_attempt_failures_total{scope="SOURCE",phase="TRANSFER_PREPARATION",category="timeout",recoverable="yes"} 1"#,
        r#"causeway_attempts_total{vo="vo1",outcome="failed"} 2"#,
        r#"causeway_attempts_total{vo="vo1",outcome="canceled"} 1"#,
        r#"causeway_retries_total{vo="vo1"} 1"#,
        // Nobody serves that scheme, so its name is a user's.
        r#"causeway_plugin_attempts_total{source_plugin="other",dest_plugin="other",outcome="failed"} 2"#,
    ] {
        assert!(text.contains(&format!("{line}\n")), "{line}\n{text}");
    }
    assert!(!text.contains("gopher"), "{text}");
}

#[test]
fn names_beyond_the_limit_are_other() {
    let config = MetricsConfig {
        max_links: 3,
        max_vos: 2,
        ..MetricsConfig::default()
    };
    let metrics = metrics(&config);
    for number in 0..5 {
        live(&metrics, &names(number));
    }
    let few = text(&metrics).lines().count();
    for number in 5..500 {
        live(&metrics, &names(number));
    }
    let text = text(&metrics);
    assert_eq!(text.lines().count(), few, "{text}");
    for line in [
        r#"causeway_attempts_total{vo="vo1",outcome="finished"} 1"#,
        r#"causeway_attempts_total{vo="other",outcome="finished"} 498"#,
        r#"causeway_link_traffic_bytes_total{source_se="other",dest_se="other"} 4970"#,
        r#"causeway_link_files{source_se="other",dest_se="other",state="ACTIVE"} 0"#,
    ] {
        assert!(text.contains(&format!("{line}\n")), "{line}\n{text}");
    }
    assert!(!text.contains("vo2\""), "{text}");
}

#[test]
fn seldom_things_are_counted_too() {
    let metrics = metrics(&MetricsConfig::default());
    let [_, source_se, dest_se] = &names(1);
    metrics.observe(&Observation::Decided {
        source_se,
        dest_se,
        active: 7,
        diff: -1,
        throughput: 1.5,
    });
    for open in [true, true, false, true] {
        let se = source_se;
        metrics.observe(&Observation::Breaker { se, open });
    }
    metrics.observe(&Observation::Bans {
        storages: 2,
        users: 0,
    });
    metrics.observe(&Observation::Worker {
        change: WorkerChange::Lost,
    });
    metrics.observe(&Observation::StagingAsked {
        request: "bring_online",
        files: 5,
        answered: true,
    });
    metrics.observe(&Observation::Journalled {
        rows: 4,
        took: Duration::from_millis(3),
    });
    let text = text(&metrics);
    for line in [
        r#"causeway_link_limit{source_se="mock://s1",dest_se="mock://d1"} 7"#,
        r#"causeway_optimizer_decisions_total{kind="down"} 1"#,
        r#"causeway_breaker_open{se="mock://s1"} 1"#,
        "causeway_breaker_openings_total 2",
        r#"causeway_banned{kind="storage"} 2"#,
        r#"causeway_worker_changes_total{kind="lost"} 1"#,
        r#"causeway_staging_files_total{request="bring_online",outcome="answered"} 5"#,
        r#"causeway_journal_commit_seconds_bucket{le="0.005"} 1"#,
        "causeway_journal_rows_sum 4.0",
    ] {
        assert!(text.contains(&format!("{line}\n")), "{line}\n{text}");
    }
}

#[test]
fn plugins_beyond_the_limit_share_one_series() {
    let config = MetricsConfig {
        max_plugins: 2,
        ..MetricsConfig::default()
    };
    let metrics = metrics(&config);
    let count = |plugins: u64, calls: u64| {
        let sums = (0..plugins).map(|number| {
            let marks = PluginMarks {
                calls,
                panics: 1,
                call_micros: 1_500_000,
                ..PluginMarks::default()
            };
            let ended_workers = 2;
            let sum = Sum {
                marks,
                own: [("own".to_owned(), calls)].into_iter().collect(),
                ended_workers,
            };
            (format!("p{number}"), sum)
        });
        metrics.count_plugins(sums);
        text(&metrics)
    };
    let few = count(4, 5);
    // They are asked again and again, and shown as they are then.
    let many = count(400, 7);
    assert_eq!(many.lines().count(), few.lines().count(), "{many}");
    for line in [
        r#"causeway_plugin_calls_total{plugin="p0"} 7"#,
        r#"causeway_plugin_calls_total{plugin="other"} 2786"#,
        r#"causeway_plugin_call_seconds_total{plugin="p1"} 1.5"#,
        r#"causeway_plugin_panics_total{plugin="other"} 398"#,
        r#"causeway_plugin_counter_total{plugin="p1",name="own"} 7"#,
        r#"causeway_plugin_counter_total{plugin="other",name="own"} 2786"#,
        r#"causeway_plugin_ended_workers_total{plugin="p1"} 2"#,
    ] {
        assert!(many.contains(&format!("{line}\n")), "{line}\n{many}");
    }
}
