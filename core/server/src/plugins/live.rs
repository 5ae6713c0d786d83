//! Plugins in this process, exchangeable while transfers run: for tests, and for those who trust their
//! plugins with the service's memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use causeway_engine::crew::Admissions;
use causeway_host::{Host, Wanted};
use causeway_model::workers::{PluginCounters, PluginMarks};
use causeway_sdk::{BoxFuture, DynStorage, Result, Storages, Url};
use parking_lot::Mutex;

use super::{load_wanted, marks};

/// Serves every call from the newest set of plugins. A transfer keeps the storage it began with.
#[derive(Debug)]
pub struct LivePlugins {
    host: ArcSwap<Host>,
    /// Counted by sets that were exchanged, until they were.
    before: Mutex<BTreeMap<String, (PluginMarks, PluginCounters)>>,
    admissions: Admissions,
}

/// One set of plugins.
struct Set(Arc<Host>);

impl Storages for Set {
    fn storage_for(&self, url: &Url) -> Result<Arc<dyn DynStorage>> {
        self.0.storage_for(url)
    }
}

impl From<Host> for LivePlugins {
    fn from(host: Host) -> Self {
        Self {
            host: ArcSwap::from_pointee(host),
            before: Mutex::default(),
            admissions: Admissions::default(),
        }
    }
}

impl LivePlugins {
    /// Loads again; running transfers are not disturbed.
    pub fn reload(&self, wanted: &Wanted) {
        let old = self.host.swap(Arc::new(load_wanted(wanted)));
        add(&old, &mut self.before.lock());
    }

    /// The newest set.
    pub fn host(&self) -> Arc<Host> {
        self.host.load_full()
    }

    /// What was counted, by plugin.
    pub fn marks(&self) -> BTreeMap<String, PluginMarks> {
        let all = self.counted().into_iter();
        all.map(|(name, (marks, _))| (name, marks)).collect()
    }

    /// What plugins counted themselves, by plugin.
    pub fn counters(&self) -> BTreeMap<String, PluginCounters> {
        let all = self.counted().into_iter();
        all.map(|(name, (_, own))| (name, own)).collect()
    }

    fn counted(&self) -> BTreeMap<String, (PluginMarks, PluginCounters)> {
        let mut all = self.before.lock().clone();
        add(&self.host.load(), &mut all);
        all
    }
}

/// Adds what a set has counted.
fn add(host: &Host, all: &mut BTreeMap<String, (PluginMarks, PluginCounters)>) {
    for plugin in host.handles() {
        let (sum, own) = all.entry(plugin.name().to_owned()).or_default();
        *sum = sum.and(marks(plugin));
        own.add_all(&plugin.counters().into_iter().collect());
    }
}

impl Storages for LivePlugins {
    fn storage_for(&self, url: &Url) -> Result<Arc<dyn DynStorage>> {
        self.host.load().storage_for(url)
    }

    fn admit_all<'a>(&'a self, urls: &'a [Url]) -> BoxFuture<'a, Vec<Result<()>>> {
        Box::pin(async move {
            let set: Arc<dyn Storages> = Arc::new(Set(self.host()));
            self.admissions.ask(&set, urls).await
        })
    }
}
