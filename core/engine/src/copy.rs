//! The copy itself: down the ladder of ways until one works, under a watchdog.

use std::sync::Arc;

use causeway_model::Fault;
use causeway_model::observe::Step;
use causeway_model::transfer::CommitIntent;
use causeway_sdk::{
    CopyRequest, Direction, Error, ErrorKind, LogLevel, Operation, ProgressSink, Stat, WriteOptions,
};
use tokio::time::Instant;

use crate::attempt::{Attempt, Moved, Traces, seconds};
use crate::leftover::Known;
use crate::messages::{AttemptEvent, Replace};
use crate::plan::{Rung, way_does_not_work};
use crate::resume_track::Track;
use crate::site::{Site, pick, within};
use crate::stream::{self, Flow};
use crate::verify::{SourceSum, Verification, size_mismatch};
use crate::watchdog::{Pulse, watch};

/// Bytes of a file that a storage is thought to finish in a second, at least.
const SETTLED_PER_SECOND: u64 = 32 << 20;

/// Why a way did not lead to the end.
enum Failure {
    /// A third-party copy failed; another way may work.
    Peer(Error),
    /// The attempt failed.
    Fault(Fault),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// What all ways need to know.
struct Task<'a> {
    source: Option<&'a Stat>,
    size: Option<u64>,
    verification: &'a Verification,
    pulse: &'a Arc<Pulse>,
}

impl Attempt<'_> {
    /// Copies, by the first way that works.
    pub(crate) async fn copy(
        &self,
        known: &Known<'_>,
        timeout_seconds: u64,
        sum: &mut SourceSum,
        traces: &mut Traces,
    ) -> Result<Moved, Fault> {
        let began = Instant::now();
        traces.copy_began = Some(began);
        let pulse = Arc::new(Pulse::new());
        let task = Task {
            source: known.source,
            size: known.size,
            verification: known.verification,
            pulse: &pulse,
        };
        let limits = &self.spec.limits;
        let moved = tokio::select! {
            biased;
            moved = self.descend(known.rungs, &task, sum, traces) => moved,
            fault = watch(&pulse, timeout_seconds, limits, self.channel) => Err(fault),
        };
        let mut moved = moved?;
        moved.duration_seconds = seconds(began.elapsed());
        self.info(|| format!("Transfer finished in {} seconds", moved.duration_seconds));
        Ok(moved)
    }

    async fn descend(
        &self,
        rungs: &[Rung],
        task: &Task<'_>,
        sum: &mut SourceSum,
        traces: &mut Traces,
    ) -> Result<Moved, Fault> {
        let mut rungs = rungs.iter().copied().peekable();
        while let Some(rung) = rungs.next() {
            self.info(|| format!("Copy mode: {}", rung.name()));
            self.announce_cleared(rung, task.pulse, traces).await;
            let outcome = match rung {
                Rung::Pull => self.pull(task, sum, traces).await,
                Rung::Push => self.push(task, sum, traces).await,
                // Boxed, so that the others, which only wait, are small.
                Rung::Stream => Box::pin(self.stream(task, sum, traces))
                    .await
                    .map_err(Failure::Fault),
            };
            let error = match outcome {
                Ok(mut moved) => {
                    moved.rung = Some(rung);
                    return Ok(moved);
                }
                Err(Failure::Fault(fault)) => return Err(fault),
                Err(Failure::Peer(error)) => error,
            };
            let refused = way_does_not_work(&error);
            if refused && !traces.refused.contains(&rung) {
                traces.refused.push(rung);
            }
            let Some(next) = rungs.peek().filter(|_| refused) else {
                return Err(self.copy_fault(error.errno(), error.message()));
            };
            self.warn(|| {
                let (rung, next) = (rung.name(), next.name());
                format!("{rung} does not work here ({error:?}): falling back to {next}")
            });
            self.sweep(traces).await;
            task.pulse.restart();
        }
        // The ladder is never empty: the attempt ended before it came here.
        Err(self.copy_fault(crate::attempt::EPROTONOSUPPORT, "no way to copy"))
    }

    /// Lets the engine journal that nothing was at the destination, if something may become
    /// visible there before the copy is complete. What is there after a crash is then ours.
    async fn announce_cleared(&self, rung: Rung, pulse: &Pulse, traces: &mut Traces) {
        let hidden = rung == Rung::Stream && self.destination.abilities.write.atomic;
        // Who did not look cannot say so.
        let unseen = self.spec.params.strict || !self.destination.can(Operation::Stat);
        if hidden || unseen || traces.cleared_is_journalled {
            return;
        }
        pulse.wait(true);
        self.channel.announce(AttemptEvent::Cleared).await;
        pulse.wait(false);
        traces.cleared_is_journalled = true;
    }

    async fn pull(
        &self,
        task: &Task<'_>,
        sum: &SourceSum,
        traces: &mut Traces,
    ) -> Result<Moved, Failure> {
        let sites = (&self.destination, &self.source);
        self.third_party(Direction::Pull, sites, task, sum, traces)
            .await
    }

    async fn push(
        &self,
        task: &Task<'_>,
        sum: &SourceSum,
        traces: &mut Traces,
    ) -> Result<Moved, Failure> {
        let sites = (&self.source, &self.destination);
        self.third_party(Direction::Push, sites, task, sum, traces)
            .await
    }

    async fn third_party(
        &self,
        direction: Direction,
        (active, passive): (&Site, &Site),
        task: &Task<'_>,
        sum: &SourceSum,
        traces: &mut Traces,
    ) -> Result<Moved, Failure> {
        let mut request = CopyRequest {
            direction,
            source: self.source.url.clone(),
            destination: self.destination.url.clone(),
            peer_credential: passive.cx.credential().clone(),
            overwrite: self.spec.replace == Replace::Always,
            streams: worthwhile(self.spec.limits.streams, task.size),
            size: task.size,
            expect: known(sum, task.verification),
        };
        let pulse = Arc::clone(task.pulse);
        let progress = ProgressSink::new(move |it| pulse.reached(it.bytes));
        let handed_out = self.hand_out(&mut request, (active, passive), traces);
        handed_out.await.map_err(Failure::Peer)?;
        traces.left_something = true;
        let copied = active.storage.copy(&active.cx, request, progress).await;
        let copied = copied.map_err(|error| {
            // Refused before it began, so there is nothing of ours.
            traces.left_something &= error.kind() != ErrorKind::Unsupported;
            Failure::Peer(error)
        })?;
        let given_back = self.take_back(passive, traces).await;
        given_back.map_err(|error| self.side_fault("finish the transfer URL", &error))?;
        Ok(Moved {
            bytes: copied.bytes,
            passed: copied.checksum,
            ..Moved::default()
        })
    }

    async fn stream(
        &self,
        task: &Task<'_>,
        sum: &mut SourceSum,
        traces: &mut Traces,
    ) -> Result<Moved, Fault> {
        let target = &self.destination;
        let verification = task.verification;
        let plan = self
            .plan_resume(task.source, task.size, verification, sum)
            .await?;
        let options = WriteOptions {
            size: task.size,
            overwrite: self.spec.replace == Replace::Always,
            parents: target.abilities.write.parents && !self.spec.params.strict,
            expect: known(sum, verification),
            resume: plan.as_ref().map(|it| it.key().to_owned()),
        };
        traces.left_something = !target.abilities.write.atomic;
        let sink = target.storage.open_write(&target.cx, &target.url, options);
        let sink = sink
            .await
            .map_err(|error| self.side_fault("open the destination", &error))?;
        let sink = traces.sink.insert(sink);
        let track = match plan {
            Some(plan) => {
                traces.resumable = true;
                Some(self.take_up(plan, sink, task.pulse).await)
            }
            None => None,
        };
        let flow = Flow {
            attempt: self,
            size: task.size,
            algorithm: task.verification.algorithm(),
            pulse: task.pulse,
            track: track.as_ref(),
        };
        let streamed = stream::run(&flow, sink).await;
        traces.resumable &= !track.as_ref().is_some_and(Track::is_spoiled);
        let streamed = streamed?;
        if !self.spec.params.strict && task.size.is_some_and(|size| size != streamed.bytes) {
            return Err(size_mismatch());
        }
        if let (SourceSum::FromStream, Some(passed)) = (&*sum, &streamed.checksum) {
            *sum = SourceSum::Known(passed.clone());
            task.verification.check_source(sum)?;
        }
        let intent = CommitIntent {
            size: streamed.bytes,
            checksum: streamed.checksum.clone(),
        };
        task.pulse.wait(true);
        self.channel
            .announce(AttemptEvent::Committing(intent))
            .await;
        traces.left_something = true;
        // Taken out: from here on it is the commit's, and what it leaves is removed by name.
        let Some(sink) = traces.sink.take() else {
            return Err(self.copy_fault(crate::attempt::EIO, "sink is gone"));
        };
        let lap = self.steps.lap(Step::Commit);
        let limit = commit_seconds(self.spec.limits.operation_timeout_seconds, streamed.bytes);
        let written = within(limit, "commit", sink.commit()).await;
        drop(lap);
        let written = written.map_err(|error| {
            // A storage that verifies on its own found what we would have found.
            let passed = streamed.checksum.as_ref();
            let differs = passed
                .filter(|_| error.kind() == ErrorKind::Integrity)
                .and_then(|passed| task.verification.check_target(passed, sum).err());
            differs.unwrap_or_else(|| self.side_fault("commit the destination", &error))
        })?;
        let algorithm = task.verification.algorithm();
        let told = algorithm.and_then(|it| pick(&written.checksums, it));
        Ok(Moved {
            bytes: Some(streamed.bytes),
            is_seen: written.bytes == streamed.bytes && !written.checksums.is_empty(),
            passed: told.or(streamed.checksum),
            ..Moved::default()
        })
    }

    pub(crate) fn side_fault(&self, what: &str, error: &Error) -> Fault {
        self.channel
            .log(LogLevel::Debug, || format!("failed to {what}: {error:?}"));
        self.copy_fault(error.errno(), format!("{what}: {}", error.message()))
    }
}

/// Streams that a third-party copy is asked for: none has less than a MiB to move. There are servers
/// that fail at several streams for an empty file.
fn worthwhile(streams: u32, size: Option<u64>) -> u32 {
    let most = size.map_or(u64::MAX, |size| size.div_ceil(1 << 20).max(1));
    streams.min(u32::try_from(most).unwrap_or(u32::MAX))
}

/// Seconds that a commit may take: those of an operation, and some for each byte that the storage
/// may still have to bring to its disks or to sum up. 0 is no limit.
fn commit_seconds(operation: u64, bytes: u64) -> u64 {
    match operation {
        0 => 0,
        seconds => seconds.saturating_add(bytes / SETTLED_PER_SECOND),
    }
}

/// The checksum that a copy must have, when source and destination are to be compared.
fn known(sum: &SourceSum, verification: &Verification) -> Option<causeway_sdk::Checksum> {
    match sum {
        SourceSum::Known(sum) if verification.compares_both() => Some(sum.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_has_a_limit_of_its_own() {
        assert_eq!(commit_seconds(180, 10), 180);
        assert_eq!(commit_seconds(180, 100 << 30), 180 + 3200);
        assert_eq!(commit_seconds(0, 100 << 30), 0);
        assert_eq!(commit_seconds(u64::MAX, u64::MAX), u64::MAX);
    }

    #[test]
    fn small_files_take_few_streams() {
        assert_eq!(worthwhile(16, Some(0)), 1);
        assert_eq!(worthwhile(16, Some(1)), 1);
        assert_eq!(worthwhile(16, Some(3 << 20)), 3);
        assert_eq!(worthwhile(4, Some(1 << 40)), 4);
        assert_eq!(worthwhile(4, None), 4);
    }
}
