//! Worker processes and plugins as an operator sees them, and putting a plugin back that was taken
//! out of service.
//!
//! Whoever keeps workers implements [`WorkerInsight`]; nothing here knows what a process is.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::ports::StoreError;

/// A worker process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WorkerRow {
    /// Process id, as long as it has one.
    pub pid: Option<u32>,
    /// Which set of plugins it has; the newest counts highest.
    pub generation: u64,
    /// What it does.
    pub state: WorkerState,
    /// Attempts that it has.
    pub attempts: usize,
    /// Metadata calls that it has.
    pub calls: usize,
    /// Memory that it takes, in bytes, at the last look.
    pub rss_bytes: u64,
}

/// What a worker process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkerState {
    /// It loads its plugins.
    Starting,
    /// It takes work.
    Working,
    /// It ends what it has and takes nothing new.
    Retiring,
}

/// A plugin, loaded or not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PluginRow {
    /// Name.
    pub name: String,
    /// Version, empty when it is not known.
    pub version: String,
    /// How it is loaded.
    pub kind: String,
    /// URL schemes.
    pub schemes: Vec<String>,
    /// Whether it works, and if not, why.
    pub state: String,
    /// Its file.
    pub path: Option<String>,
    /// SHA-256 of its file.
    pub sha256: Option<String>,
    /// The trusted key that it is signed with.
    pub signed_by: Option<String>,
    /// Set when it ended too many workers.
    pub out_of_service: Option<OutOfService>,
    /// An operator disabled it.
    pub disabled: bool,
    /// What lies in the plugin directory and was not taken.
    pub refused: Option<RefusedVersion>,
    /// The version that served before, which is kept.
    pub previous: Option<KeptVersion>,
    /// What workers have loaded.
    pub versions: Vec<RunningVersion>,
    /// What was counted of its calls, in all workers since the gateway started.
    pub marks: PluginMarks,
    /// What it counts itself.
    pub counters: PluginCounters,
    /// Workers that it ended since then.
    pub ended_workers: u64,
}

/// A version of a plugin that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RefusedVersion {
    /// Its version, empty when it is not known.
    pub version: String,
    /// SHA-256 of its file.
    pub sha256: Option<String>,
    /// Why.
    pub reason: String,
}

/// A version of a plugin of which there is a copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeptVersion {
    /// Its version.
    pub version: String,
    /// SHA-256 of its file.
    pub sha256: String,
}

/// A version of a plugin that workers have loaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunningVersion {
    /// Its version.
    pub version: String,
    /// SHA-256 of its file.
    pub sha256: Option<String>,
    /// Whether it gets anything new.
    pub state: VersionState,
    /// Workers that have loaded it.
    pub workers: usize,
    /// Attempts that they have and that use the plugin.
    pub attempts: usize,
}

/// Whether a version gets anything new.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum VersionState {
    /// It does.
    Serving,
    /// It ends what it has.
    Draining,
}

/// What is counted of a plugin's calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginMarks {
    /// Calls; opening a file is one.
    pub calls: u64,
    /// Calls, reads and writes that failed for another reason than that something is not there, or is
    /// there already.
    pub failures: u64,
    /// Panics that were caught.
    pub panics: u64,
    /// Instances of a component that were stopped.
    pub traps: u64,
    /// Times that it held a thread for too long.
    pub slow_polls: u64,
    /// Time until calls, reads and writes were answered, in microseconds.
    pub call_micros: u64,
}

impl PluginMarks {
    /// What came since an earlier look.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        self.with(before, u64::saturating_sub)
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.with(other, u64::saturating_add)
    }

    fn with(self, other: Self, each: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            calls: each(self.calls, other.calls),
            failures: each(self.failures, other.failures),
            panics: each(self.panics, other.panics),
            traps: each(self.traps, other.traps),
            slow_polls: each(self.slow_polls, other.slow_polls),
            call_micros: each(self.call_micros, other.call_micros),
        }
    }
}

/// What a plugin counts itself, by names of its own: letters, digits and `_`. There are only so many, whatever
/// a plugin does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PluginCounters(BTreeMap<String, u64>);

impl PluginCounters {
    /// Most names of one plugin, over all its versions.
    pub const NAMES: usize = 64;
    /// Longest name.
    pub const LENGTH: usize = 64;

    /// Adds to a counter. One that is beyond the limit, or has a name that does not fit, is left out.
    pub fn add(&mut self, name: &str, more: u64) {
        let fits = |it: u8| it.is_ascii_alphanumeric() || it == b'_';
        if let Some(sum) = self.0.get_mut(name) {
            *sum = sum.saturating_add(more);
        } else if self.0.len() < Self::NAMES
            && (1..=Self::LENGTH).contains(&name.len())
            && name.bytes().all(fits)
        {
            self.0.insert(name.to_owned(), more);
        }
    }

    /// Adds all of another.
    pub fn add_all(&mut self, other: &Self) {
        for (name, value) in other.iter() {
            self.add(name, value);
        }
    }

    /// What came since an earlier look.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        let more = |(name, value): (&String, &u64)| {
            let before = before.0.get(name).copied().unwrap_or_default();
            (name.clone(), value.saturating_sub(before))
        };
        Self(self.0.iter().map(more).collect())
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }
}

impl FromIterator<(String, u64)> for PluginCounters {
    fn from_iter<I: IntoIterator<Item = (String, u64)>>(all: I) -> Self {
        let mut counters = Self::default();
        for (name, value) in all {
            counters.add(&name, value);
        }
        counters
    }
}

/// Why a plugin is not used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OutOfService {
    /// What it did.
    pub reason: String,
    /// Workers that load it again are being started.
    pub returning: bool,
}

/// What came of putting a plugin back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutBack {
    /// Workers that load it again are being started; it is back when they have.
    Begun,
    /// It was not out of service.
    InService,
    /// There is no such plugin.
    Unknown,
}

/// What an operator does to plugins while transfers run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PluginAction {
    /// Takes what lies in the plugin directories by now.
    Reload,
    /// Lets nobody use a plugin.
    Disable(String),
    /// Lets it be used again.
    Enable(String),
    /// Goes back to the version that served before.
    RollBack(String),
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PluginChange {
    /// Whatever starts from now on obeys.
    Done,
    /// It is stored, and will be obeyed as soon as workers have loaded their plugins.
    Pending,
    /// There is no such plugin.
    Unknown,
    /// There is no version to go back to.
    NoPrevious,
    /// The version to go back to cannot be used, for this reason.
    Refused(String),
}

/// What the outside may ask about workers and plugins.
#[async_trait]
pub trait WorkerInsight: Send + Sync {
    /// Every worker process; none where plugins run in the service itself.
    async fn workers(&self) -> Result<Vec<WorkerRow>, StoreError>;

    /// Every plugin, by name.
    async fn plugins(&self) -> Result<Vec<PluginRow>, StoreError>;

    /// Lets workers load a plugin again that was taken out of service.
    async fn put_back(&self, by: &str, plugin: &str) -> Result<PutBack, StoreError>;

    /// Changes which plugins are used. What runs goes on with what it began with.
    async fn change_plugins(
        &self,
        by: &str,
        action: PluginAction,
    ) -> Result<PluginChange, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_of_a_plugin_are_bounded_and_add_up() {
        let many = (0..1000).map(|it| (format!("n{it:04}"), 1));
        let mut sum: PluginCounters = many.collect();
        sum.add("n0000", 2);
        sum.add("no word", 1);
        sum.add("", 1);
        let mut other = PluginCounters::default();
        other.add("n0000", 4);
        other.add("late", 4);
        sum.add_all(&other);
        let shown: Vec<_> = sum.iter().collect();
        assert_eq!(
            (shown.len(), shown[0]),
            (PluginCounters::NAMES, ("n0000", 7))
        );
        let mut few = PluginCounters::default();
        few.add(&"x".repeat(PluginCounters::LENGTH + 1), 1);
        few.add("n0000", 3);
        let since: Vec<_> = few.since(&other).iter().map(|(_, it)| it).collect();
        assert_eq!(since, [0]);
        assert_eq!(sum.since(&few).iter().next(), Some(("n0000", 4)));
    }
}
