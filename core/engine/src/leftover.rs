//! What an earlier run of this very attempt left at the destination, before the gateway died: a
//! finished copy is kept, anything else is for the next step to remove.
//!
//! Two traces of the earlier run come with the order. A streamed copy announced size and checksum
//! before it became visible, so those are what is looked for. A third-party copy only announced
//! that nothing was there before, so what stands there is ours but may be half a file: it is
//! compared with the source.
//!
//! # Invariants
//! - Size alone proves nothing, unless the destination says that its copies show whole or not at
//!   all: `tests/restart.rs`.

use causeway_model::transfer::CommitIntent;
use causeway_model::{Fault, Phase};
use causeway_sdk::{Algorithm, Checksum, ErrorKind, Operation, Result, Stat};

use crate::attempt::{Attempt, Moved};
use crate::plan::Rung;
use crate::site::{Site, pick};
use crate::verify::{SourceSum, Verification};

const PHASE: Phase = Phase::Preparation;

/// What is known of the source when the destination is looked at.
pub(crate) struct Known<'a> {
    pub(crate) source: Option<&'a Stat>,
    pub(crate) size: Option<u64>,
    pub(crate) rungs: &'a [Rung],
    pub(crate) verification: &'a Verification,
}

impl Attempt<'_> {
    /// What an earlier run of this attempt had brought, if that is what stands at the destination.
    pub(crate) async fn already_moved(
        &self,
        known: &Known<'_>,
        sum: &mut SourceSum,
    ) -> Result<Option<Moved>, Fault> {
        if !self.destination.can(Operation::Stat) {
            return Ok(None);
        }
        if let Some(intent) = &self.spec.commit_intent
            && let Some(moved) = self.committed(intent, known.verification, sum).await?
        {
            return Ok(Some(moved));
        }
        if !self.spec.leftover_is_ours {
            return Ok(None);
        }
        match self.copied(known, sum).await {
            Ok(moved) => Ok(moved),
            // A second copy is never wrong, only dearer.
            Err(error) => {
                self.warn(|| format!("Cannot compare what an earlier run left: {error}"));
                Ok(None)
            }
        }
    }

    /// The streamed copy that was announced, if it is there.
    async fn committed(
        &self,
        intent: &CommitIntent,
        verification: &Verification,
        sum: &mut SourceSum,
    ) -> Result<Option<Moved>, Fault> {
        let stat = match self.destination.stat().await {
            Ok(stat) => stat,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.destination.fault(PHASE, &error)),
        };
        if stat.size != Some(intent.size) || stat.is_directory() {
            return Ok(None);
        }
        if let Some(expected) = &intent.checksum {
            let there = told(&self.destination, &stat, expected.algorithm).await;
            let there = there.map_err(|error| self.destination.fault(PHASE, &error))?;
            if there.is_some_and(|there| there != *expected) {
                return Ok(None);
            }
        }
        if matches!(sum, SourceSum::FromStream) {
            *sum = match &intent.checksum {
                Some(it) if Some(it.algorithm) == verification.algorithm() => {
                    let known = SourceSum::Known(it.clone());
                    verification.check_source(&known)?;
                    known
                }
                _ => self.ask_source(verification).await?,
            };
        }
        self.info(|| "Destination is complete already: an earlier run had written it".to_owned());
        Ok(Some(Moved {
            bytes: Some(intent.size),
            passed: intent.checksum.clone(),
            ..Moved::default()
        }))
    }

    /// The third-party copy of which only its beginning is known, if it is there and whole.
    async fn copied(&self, known: &Known<'_>, sum: &mut SourceSum) -> Result<Option<Moved>> {
        let site = &self.destination;
        // Some storages describe what is not there.
        if !site.exists(&site.url).await? {
            return Ok(None);
        }
        let stat = site.stat().await?;
        let Some(size) = known.size.filter(|_| !stat.is_directory()) else {
            return Ok(None);
        };
        if stat.size != Some(size) {
            self.info(|| "An earlier run left a part of the file: copying again".to_owned());
            return Ok(None);
        }
        let there = match self.expected(known, &stat, sum).await? {
            Some(expected) => {
                let there = told(site, &stat, expected.algorithm).await?;
                if there.as_ref() != Some(&expected) {
                    self.info(|| "What an earlier run left differs: copying again".to_owned());
                    return Ok(None);
                }
                there
            }
            None if self.shows_whole_copies_only(known.rungs) => None,
            None => {
                self.info(|| "Nothing proves what an earlier run left: copying again".to_owned());
                return Ok(None);
            }
        };
        self.info(|| {
            let sum = there
                .as_ref()
                .map_or_else(String::new, |it| format!(" and {it}"));
            format!(
                "Destination is complete already, an earlier run had copied it: size {size}{sum}"
            )
        });
        Ok(Some(Moved {
            bytes: Some(size),
            passed: there,
            ..Moved::default()
        }))
    }

    /// The checksum that the destination must have and can tell: the user's, or the source's.
    async fn expected(
        &self,
        known: &Known<'_>,
        there: &Stat,
        sum: &mut SourceSum,
    ) -> Result<Option<Checksum>> {
        let tells = |algorithm| {
            self.destination.can_sum(algorithm) || pick(&there.checksums, algorithm).is_some()
        };
        let wanted = known.verification.algorithm();
        if let Some(user) = known.verification.user_value()
            && tells(user.algorithm)
        {
            return Ok(Some(user.clone()));
        }
        if let SourceSum::Known(it) = &*sum
            && tells(it.algorithm)
        {
            return Ok(Some(it.clone()));
        }
        let kept = known.source.map_or(&[][..], |it| &it.checksums);
        // The one that is verified anyway costs no second reading.
        for algorithm in wanted.into_iter().chain(Algorithm::ALL) {
            let asked = self.source.can_sum(algorithm) || pick(kept, algorithm).is_some();
            if !asked || !tells(algorithm) {
                continue;
            }
            let source = match pick(kept, algorithm) {
                Some(kept) => kept,
                None => self.source.checksum(algorithm).await?,
            };
            if matches!(sum, SourceSum::FromStream) && Some(algorithm) == wanted {
                *sum = SourceSum::Known(source.clone());
            }
            return Ok(Some(source));
        }
        Ok(None)
    }

    /// True when no way of this attempt shows half a file under its final name, and nobody asked
    /// for more proof than that.
    fn shows_whole_copies_only(&self, rungs: &[Rung]) -> bool {
        let able = &self.destination.abilities;
        rungs.iter().all(|rung| match rung.is_third_party() {
            true => able.copy.atomic,
            false => able.write.atomic,
        })
    }
}

/// A checksum that a storage keeps or computes; `None` when it does neither.
async fn told(site: &Site, stat: &Stat, algorithm: Algorithm) -> Result<Option<Checksum>> {
    match pick(&stat.checksums, algorithm) {
        Some(kept) => Ok(Some(kept)),
        None if site.can_sum(algorithm) => site.checksum(algorithm).await.map(Some),
        None => Ok(None),
    }
}
