//! Numbers about the gateway, for Prometheus.
//!
//! [`Metrics`] is the engine's observer and counts what it is told; the rest is asked when somebody
//! scrapes. Every label value comes from a fixed list of words or from a bounded table of names
//! ([`bounded`]); text of users never becomes one beyond that. `docs/metrics.md` lists every name.
//!
//! An event in steady state allocates nothing: it finds the cells of its link and VO in a table and
//! adds to them.
//!
//! # Invariants
//! - The number of series is bounded: `names_beyond_the_limit_are_other`.
//! - Every name in the dashboard is a name that is exported: `the_dashboard_asks_for_what_there_is`.

mod bounded;
mod category;
mod cells;
#[cfg(test)]
mod dashboard;
mod families;
mod http;
mod messages;
mod observe;
mod plugins;
mod process;
#[cfg(test)]
#[path = "tests/scenarios.rs"]
mod scenarios;
mod scrape;

use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use prometheus_client::registry::Registry;

use crate::config::MetricsConfig;
use crate::telemetry::Traces;

use bounded::Bounded;
use cells::{LinkCells, VoCells};
use families::Families;
pub use http::{count_requests, listen, route};
pub use scrape::Sources;

/// Name of a plugin by URL scheme.
type PluginOf = dyn Fn(&str) -> Option<Arc<str>> + Send + Sync;

/// All metrics of one gateway.
pub struct Metrics {
    families: Families,
    /// By source and destination storage.
    links: Bounded<(Arc<str>, Arc<str>), LinkCells>,
    vos: Bounded<Arc<str>, VoCells>,
    /// By URL scheme: the name of the plugin as a label.
    schemes: Bounded<Arc<str>, Arc<str>>,
    /// Storages with a breaker that opened once.
    storages: Bounded<Arc<str>, Arc<str>>,
    plugins: Bounded<Arc<str>, Arc<str>>,
    plugin_of: Box<PluginOf>,
    traces: Option<Arc<Traces>>,
    /// Held while somebody scrapes, because gauges that are asked then are set in between.
    registry: Mutex<Registry>,
    started: Instant,
}

impl Metrics {
    /// Nothing counted yet. `plugin_of` is asked once for each URL scheme.
    pub fn new(
        config: &MetricsConfig,
        traces: Option<Arc<Traces>>,
        plugin_of: impl Fn(&str) -> Option<Arc<str>> + Send + Sync + 'static,
    ) -> Self {
        let mut registry = Registry::with_prefix("causeway");
        let families = Families::register(&mut registry);
        let other: Arc<str> = bounded::OTHER.into();
        let others = || (Arc::clone(&other), Arc::clone(&other));
        let (source, dest) = others();
        Self {
            links: Bounded::new(config.max_links, LinkCells::new(&families, source, dest)),
            vos: Bounded::new(config.max_vos, VoCells::new(&families, Arc::clone(&other))),
            schemes: Bounded::new(config.max_plugins, Arc::clone(&other)),
            storages: Bounded::new(config.max_links, Arc::clone(&other)),
            plugins: Bounded::new(config.max_plugins, other),
            families,
            plugin_of: Box::new(plugin_of),
            traces,
            registry: Mutex::new(registry),
            started: Instant::now(),
        }
    }

    fn link(&self, source: &Arc<str>, dest: &Arc<str>) -> Arc<LinkCells> {
        let key = (Arc::clone(source), Arc::clone(dest));
        self.links.get(key, |(source, dest)| {
            LinkCells::new(&self.families, Arc::clone(source), Arc::clone(dest))
        })
    }

    fn vo(&self, name: &Arc<str>) -> Arc<VoCells> {
        self.vos.get(Arc::clone(name), |name| {
            VoCells::new(&self.families, Arc::clone(name))
        })
    }

    /// The plugin of a scheme, as a label.
    fn plugin(&self, scheme: &str) -> Arc<str> {
        if let Some(known) = self.schemes.find(scheme) {
            return Arc::clone(&known);
        }
        // Of a scheme that nobody serves, the text is the user's.
        match (self.plugin_of)(scheme) {
            Some(name) => {
                let key = scheme.into();
                Arc::clone(&self.schemes.get(key, |_| Arc::clone(&name)))
            }
            None => Arc::clone(self.schemes.other()),
        }
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}
