//! The steps before bytes move: a look at the source, a free destination, a directory for it.

use causeway_model::{Fault, Phase, Scope};
use causeway_sdk::{Algorithm, ErrorKind, Locality, Operation, Stat, Url};

use crate::attempt::{Attempt, ECANCELED, EEXIST, EISDIR, ETIMEDOUT, Traces};
use crate::leftover::Known;
use crate::messages::{AttemptFailure, DstFile, Replace};
use crate::plan::Rung;
use crate::site::pick;
use crate::verify::{SourceSum, Verification};

const PHASE: Phase = Phase::Preparation;

// Clients look for these two in the reasons of failures: neither may be put in other words.
const EXISTS: &str = "Destination file exists and overwrite is not enabled";
const ON_TAPE: &str = "Destination file exists and is on tape";

impl Attempt<'_> {
    /// Metadata of the source; `None` when it was not looked at.
    pub(crate) async fn source_stat(&self) -> Result<Option<Stat>, Fault> {
        if self.spec.params.strict || !self.source.can(Operation::Stat) {
            return Ok(None);
        }
        let stat = self.source.stat().await;
        let stat = stat.map_err(|error| self.source.fault(PHASE, &error))?;
        if stat.is_directory() {
            return Err(Fault::new(Scope::Source, PHASE, EISDIR, "Is a directory"));
        }
        self.info(|| match stat.size {
            Some(size) => format!("Source file size: {size}"),
            None => "Source file size: unknown".to_owned(),
        });
        Ok(Some(stat))
    }

    /// Makes sure that nothing stands at the destination, and that its directory does.
    pub(crate) async fn prepare_destination(
        &self,
        known: &Known<'_>,
        sum: &mut SourceSum,
        traces: &mut Traces,
    ) -> Result<(), AttemptFailure> {
        if self.spec.params.strict || !self.destination.can(Operation::Stat) {
            return Ok(());
        }
        let there = self.destination.exists(&self.destination.url).await;
        let there = there.map_err(|error| self.destination.fault(PHASE, &error))?;
        if !there {
            traces.cleared_is_journalled = self.spec.leftover_is_ours;
            // What is streamed brings its directories along where the storage makes them.
            let streams_first = known.rungs.first() == Some(&Rung::Stream);
            if !(streams_first && self.destination.abilities.write.parents) {
                self.make_parent(traces).await?;
            }
            return Ok(());
        }
        if let Some(obstacle) = self.obstacle().await? {
            return Err(self.exists_failure(obstacle).await);
        }
        // Nothing is removed for a source that is not what the user said.
        if matches!(sum, SourceSum::FromStream) && known.verification.has_user_value() {
            *sum = self.ask_source(known.verification).await?;
        }
        self.info(|| "Removing the existing destination".to_owned());
        let removed = self.destination.unlink().await;
        removed.map_err(|error| self.destination.fault(PHASE, &error))?;
        traces.cleared_is_journalled = self.spec.leftover_is_ours;
        Ok(())
    }

    /// Why that which stands there has to stay; `None`: it may go.
    async fn obstacle(&self) -> Result<Option<&'static str>, Fault> {
        if self.spec.leftover_is_ours {
            self.info(|| "An earlier run left something at the destination".to_owned());
            return Ok(None);
        }
        match self.spec.replace {
            Replace::Never => Ok(Some(EXISTS)),
            Replace::Always => Ok(None),
            Replace::OnlyOnDisk => {
                let stat = self.destination.stat().await;
                let stat = stat.map_err(|error| self.destination.fault(PHASE, &error))?;
                Ok(match stat.locality {
                    Locality::Online => None,
                    Locality::Nearline | Locality::OnlineAndNearline => Some(ON_TAPE),
                    // Nobody says that it is on disk alone.
                    Locality::Lost | Locality::Unknown => Some(EXISTS),
                })
            }
        }
    }

    async fn exists_failure(&self, text: &'static str) -> AttemptFailure {
        let fault = Fault::new(Scope::Destination, PHASE, EEXIST, text);
        let dst_file = match self.spec.dst_file_report {
            true => Some(self.describe_destination().await),
            false => None,
        };
        AttemptFailure {
            dst_file,
            ..fault.into()
        }
    }

    /// As much as the destination tells. What it does not tell stays empty; the log says why.
    async fn describe_destination(&self) -> DstFile {
        let mut file = DstFile::default();
        let algorithm =
            Verification::algorithm_of(self.spec.checksum.as_deref()).unwrap_or(Algorithm::Adler32);
        let mut kept = None;
        match self.destination.stat().await {
            Ok(stat) => {
                file.file_size = stat.size;
                (file.file_on_disk, file.file_on_tape) = places(stat.locality);
                kept = pick(&stat.checksums, algorithm);
            }
            Err(error) => self.warn(|| format!("Cannot stat the existing destination: {error}")),
        }
        if kept.is_none() && self.destination.can_sum(algorithm) {
            match self.destination.checksum(algorithm).await {
                Ok(sum) => kept = Some(sum),
                Err(error) => {
                    self.warn(|| format!("Cannot sum up the existing destination: {error}"));
                }
            }
        }
        if let Some(sum) = kept {
            file.checksum_type = Some(sum.algorithm.name().to_ascii_uppercase());
            file.checksum_value = Some(sum.normalized());
        }
        file
    }

    async fn make_parent(&self, traces: &mut Traces) -> Result<(), Fault> {
        let site = &self.destination;
        if !site.can(Operation::Mkdir) {
            return Ok(());
        }
        let Some(parent) = site.url.parent() else {
            return Ok(());
        };
        traces.parent_is_assumed = self.parents.are_known(&parent);
        if traces.parent_is_assumed {
            return Ok(());
        }
        let there = site.exists(&parent).await;
        if !there.map_err(|error| site.fault(PHASE, &error))? {
            return self.make_directory(&parent).await;
        }
        self.parents.saw(&parent);
        Ok(())
    }

    /// Whether a copy failed because the directory is gone that stood there a moment ago. It stands there again
    /// then, and the copy may begin anew. Storages say it in many ways, so the directory itself is asked.
    pub(crate) async fn has_lost_parent(&self, fault: &Fault, traces: &mut Traces) -> bool {
        let assumed = std::mem::take(&mut traces.parent_is_assumed);
        let Some(parent) = assumed.then(|| self.destination.url.parent()).flatten() else {
            return false;
        };
        self.parents.forget(&parent);
        if matches!(fault.errno, EEXIST | ECANCELED | ETIMEDOUT) {
            return false;
        }
        let there = self.destination.exists(&parent).await;
        let made = match there.map_err(|error| self.destination.fault(PHASE, &error)) {
            Ok(true) => return false,
            Ok(false) => {
                self.sweep(traces).await;
                self.make_directory(&parent).await
            }
            Err(fault) => Err(fault),
        };
        if let Err(why) = &made {
            self.warn(|| format!("Cannot restore the directory {parent}: {why}"));
        }
        made.is_ok()
    }

    async fn make_directory(&self, at: &Url) -> Result<(), Fault> {
        match self.destination.mkdir(at).await {
            Err(error) if error.kind() != ErrorKind::Exists => {
                return Err(self.destination.fault(PHASE, &error));
            }
            // Made by somebody else in the meantime is as good.
            _ => self.info(|| format!("Created the directory {at}")),
        }
        self.parents.saw(at);
        Ok(())
    }
}

/// On disk, on tape.
fn places(locality: Locality) -> (Option<bool>, Option<bool>) {
    match locality {
        Locality::Online => (Some(true), Some(false)),
        Locality::Nearline => (Some(false), Some(true)),
        Locality::OnlineAndNearline => (Some(true), Some(true)),
        Locality::Lost => (Some(false), Some(false)),
        Locality::Unknown => (None, None),
    }
}
