//! Checksums and sizes: what is compared with what, and where each value comes from.
//!
//! A value comes from the storage when the storage can tell, because what counts is what is
//! stored. Two exceptions save reading a file twice: a storage of this machine would read the same
//! file through the same disk for the source's checksum, so the passing bytes are summed up; and a
//! storage that computes no checksum leaves the passing bytes as the only witness.

use causeway_model::{ChecksumMode, Fault, Phase, Scope, UserChecksum};
use causeway_sdk::{Algorithm, Checksum, Operation};

use crate::attempt::{Attempt, EINVAL, EIO, EOPNOTSUPP, Moved};
use crate::messages::AttemptSpec;
use crate::plan::Rung;
use crate::site::pick;

/// What an attempt verifies.
#[derive(Clone, Debug, Default)]
pub(crate) struct Verification {
    source: bool,
    target: bool,
    both: bool,
    algorithm: Option<Algorithm>,
    user: Option<Checksum>,
}

/// The checksum of the source.
#[derive(Clone, Debug)]
pub(crate) enum SourceSum {
    /// Nobody asked.
    NotWanted,
    /// The storage told.
    Known(Checksum),
    /// It will be known when the bytes have passed.
    FromStream,
}

impl Verification {
    /// What a user asked for.
    pub(crate) fn wanted(spec: &AttemptSpec) -> Result<Self, Fault> {
        let mode = spec.checksum_mode;
        if spec.params.strict || !(mode.checks_source() || mode.checks_target()) {
            return Ok(Self::default());
        }
        let user = match spec.checksum.as_deref() {
            None | Some("") => None,
            Some(text) => Some(UserChecksum::parse(text).ok_or_else(|| {
                let scope = match mode.checks_source() {
                    true => Scope::Source,
                    false => Scope::Destination,
                };
                let text = "checksum algorithm is not supported";
                Fault::new(scope, Phase::Preparation, EOPNOTSUPP, text)
            })?),
        };
        let algorithm = user.as_ref().map_or(Algorithm::Adler32, |it| it.algorithm);
        let user = user.and_then(|it| Some(Checksum::new(algorithm, it.value?)));
        let both = mode == ChecksumMode::BOTH;
        Ok(Self {
            source: mode.checks_source(),
            // Without a value to compare with there is no reason to read the file again.
            target: mode.checks_target() && (both || user.is_some()),
            both,
            algorithm: Some(algorithm),
            user,
        })
    }

    /// Algorithm of a user's text.
    pub(crate) fn algorithm_of(text: Option<&str>) -> Option<Algorithm> {
        UserChecksum::parse(text?).map(|it| it.algorithm)
    }

    /// The algorithm, when anything is verified.
    pub(crate) fn algorithm(&self) -> Option<Algorithm> {
        self.algorithm
    }

    /// True when the user named a value.
    pub(crate) fn has_user_value(&self) -> bool {
        self.user.is_some()
    }

    /// The value that the user named.
    pub(crate) fn user_value(&self) -> Option<&Checksum> {
        self.user.as_ref()
    }

    /// True when source and destination are compared.
    pub(crate) fn compares_both(&self) -> bool {
        self.both
    }

    /// Compares the source's checksum with the user's.
    pub(crate) fn check_source(&self, sum: &SourceSum) -> Result<(), Fault> {
        let (true, SourceSum::Known(source), Some(user)) = (self.source, sum, &self.user) else {
            return Ok(());
        };
        if source == user {
            return Ok(());
        }
        let text = format!(
            "Source and user-defined {} checksum do not match ({} != {})",
            name(source),
            shown(source),
            shown(user)
        );
        Err(Fault::new(Scope::Source, Phase::Preparation, EIO, text))
    }

    /// Compares the destination's checksum with the user's and the source's.
    pub(crate) fn check_target(
        &self,
        destination: &Checksum,
        sum: &SourceSum,
    ) -> Result<(), Fault> {
        let fault = |text: String| Fault::new(Scope::Destination, Phase::Finalization, EIO, text);
        if let Some(user) = self.user.as_ref().filter(|it| *it != destination) {
            return Err(fault(format!(
                "User-defined and destination {} checksum do not match ({} != {})",
                name(destination),
                shown(user),
                shown(destination)
            )));
        }
        match sum {
            SourceSum::Known(source) if self.both && source != destination => Err(fault(format!(
                "Source and destination {} checksum do not match ({} != {})",
                name(destination),
                shown(source),
                shown(destination)
            ))),
            _ => Ok(()),
        }
    }
}

fn name(sum: &Checksum) -> String {
    sum.algorithm.name().to_ascii_uppercase()
}

/// Values of eight digits are padded for display, others are shown as they came.
fn shown(sum: &Checksum) -> String {
    match sum.algorithm.digits() {
        8 => sum.normalized(),
        _ => sum.hex.clone(),
    }
}

impl Attempt<'_> {
    /// The ways at whose end everything can be verified. Bytes that pass through us can always be
    /// summed up; of bytes that do not, only the storages know.
    pub(crate) fn verifiable(
        &self,
        mut rungs: Vec<Rung>,
        verification: &Verification,
    ) -> Result<Vec<Rung>, Fault> {
        let Some(algorithm) = verification.algorithm else {
            return Ok(rungs);
        };
        let sides = [
            (verification.source, &self.source),
            (verification.target, &self.destination),
        ];
        for (wanted, site) in sides {
            if !wanted || site.can_sum(algorithm) {
                continue;
            }
            if rungs.iter().any(|it| it.is_third_party()) {
                self.info(|| {
                    let side = site.scope.name().to_lowercase();
                    format!("No third-party copy: the {side} computes no {algorithm}")
                });
                rungs.retain(|it| !it.is_third_party());
            }
            if rungs.is_empty() {
                let text = format!("{algorithm} checksum is not supported by this storage");
                return Err(Fault::new(site.scope, Phase::Preparation, EOPNOTSUPP, text));
            }
        }
        Ok(rungs)
    }

    /// The source's checksum, or where it will come from.
    pub(crate) async fn source_sum(
        &self,
        verification: &Verification,
        rungs: &[Rung],
        kept: &[Checksum],
    ) -> Result<SourceSum, Fault> {
        let Some(algorithm) = verification.algorithm.filter(|_| verification.source) else {
            return Ok(SourceSum::NotWanted);
        };
        if let Some(kept) = pick(kept, algorithm) {
            let sum = SourceSum::Known(kept);
            verification.check_source(&sum)?;
            return Ok(sum);
        }
        let passes_by = rungs.first() == Some(&Rung::Stream);
        if passes_by && (self.source.abilities.local || !self.source.can_sum(algorithm)) {
            return Ok(SourceSum::FromStream);
        }
        self.ask_source(verification).await
    }

    /// Asks the storage for the source's checksum, if it can tell, and compares it.
    pub(crate) async fn ask_source(&self, verification: &Verification) -> Result<SourceSum, Fault> {
        let Some(algorithm) = verification.algorithm else {
            return Ok(SourceSum::NotWanted);
        };
        if !self.source.can_sum(algorithm) {
            return Ok(SourceSum::FromStream);
        }
        let sum = self.source.checksum(algorithm).await;
        let sum = sum.map_err(|error| self.source.fault(Phase::Preparation, &error))?;
        self.info(|| format!("Source checksum: {sum}"));
        let sum = SourceSum::Known(sum);
        verification.check_source(&sum)?;
        Ok(sum)
    }

    /// Size of the destination, compared with that of the source.
    pub(crate) async fn check_size(
        &self,
        expected: Option<u64>,
        moved: &Moved,
    ) -> Result<Option<u64>, Fault> {
        if self.spec.params.strict {
            return Ok(expected.or(moved.bytes));
        }
        let there = match self.destination.can(Operation::Stat) && !moved.is_seen {
            true => {
                let stat = self.destination.stat().await;
                let stat =
                    stat.map_err(|error| self.destination.fault(Phase::Finalization, &error))?;
                stat.size.or(moved.bytes)
            }
            false => moved.bytes,
        };
        let expected = expected.or(moved.bytes);
        match (expected, there) {
            (Some(expected), Some(there)) if expected != there => Err(size_mismatch()),
            _ => Ok(expected.or(there)),
        }
    }

    /// Checksum of the destination, compared with what there is to compare with.
    pub(crate) async fn check_target(
        &self,
        verification: &Verification,
        sum: &SourceSum,
        moved: &Moved,
    ) -> Result<Option<Checksum>, Fault> {
        let Some(algorithm) = verification.algorithm.filter(|_| verification.target) else {
            return Ok(moved.passed.clone());
        };
        let destination = if self.destination.can_sum(algorithm) {
            let there = self.destination.checksum(algorithm).await;
            there.map_err(|error| self.destination.fault(Phase::Finalization, &error))?
        } else if let Some(passed) = moved.passed.clone().filter(|it| it.algorithm == algorithm) {
            self.info(|| "The destination computes no checksum: that of the passed bytes".into());
            passed
        } else {
            let text = format!("{algorithm} checksum is not supported by this storage");
            let scope = Scope::Destination;
            return Err(Fault::new(scope, Phase::Finalization, EOPNOTSUPP, text));
        };
        self.info(|| format!("Destination checksum: {destination}"));
        verification.check_target(&destination, sum)?;
        Ok(Some(destination))
    }
}

/// The fault of a destination that has another size than the source.
pub(crate) fn size_mismatch() -> Fault {
    Fault::new(
        Scope::Destination,
        Phase::Finalization,
        EINVAL,
        "Source and destination file size mismatch",
    )
}
