//! From what the engine tells to numbers and root spans.

use std::sync::Arc;
use std::time::Duration;

use causeway_model::observe::{
    AttemptOutcome, Lane, Observation, Observer, StepTimes, WorkerChange,
};
use causeway_model::{Fault, FileId, FileState, JobId, Timestamp};

use super::Metrics;
use super::category::category;
use super::cells::Outcome;
use super::families::{
    OfBytes, OfFailure, OfKind, OfPlugin, OfPlugins, OfRung, OfStaging, OfStep, OfStorage,
    OfVoState,
};
use crate::telemetry::Transfer;

/// An attempt as the engine tells of it.
struct End<'a> {
    lane: Lane<'a>,
    schemes: (&'a str, &'a str),
    rung: Option<&'static str>,
    copy_seconds: f64,
    steps: StepTimes,
}

impl Observer for Metrics {
    fn observe(&self, what: &Observation<'_>) {
        match *what {
            Observation::FileTaken { lane, state } => self.count_file(lane, state, 1),
            Observation::FileLeft { lane, state } => self.count_file(lane, state, -1),
            Observation::FileMoved {
                job,
                file,
                lane,
                from,
                to,
                submitted,
            } => {
                self.file_moved(lane, from, to);
                if to.is_terminal() {
                    self.trace_end(job, file, lane, to, submitted);
                }
            }
            Observation::JobTaken {
                vo,
                files,
                deletions,
            } => {
                let (all, labels) = (&self.families, self.vo(vo).labels());
                all.jobs_submitted.get_or_create(&labels).inc();
                count(&all.files_submitted.get_or_create(&labels), files);
                if deletions > 0 {
                    count(&all.deletions_submitted.get_or_create(&labels), deletions);
                }
            }
            Observation::JobMoved { vo, to } => {
                let labels = self.vo_state(vo, to.name());
                self.families.job_transitions.get_or_create(&labels).inc();
            }
            Observation::Picked { lane, waited } => {
                self.vo(lane.vo).queue_wait.observe(waited.as_secs_f64());
            }
            Observation::Moved { lane, bytes } => {
                self.link(lane.source_se, lane.dest_se)
                    .traffic
                    .inc_by(bytes);
            }
            Observation::AttemptEnded {
                lane,
                source_scheme,
                dest_scheme,
                rung,
                outcome,
                copy_seconds,
                steps,
            } => {
                let end = End {
                    lane,
                    schemes: (source_scheme, dest_scheme),
                    rung,
                    copy_seconds,
                    steps,
                };
                self.attempt_ended(&end, outcome);
            }
            Observation::DeletionEnded { vo, state } => {
                let labels = self.vo_state(vo, state.name());
                self.families.deletions.get_or_create(&labels).inc();
            }
            Observation::Slots { used, total } => {
                self.families.slots_used.set(gauge(used));
                self.families.slots.set(gauge(total));
            }
            Observation::Journalled { rows, took } => self.journalled(rows, took),
            _ => self.observe_rare(what),
        }
    }

    fn trace(&self, job: JobId, file: FileId) -> Option<String> {
        let traces = self.traces.as_ref()?;
        traces.traceparent(job, file)
    }
}

impl Metrics {
    /// What comes seldom.
    fn observe_rare(&self, what: &Observation<'_>) {
        let all = &self.families;
        match *what {
            Observation::StagingAsked {
                request,
                files,
                answered,
                ..
            } => {
                let outcome = if answered { "answered" } else { "failed" };
                let labels = OfStaging { request, outcome };
                all.staging_requests.get_or_create(&labels).inc();
                count(&all.staging_files.get_or_create(&labels), files);
            }
            Observation::Worker { change } => {
                let kind = match change {
                    WorkerChange::Up => "up",
                    WorkerChange::Ended => "ended",
                    WorkerChange::Lost => "lost",
                };
                all.worker_changes.get_or_create(&OfKind { kind }).inc();
            }
            Observation::Bans { storages, users } => {
                for (kind, number) in [("storage", storages), ("user", users)] {
                    all.banned
                        .get_or_create(&OfKind { kind })
                        .set(gauge(number));
                }
            }
            Observation::Breaker { se, open } => {
                let se = self.storages.get(Arc::clone(se), Arc::clone);
                let labels = OfStorage { se: (*se).clone() };
                let before = all.breaker_open.get_or_create(&labels).set(i64::from(open));
                if open && before == 0 {
                    all.breaker_openings.inc();
                }
            }
            Observation::Decided {
                source_se,
                dest_se,
                active,
                diff,
                throughput,
            } => {
                let labels = self.link(source_se, dest_se).labels();
                all.link_limit.get_or_create(&labels).set(i64::from(active));
                all.link_throughput.get_or_create(&labels).set(throughput);
                let kind = match diff {
                    1.. => "up",
                    0 => "same",
                    _ => "down",
                };
                all.optimizer_decisions
                    .get_or_create(&OfKind { kind })
                    .inc();
            }
            _ => {}
        }
    }

    fn vo_state(&self, vo: &Arc<str>, state: &'static str) -> OfVoState {
        let vo = Arc::clone(&self.vo(vo).name);
        OfVoState { vo, state }
    }

    /// A plugin as a label.
    pub(super) fn plugin_labels(&self, plugin: &str) -> OfPlugin {
        let known = self.plugins.find(plugin);
        let name = known.unwrap_or_else(|| self.plugins.get(plugin.into(), Arc::clone));
        OfPlugin {
            plugin: (*name).clone(),
        }
    }

    /// Live transfers are counted; those that ended are history.
    fn count_file(&self, lane: Lane<'_>, state: FileState, by: i64) {
        if !state.is_terminal() {
            let link = self.link(lane.source_se, lane.dest_se);
            link.files(&self.families, state).inc_by(by);
            self.vo(lane.vo).files(&self.families, state).inc_by(by);
        }
    }

    fn file_moved(&self, lane: Lane<'_>, from: FileState, to: FileState) {
        let (link, vo) = (self.link(lane.source_se, lane.dest_se), self.vo(lane.vo));
        let all = &self.families;
        vo.moves(all, from, to).inc();
        for (state, by) in [(from, -1), (to, 1)] {
            if !state.is_terminal() {
                link.files(all, state).inc_by(by);
                vo.files(all, state).inc_by(by);
            }
        }
    }

    fn attempt_ended(&self, end: &End<'_>, outcome: AttemptOutcome<'_>) {
        let (all, lane) = (&self.families, end.lane);
        let (link, vo) = (self.link(lane.source_se, lane.dest_se), self.vo(lane.vo));
        let word = match outcome {
            AttemptOutcome::Finished { .. } => Outcome::Finished,
            AttemptOutcome::Failed { fault, .. } if fault.is_cancellation() => Outcome::Canceled,
            AttemptOutcome::Failed { .. } => Outcome::Failed,
        };
        link.attempts(all, word).inc();
        vo.attempts(all, word).inc();
        let plugins = OfPlugins {
            source_plugin: self.plugin(end.schemes.0),
            dest_plugin: self.plugin(end.schemes.1),
            outcome: word.name(),
        };
        all.plugin_attempts.get_or_create(&plugins).inc();
        for (step, seconds) in end.steps.seconds() {
            let step = step.name();
            let cell = all.attempt_step.get_or_create(&OfStep { step });
            cell.observe(seconds);
        }
        match outcome {
            AttemptOutcome::Finished { bytes } => {
                // Bytes that an earlier run had moved, before a restart.
                let rung = end.rung.unwrap_or("none");
                let labels = OfBytes {
                    source_se: Arc::clone(&link.source),
                    dest_se: Arc::clone(&link.dest),
                    vo: Arc::clone(&vo.name),
                    rung,
                };
                let cell = all.transfer_bytes.get_or_create(&labels);
                cell.inc_by(bytes.unwrap_or(0));
                let duration = all.transfer_duration.get_or_create(&OfRung { rung });
                duration.observe(end.copy_seconds);
            }
            AttemptOutcome::Failed { fault, retried } => {
                self.failed(fault);
                if retried {
                    vo.retries.inc();
                }
            }
        }
    }

    fn failed(&self, fault: &Fault) {
        let labels = OfFailure {
            scope: fault.scope.name(),
            phase: fault.phase.name(),
            category: category(fault),
            recoverable: if fault.is_recoverable() { "yes" } else { "no" },
        };
        self.families.attempt_failures.get_or_create(&labels).inc();
    }

    fn journalled(&self, rows: usize, took: Duration) {
        self.families.journal_commit.observe(took.as_secs_f64());
        self.families.journal_rows.observe(rows as f64);
    }

    fn trace_end(
        &self,
        job: JobId,
        file: FileId,
        lane: Lane<'_>,
        state: FileState,
        submitted: Timestamp,
    ) {
        if let Some(traces) = &self.traces {
            traces.transfer_ended(&Transfer {
                job,
                file,
                vo: lane.vo,
                source_se: lane.source_se,
                dest_se: lane.dest_se,
                state,
                submitted,
            });
        }
    }
}

fn gauge(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn count(counter: &prometheus_client::metrics::counter::Counter, by: usize) {
    counter.inc_by(by as u64);
}
