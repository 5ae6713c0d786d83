//! What becomes of the past: ended jobs, decisions of the optimizer, logs, expired credentials.
//!
//! A task of its own that never speaks to the dispatcher: it asks the stores for small portions,
//! and lets everybody else have a turn in between. Retries leave with their jobs.
//!
//! # Invariants
//! - A submission does not wait for it: `tests/retention.rs`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use causeway_model::Timestamp;
use causeway_model::ports::{Clock, CredentialVault, HistoryStore, SettingsStore, StoreError};
use tokio::sync::watch;

use crate::config::EngineConfig;
use crate::start::Parts;

/// How often the past is looked at.
const PASS: Duration = Duration::from_secs(3600);
/// Jobs, or decisions, that are asked for at once.
const PORTION: usize = 100;
/// Pause between two bulks.
const PAUSE: Duration = Duration::from_millis(200);
const DAY_MILLIS: i64 = 86_400_000;

/// What is looked after.
pub(crate) struct Past {
    history: Option<Arc<dyn HistoryStore>>,
    settings: Option<Arc<dyn SettingsStore>>,
    vault: Option<Arc<dyn CredentialVault>>,
    clock: Arc<dyn Clock>,
    days: u64,
    bulk: usize,
    keep: bool,
    log_dir: Option<PathBuf>,
}

impl Past {
    pub(crate) fn new(config: &EngineConfig, parts: &Parts) -> Self {
        Self {
            history: parts.history.clone(),
            settings: parts.settings.clone(),
            vault: parts.vault.clone(),
            clock: Arc::clone(&parts.clock),
            days: config.clean_interval_days,
            bulk: config.clean_bulk_size.max(1),
            keep: config.backup_tables,
            log_dir: config.log_dir.clone(),
        }
    }

    /// Looks after the past until the engine ends, which drops the other end of `life`.
    pub(crate) async fn keep(self, mut life: watch::Receiver<()>) {
        loop {
            tokio::select! {
                biased;
                ended = life.changed() => {
                    if ended.is_err() {
                        return;
                    }
                }
                () = tokio::time::sleep(PASS) => {}
            }
            // What the engine's end interrupts goes on after the next start.
            tokio::select! {
                biased;
                _ = life.changed() => return,
                () = self.pass() => {}
            }
        }
    }

    async fn pass(&self) {
        let now = self.clock.now();
        if self.days > 0 {
            let days = i64::try_from(self.days).unwrap_or(i64::MAX);
            let before = Timestamp(now.0.saturating_sub(days.saturating_mul(DAY_MILLIS)));
            log_failure("retire ended jobs", self.retire(before).await);
            log_failure("forget decisions", self.forget_decisions(before).await);
            if let Some(dir) = self.log_dir.clone() {
                let day = before.to_string()[..10].to_owned();
                let removed = tokio::task::spawn_blocking(move || remove_logs(&dir, &day)).await;
                match removed {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => tracing::warn!(%error, "failed to remove old logs"),
                    Err(error) => tracing::error!(%error, "failed to remove old logs"),
                }
            }
        }
        if let Some(vault) = &self.vault {
            log_failure(
                "forget credentials",
                vault.delete_expired(now).await.map(drop),
            );
        }
    }

    async fn retire(&self, before: Timestamp) -> Result<(), StoreError> {
        let Some(history) = &self.history else {
            return Ok(());
        };
        let jobs = retire_ended_jobs(&**history, before, self.bulk, self.keep).await?;
        if jobs > 0 {
            tracing::info!(jobs, kept = self.keep, "ended jobs left the history");
        }
        Ok(())
    }

    async fn forget_decisions(&self, before: Timestamp) -> Result<(), StoreError> {
        let Some(settings) = &self.settings else {
            return Ok(());
        };
        while settings.forget_evolution(before, PORTION).await? == PORTION {
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}

/// Lets the jobs leave that ended before a time, in portions, with a pause after each bulk; tells
/// how many. Whoever asks the store meanwhile waits for one portion at most.
pub async fn retire_ended_jobs(
    history: &dyn HistoryStore,
    before: Timestamp,
    bulk: usize,
    keep: bool,
) -> Result<usize, StoreError> {
    let bulk = bulk.max(1);
    let mut all = 0;
    loop {
        let most = PORTION.min(bulk - all % bulk);
        let retired = history.retire(before, most, keep).await?;
        all += retired;
        if retired < most {
            return Ok(all);
        }
        match all.is_multiple_of(bulk) {
            true => tokio::time::sleep(PAUSE).await,
            false => tokio::task::yield_now().await,
        }
    }
}

fn log_failure(what: &str, done: Result<(), StoreError>) {
    if let Err(error) = done {
        // The next pass tries again.
        tracing::error!(%error, "failed to {what}");
    }
}

/// Removes the folders of days before one. Whatever has not the name of a day is not ours.
fn remove_logs(dir: &Path, before: &str) -> std::io::Result<()> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let day = name.to_str().filter(|it| is_day(it));
        if day.is_some_and(|day| day < before) && entry.file_type()?.is_dir() {
            std::fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// `2026-11-22`
fn is_day(name: &str) -> bool {
    let digits = |it: &[u8]| it.iter().all(u8::is_ascii_digit);
    match name.as_bytes() {
        [y @ .., b'-', m1, m2, b'-', d1, d2] => {
            y.len() == 4 && digits(y) && digits(&[*m1, *m2, *d1, *d2])
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_days_that_are_over_go() {
        let dir = tempfile::tempdir().unwrap();
        for name in [
            "2026-01-01/a__b",
            "2026-01-02",
            "2026-01-03",
            "0000-00-0x",
            "other",
        ] {
            std::fs::create_dir_all(dir.path().join(name)).unwrap();
        }
        std::fs::write(dir.path().join("2025-01-01"), "a file").unwrap();
        std::fs::write(dir.path().join("2026-01-01/a__b/log"), "line").unwrap();
        remove_logs(dir.path(), "2026-01-03").unwrap();
        let names = std::fs::read_dir(dir.path()).unwrap();
        let mut names: Vec<_> = names.map(|it| it.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["0000-00-0x", "2025-01-01", "2026-01-03", "other"]);
        remove_logs(&dir.path().join("missing"), "2026-01-03").unwrap();
    }
}
