//! A component that was compiled and linked, and its instances: as many as are needed, at most as
//! many as are allowed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use causeway_sdk::Result;
use parking_lot::Mutex;
use wasmtime::component::InstancePre;

use super::actor::start;
use super::engine::Shared;
use super::instance::Instance;
use super::limits::Bounds;
use super::state::{About, State};
use super::v0_1::Indices;

/// Calls and open files of an instance before another one is started.
const FULL: usize = 8;

/// A component and its instances.
pub(super) struct Plugin {
    pub(super) shared: &'static Shared,
    pub(super) pre: InstancePre<State>,
    pub(super) indices: Indices,
    pub(super) about: Arc<About>,
    pub(super) bounds: Bounds,
    /// Most instances; fewer when the plugin itself says so.
    most: AtomicUsize,
    instances: Mutex<Vec<Arc<Instance>>>,
    /// Held by whoever starts one, so that a rush does not start many.
    starting: tokio::sync::Mutex<()>,
}

impl Plugin {
    pub(super) fn new(
        shared: &'static Shared,
        pre: InstancePre<State>,
        indices: Indices,
        about: Arc<About>,
        bounds: Bounds,
    ) -> Arc<Self> {
        Arc::new(Self {
            shared,
            pre,
            indices,
            about,
            bounds,
            most: AtomicUsize::new(bounds.instances),
            instances: Mutex::new(Vec::new()),
            starting: tokio::sync::Mutex::new(()),
        })
    }

    /// The plugin's own word on how many instances there may be; 0 for none.
    pub(super) fn at_most(&self, instances: u32) {
        if instances > 0 {
            self.most.fetch_min(instances as usize, Ordering::Relaxed);
        }
    }

    /// An instance that takes another call.
    pub(super) async fn instance(self: &Arc<Self>) -> Result<Arc<Instance>> {
        if let Some(instance) = self.free() {
            return Ok(instance);
        }
        let _starting = self.starting.lock().await;
        if let Some(instance) = self.free() {
            return Ok(instance);
        }
        let instance = start(Arc::clone(self)).await?;
        self.create(&instance).await?;
        self.instances.lock().push(Arc::clone(&instance));
        Ok(instance)
    }

    /// The instance with the least to do, unless all are full and there may be one more. One that goes on
    /// with a call that was given up may have to be stopped, so it comes last. One that is worn goes, and ends
    /// with its open files; the only one of a plugin stays, for it may keep there what it stores.
    fn free(&self) -> Option<Arc<Instance>> {
        let most = self.most.load(Ordering::Relaxed);
        let mut instances = self.instances.lock();
        instances.retain(|it| it.is_fit() && !(most > 1 && self.is_worn(it)));
        let full = if self.indices.is_serial() { 1 } else { FULL };
        let cost = |it: &&Arc<Instance>| (it.is_in_doubt(), it.load());
        let best = instances.iter().min_by_key(cost)?;
        let room = instances.len() < most;
        let takes_more = !best.is_in_doubt() && best.load() < full;
        (takes_more || !room).then(|| Arc::clone(best))
    }

    fn is_worn(&self, instance: &Instance) -> bool {
        let worn = instance.is_worn();
        if worn {
            let (name, limit) = (&self.about.name, self.bounds.memory >> 20);
            tracing::info!(plugin.name = %name, "an instance near its limit of {limit} MiB is replaced");
        }
        worn
    }

    async fn create(&self, instance: &Arc<Instance>) -> Result<()> {
        let create = instance.run("create", Default::default(), |at, exports| {
            Box::pin(async move { exports.create(at).await })
        });
        create.await
    }

    /// Ends an instance that has nothing to do, if it is not the last.
    pub(super) fn dismiss_if_idle(&self, idle: &Arc<Instance>) {
        let mut instances = self.instances.lock();
        if instances.len() > 1 && idle.load() == 0 {
            instances.retain(|it| !Arc::ptr_eq(it, idle));
        }
    }
}
