//! Going on with a streamed transfer that was broken off: whether that is possible, what of it
//! counts, and what is left for the next attempt.
//!
//! # Invariants
//! - A piece is skipped only if the source is the same and the destination, read back, has the
//!   checksum that the piece had when it passed: `tests/resume.rs`.
//! - Whatever is doubtful moves again, and the log of the transfer says so.
//! - A transfer that ended for good leaves neither ledger nor unfinished file.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use causeway_model::{Fault, Scope};
use causeway_sdk::{Algorithm, DynWrite, LogLevel, Stat, WriteOptions};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::approach::site;
use crate::attempt::{Attempt, Traces};
use crate::channel::Channel;
use crate::messages::AttemptSpec;
use crate::resume::{self, Contents, Header};
use crate::resume_sums::adler;
use crate::resume_track::{MOST_PIECES, Track, bytes_of};
use crate::site::{Directory, Site};
use crate::verify::{SourceSum, Verification};
use crate::watchdog::Pulse;

/// How this attempt may be gone on with, and what an earlier one left.
pub(crate) struct Plan {
    path: PathBuf,
    contents: Contents,
}

impl Plan {
    /// The key that the storage knows the write by.
    pub(crate) fn key(&self) -> &str {
        &self.contents.header.key
    }
}

impl Attempt<'_> {
    /// Whether a stream can be gone on with, and with what it begins.
    pub(crate) async fn plan_resume(
        &self,
        source: Option<&Stat>,
        size: Option<u64>,
        verification: &Verification,
        sum: &mut SourceSum,
    ) -> Result<Option<Plan>, Fault> {
        let Some(fresh) = self.header(source, size) else {
            return Ok(None);
        };
        let Some(path) = ledger_path(self.spec) else {
            return Ok(None);
        };
        let mut contents = Contents {
            header: fresh,
            version: None,
            pieces: BTreeMap::new(),
        };
        if let Some(earlier) = ledger(self.spec).await {
            if earlier.header.key != contents.header.key {
                self.info(|| "The source is another one by now: starting over".to_owned());
                self.discard().await;
            } else if !self.sums_without_the_stream(verification, sum).await? {
                self.info(|| "The checksum needs the whole stream: starting over".to_owned());
                self.discard().await;
            } else {
                contents = earlier;
            }
        }
        Ok(Some(Plan { path, contents }))
    }

    /// Names the write, if both sides are able to go on with it.
    fn header(&self, source: Option<&Stat>, size: Option<u64>) -> Option<Header> {
        let spec = self.spec;
        let (resume, source) = (spec.resume.as_ref()?, source?);
        let size = size.filter(|size| *size >= resume.min_bytes.max(1))?;
        let write = &self.destination.abilities.write;
        let range = spec.limits.range_bytes.max(1);
        let able = self.source.abilities.read.ranges
            && write.positional
            && write.resumable
            && size.div_ceil(range) <= MOST_PIECES;
        // Without a version nobody can tell whether the source is still the same.
        let version = match (&source.etag, source.mtime) {
            (None, None) => return None,
            (etag, mtime) => format!("{etag:?} {mtime:?}"),
        };
        let key = resume::key(&[
            &spec.job_id.to_string(),
            &spec.file_id.to_string(),
            spec.source.as_str(),
            spec.destination.as_str(),
            &size.to_string(),
            &version,
        ]);
        able.then_some(Header { key, size, range })
    }

    /// True when what is verified is known even if only a part of the file passes. Only Adler-32
    /// can be put together from pieces; others the storages must tell.
    async fn sums_without_the_stream(
        &self,
        verification: &Verification,
        sum: &mut SourceSum,
    ) -> Result<bool, Fault> {
        let algorithm = match verification.algorithm() {
            None | Some(Algorithm::Adler32) => return Ok(true),
            Some(algorithm) => algorithm,
        };
        if !self.destination.can_sum(algorithm) {
            return Ok(false);
        }
        if matches!(sum, SourceSum::FromStream) {
            *sum = self.ask_source(verification).await?;
        }
        Ok(!matches!(sum, SourceSum::FromStream))
    }

    /// Looks at what the destination holds of an earlier attempt, and begins the ledger anew with
    /// what of it is right.
    pub(crate) async fn take_up(
        &self,
        plan: Plan,
        sink: &mut Box<dyn DynWrite>,
        pulse: &Pulse,
    ) -> Track {
        let Plan { path, mut contents } = plan;
        let (noted, held) = (contents.pieces.len(), sink.held());
        let mut kept = BTreeMap::new();
        let mut bytes = 0;
        for (index, sum) in &contents.pieces {
            let range = bytes_of(&contents.header, *index);
            if range.is_empty() || range.end > held {
                continue;
            }
            let len = range.end - range.start;
            match sink.keep(range.start, len, adler(*sum)).await {
                Ok(true) => {
                    kept.insert(*index, *sum);
                    bytes += len;
                    pulse.moved(len);
                }
                Ok(false) => {}
                Err(error) => {
                    self.warn(|| format!("Cannot read back what arrived earlier: {error}"));
                    break;
                }
            }
        }
        if noted > 0 {
            let size = contents.header.size;
            self.info(|| match kept.len() {
                0 => "Nothing of what arrived earlier can be used: starting over".to_owned(),
                count => format!(
                    "Resuming: {bytes} of {size} bytes are there, {count} of {noted} pieces verified"
                ),
            });
        }
        contents.pieces = kept;
        Track::begin(path, contents).await
    }

    /// Whether an attempt that ended so is gone on with by another.
    pub(crate) fn is_gone_on_with(&self, fault: &Fault, traces: &Traces) -> bool {
        let more = self.spec.resume.as_ref().is_some_and(|it| it.more_to_come);
        let tried_again = more && fault.is_recoverable();
        traces.resumable && (tried_again || self.channel.is_left())
    }

    /// Removes the ledger: the transfer has ended, or begins anew.
    pub(crate) async fn forget_ledger(&self) {
        forget_ledger(self.spec).await;
    }

    /// Removes what an earlier attempt left to be gone on with, at the destination and here.
    pub(crate) async fn discard(&self) {
        discard(self.spec, &self.destination, self.channel).await;
    }

    pub(crate) fn patience(&self) -> Duration {
        patience(self.spec)
    }
}

/// Removes what was left to be gone on with of a transfer that has ended.
pub(crate) async fn clean_up(spec: &AttemptSpec, directory: &Directory, channel: &Channel) {
    match site(spec, directory, channel, Scope::Destination) {
        Ok(site) => discard(spec, &site, channel).await,
        Err(fault) => {
            channel.log(LogLevel::Warn, || {
                format!("Cannot remove what arrived earlier: {fault}")
            });
            forget_ledger(spec).await;
        }
    }
}

/// The same at a destination that was found.
async fn discard(spec: &AttemptSpec, site: &Site, channel: &Channel) {
    let Some(earlier) = ledger(spec).await else {
        return;
    };
    let header = earlier.header;
    let options = WriteOptions {
        size: site.abilities.write.needs_size.then_some(header.size),
        // Nothing is ever committed; what stands there is no obstacle.
        overwrite: true,
        resume: Some(header.key),
        ..WriteOptions::default()
    };
    let warn = |text: &str| {
        channel.log(LogLevel::Warn, || {
            format!("Cannot remove what arrived earlier: {text}")
        });
    };
    let remove = async {
        match site.storage.open_write(&site.cx, &site.url, options).await {
            Ok(sink) => sink.abort().await,
            Err(error) => warn(&error.to_string()),
        }
    };
    if timeout(patience(spec), remove).await.is_err() {
        warn("timed out");
    }
    forget_ledger(spec).await;
}

fn patience(spec: &AttemptSpec) -> Duration {
    Duration::from_secs(spec.limits.cleanup_timeout_seconds.max(1))
}

/// Where the ledger of a transfer is; `None` when nothing is ever gone on with.
fn ledger_path(spec: &AttemptSpec) -> Option<PathBuf> {
    let resume = spec.resume.as_ref()?;
    Some(resume::path(&resume.dir, spec.file_id, spec.job_id))
}

/// The ledger that an earlier attempt left.
async fn ledger(spec: &AttemptSpec) -> Option<Contents> {
    let path = ledger_path(spec)?;
    let read = spawn_blocking(move || resume::read(&path)).await;
    // It panics for nobody; if it does, there is no ledger.
    read.ok().flatten()
}

async fn forget_ledger(spec: &AttemptSpec) {
    if let Some(path) = ledger_path(spec)
        && let Err(error) = spawn_blocking(move || resume::remove(&path)).await
    {
        tracing::warn!(%error, "failed to remove a ledger");
    }
}
