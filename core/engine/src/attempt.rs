//! One attempt at a transfer, from the first look at the source to the result.
//!
//! The order of steps, the scopes, phases and texts are those users of the field know.
//! Each step lives in a module of its own; this one is the order.
//! Knows nothing of jobs, queues or the store: it talks to the engine through its channel.
//!
//! # Invariants
//! - Whatever ends an attempt, cancellation included, its sink is aborted and what it left at the
//!   destination is removed: `tests/streams.rs`.

use causeway_model::observe::Step;
use causeway_model::{Fault, Phase, Scope};
use causeway_sdk::{Checksum, DynWrite, LogLevel, TransferUrl, Url};
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::approach::site;
use crate::channel::Channel;
use crate::leftover::Known;
use crate::messages::{AttemptEvent, AttemptFailure, AttemptResult, AttemptSpec};
use crate::parents::Parents;
use crate::plan::{Rung, Terrain, ladder, last};
use crate::resume_attempt;
use crate::site::{Directory, Site};
use crate::steps::{self, Stopwatch};
use crate::verify::Verification;

/// How often an attempt says that it runs, whatever it is doing.
const SIGN_OF_LIFE: std::time::Duration = std::time::Duration::from_secs(60);

pub(crate) const EINTR: i32 = 4;
pub(crate) const EEXIST: i32 = 17;
pub(crate) const EAGAIN: i32 = 11;
pub(crate) const EISDIR: i32 = 21;
pub(crate) const EINVAL: i32 = 22;
pub(crate) const EIO: i32 = 5;
pub(crate) const ECOMM: i32 = 70;
pub(crate) const EPROTONOSUPPORT: i32 = 93;
pub(crate) const EOPNOTSUPP: i32 = 95;
pub(crate) const ETIMEDOUT: i32 = 110;
pub(crate) const ECANCELED: i32 = 125;

/// An attempt with both sides found.
pub(crate) struct Attempt<'a> {
    pub(crate) spec: &'a AttemptSpec,
    pub(crate) channel: &'a Channel,
    pub(crate) source: Site,
    pub(crate) destination: Site,
    pub(crate) parents: &'a Parents,
    pub(crate) steps: Stopwatch,
}

/// What must be known when an attempt is dropped in the middle of something.
#[derive(Default)]
pub(crate) struct Traces {
    /// The sink, as long as it is open.
    pub(crate) sink: Option<Box<dyn DynWrite>>,
    /// Something that this attempt made may stand at the destination.
    pub(crate) left_something: bool,
    /// When the copy began.
    pub(crate) copy_began: Option<Instant>,
    /// The engine knows that the destination was empty before this attempt.
    pub(crate) cleared_is_journalled: bool,
    /// The directory of the destination was not looked at: it stood there a moment ago.
    pub(crate) parent_is_assumed: bool,
    /// The sink can be suspended, and a ledger says what is in it.
    pub(crate) resumable: bool,
    /// A transfer URL that was not given back yet.
    pub(crate) handed_out: Option<TransferUrl>,
    /// Ways that turned out not to work.
    pub(crate) refused: Vec<Rung>,
}

/// What a copy brought.
#[derive(Debug, Default)]
pub(crate) struct Moved {
    pub(crate) rung: Option<Rung>,
    /// Bytes that arrived, as far as anybody counted.
    pub(crate) bytes: Option<u64>,
    /// Checksum of the bytes that passed, or that a storage told.
    pub(crate) passed: Option<Checksum>,
    /// The storage looked at what it has and told of it: nobody needs to look again.
    pub(crate) is_seen: bool,
    pub(crate) duration_seconds: f64,
}

/// Runs an attempt to its end, in its span.
pub(crate) fn run(
    spec: &AttemptSpec,
    directory: &Directory,
    channel: &Channel,
) -> impl Future<Output = Result<AttemptResult, AttemptFailure>> {
    let span = steps::open(spec);
    let inside = span.clone();
    async move {
        let outcome = run_inside(spec, directory, channel).await;
        steps::close(&inside, &outcome);
        outcome
    }
    .instrument(span)
}

async fn run_inside(
    spec: &AttemptSpec,
    directory: &Directory,
    channel: &Channel,
) -> Result<AttemptResult, AttemptFailure> {
    if spec.only_clean_up {
        resume_attempt::clean_up(spec, directory, channel).await;
        return Ok(AttemptResult::default());
    }
    let attempt = Attempt {
        spec,
        channel,
        source: site(spec, directory, channel, Scope::Source)?,
        destination: site(spec, directory, channel, Scope::Destination)?,
        parents: &directory.parents,
        steps: Stopwatch::default(),
    };
    let mut traces = Traces {
        // What an earlier run left is removed like what this one leaves.
        left_something: spec.leftover_is_ours,
        ..Traces::default()
    };
    let outcome = tokio::select! {
        biased;
        () = channel.cancelled() => Err(canceled().into()),
        outcome = attempt.sequence(&mut traces) => outcome,
        never = say_that_it_runs(channel) => match never {},
    };
    match outcome {
        Ok(mut result) => {
            attempt.release_pin().await;
            if traces.resumable || result.rung.is_none() {
                attempt.forget_ledger().await;
            }
            result.steps = attempt.steps.times();
            result.refused = traces.refused;
            Ok(result)
        }
        Err(mut failure) => {
            let began = traces.copy_began;
            failure.duration_seconds = began.map_or(0.0, |it| seconds(it.elapsed()));
            channel.log(LogLevel::Error, || failure.fault.to_string());
            let lap = attempt.steps.lap(Step::CleanUp);
            failure.kept = attempt.clean_up(&failure.fault, &mut traces).await;
            drop(lap);
            failure.steps = attempt.steps.times();
            failure.refused = traces.refused;
            Err(failure)
        }
    }
}

/// A silent attempt counts as lost. Whatever takes long has a limit of its own.
async fn say_that_it_runs(channel: &Channel) -> std::convert::Infallible {
    loop {
        tokio::time::sleep(SIGN_OF_LIFE).await;
        channel.report(AttemptEvent::Alive).await;
    }
}

pub(crate) fn canceled() -> Fault {
    Fault::new(
        Scope::Transfer,
        Phase::Transfer,
        ECANCELED,
        "Transfer canceled",
    )
}

/// Whole milliseconds, as rows keep them.
pub(crate) fn seconds(duration: std::time::Duration) -> f64 {
    (duration.as_secs_f64() * 1000.0).round() / 1000.0
}

impl Attempt<'_> {
    async fn sequence(&self, traces: &mut Traces) -> Result<AttemptResult, AttemptFailure> {
        let spec = self.spec;
        self.introduce();
        let lap = self.steps.lap(Step::Prepare);
        let stat = self.source_stat().await?;
        let size = match &stat {
            Some(stat) => stat.size,
            None => (spec.user_filesize > 0).then_some(spec.user_filesize),
        };
        let timeout = self.timeout_seconds(size);
        let params = format!(
            "nostreams:{},timeout:{timeout},buffersize:{}",
            spec.limits.streams, spec.limits.buffer_bytes
        );
        self.channel
            .report(AttemptEvent::Parameters { params, size })
            .await;
        let verification = Verification::wanted(spec)?;
        let rungs = self.ways(&verification)?;
        let kept = stat.as_ref().map_or(&[][..], |it| &it.checksums);
        drop(lap);
        let lap = self.steps.lap(Step::SourceChecksum);
        let mut sum = self.source_sum(&verification, &rungs, kept).await?;
        drop(lap);
        let lap = self.steps.lap(Step::Prepare);
        let known = Known {
            source: stat.as_ref(),
            size,
            rungs: &rungs,
            verification: &verification,
        };
        let moved = match self.already_moved(&known, &mut sum).await? {
            Some(moved) => {
                traces.left_something = true;
                drop(lap);
                moved
            }
            None => {
                self.prepare_destination(&known, &mut sum, traces).await?;
                drop(lap);
                let _lap = self.steps.lap(Step::Copy);
                match self.copy(&known, timeout, &mut sum, traces).await {
                    Err(fault) if self.has_lost_parent(&fault, traces).await => {
                        self.copy(&known, timeout, &mut sum, traces).await?
                    }
                    copied => copied?,
                }
            }
        };
        let _lap = self.steps.lap(Step::Verify);
        let size = self.check_size(size, &moved).await?;
        let checksum = self.check_target(&verification, &sum, &moved).await?;
        Ok(AttemptResult {
            size,
            duration_seconds: moved.duration_seconds,
            rung: moved.rung,
            checksum,
            ..AttemptResult::default()
        })
    }

    fn introduce(&self) {
        let spec = self.spec;
        self.info(|| {
            format!(
                "Transfer accepted: job {} file {}",
                spec.job_id, spec.file_id
            )
        });
        self.info(|| format!("Source url: {}", spec.source));
        self.info(|| format!("Dest url: {}", spec.destination));
        self.info(|| format!("Retry: {}", spec.retry));
        if let Some(id) = spec.trace.as_deref().and_then(steps::trace_id) {
            self.info(|| format!("Trace: {id}"));
        }
        self.info(|| format!("Credential: {:?}", spec.credential.kind()));
        if let Some(credential) = &spec.destination_credential {
            self.info(|| format!("Credential at the destination: {:?}", credential.kind()));
        }
    }

    /// Time the copy may take: the job's, the server's, or by size.
    fn timeout_seconds(&self, size: Option<u64>) -> u64 {
        self.spec.limits.copy_seconds(size)
    }

    /// The ways that exist and at whose end what is to be verified can be verified.
    fn ways(&self, verification: &Verification) -> Result<Vec<Rung>, Fault> {
        let rungs = ladder(Terrain {
            source: &self.source.abilities,
            destination: &self.destination.abilities,
            source_scheme: self.source.url.scheme(),
            destination_scheme: self.destination.url.scheme(),
            peer_copies: self.spec.limits.peer_copies,
            streaming_allowed: self.spec.limits.streaming_allowed,
        });
        if rungs.is_empty() {
            let text = format!(
                "no way to copy from {} to {}: neither side copies from or to the other, \
                 and streaming is not possible",
                kind(&self.source.url),
                kind(&self.destination.url)
            );
            let scope = Scope::Transfer;
            return Err(Fault::new(scope, Phase::Preparation, EPROTONOSUPPORT, text));
        }
        let rungs = last(self.verifiable(rungs, verification)?, &self.spec.avoid);
        self.info(|| {
            let names: Vec<_> = rungs.iter().map(|it| it.name()).collect();
            format!("Ways to copy: {}", names.join(", "))
        });
        Ok(rungs)
    }

    pub(crate) fn info(&self, text: impl FnOnce() -> String) {
        self.channel.log(LogLevel::Info, text);
    }

    pub(crate) fn warn(&self, text: impl FnOnce() -> String) {
        self.channel.log(LogLevel::Warn, text);
    }

    /// A failure of the copy itself.
    pub(crate) fn copy_fault(&self, errno: i32, text: impl AsRef<str>) -> Fault {
        Fault::new(Scope::Transfer, Phase::Transfer, errno, text)
    }
}

fn kind(url: &Url) -> String {
    format!("{}:", url.scheme())
}
