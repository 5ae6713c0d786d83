//! Plugins in this process, exchangeable while transfers run: for tests, and for those who trust their
//! plugins with the service's memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use causeway_host::{Host, Wanted};
use causeway_model::workers::PluginMarks;
use causeway_sdk::{DynStorage, Result, Storages, Url};
use parking_lot::Mutex;

use super::{load_wanted, marks};

/// Serves every call from the newest set of plugins. A transfer keeps the storage it began with.
#[derive(Debug)]
pub struct LivePlugins {
    host: ArcSwap<Host>,
    /// Counted by sets that were exchanged, until they were.
    before: Mutex<BTreeMap<String, PluginMarks>>,
}

impl From<Host> for LivePlugins {
    fn from(host: Host) -> Self {
        Self {
            host: ArcSwap::from_pointee(host),
            before: Mutex::default(),
        }
    }
}

impl LivePlugins {
    /// Loads again; running transfers are not disturbed.
    pub fn reload(&self, wanted: &Wanted) {
        let old = self.host.swap(Arc::new(load_wanted(wanted)));
        let mut before = self.before.lock();
        for plugin in old.handles() {
            let sum = before.entry(plugin.name().to_owned()).or_default();
            *sum = sum.and(marks(plugin));
        }
    }

    /// The newest set.
    pub fn host(&self) -> Arc<Host> {
        self.host.load_full()
    }

    /// What was counted, by plugin.
    pub fn marks(&self) -> BTreeMap<String, PluginMarks> {
        let mut all = self.before.lock().clone();
        for plugin in self.host.load().handles() {
            let sum = all.entry(plugin.name().to_owned()).or_default();
            *sum = sum.and(marks(plugin));
        }
        all
    }
}

impl Storages for LivePlugins {
    fn storage_for(&self, url: &Url) -> Result<Arc<dyn DynStorage>> {
        self.host.load().storage_for(url)
    }
}
