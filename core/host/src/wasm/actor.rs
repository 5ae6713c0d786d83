//! The task that owns an instance of a component.
//!
//! It runs for as long as somebody holds the [`Instance`]; calls reach it through a channel and run
//! next to each other. A trap ends the task: its calls fail with the reason, and whoever asks for an
//! instance next gets a new one.
//!
//! # Invariants
//! - Nobody but the task touches the store.

use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Weak};
use std::time::Duration;

use causeway_sdk::Result;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use wasmtime::component::Accessor;
use wasmtime::{Store, Trap};

use super::cache::one_line;
use super::component::Plugin;
use super::instance::{Instance, Job, died};
use super::limits::{Bounds, Meter, Reason};
use super::pulse::{Pulse, keep_time};
use super::state::State;
use super::v0_1::Exports;

/// Calls of one instance at the same time.
const CALLS: usize = 32;
/// An instance nobody used for so long is ended, unless it is the last one.
const IDLE: Duration = Duration::from_secs(60);

/// What the engine says of an answer that weighs more than the instance may take.
const TOO_HEAVY: &str = "fuel allocated for hostcalls";

/// Starts an instance on the threads of components.
pub(super) async fn start(plugin: Arc<Plugin>) -> Result<Arc<Instance>> {
    let (ready, started) = oneshot::channel();
    let name = plugin.about.name.clone();
    plugin.shared.runtime.spawn(live(plugin, ready));
    match started.await {
        Ok(result) => result,
        Err(_) => Err(died(&name, "start", "its task ended")),
    }
}

/// The life of an instance.
async fn live(plugin: Arc<Plugin>, ready: oneshot::Sender<Result<Arc<Instance>>>) {
    let (reason, pulse) = (Arc::new(Reason::default()), Arc::new(Pulse::default()));
    let worn = Arc::new(AtomicBool::new(false));
    let meter = Meter::new(plugin.bounds, Arc::clone(&worn), Arc::clone(&reason));
    let mut store = store(&plugin, meter, &reason, &pulse);
    let (name, bounds) = (plugin.about.name.clone(), plugin.bounds);
    let exports = match instantiate(&plugin, &mut store).await {
        Ok(exports) => exports,
        Err(source) => {
            let text = reason.told().unwrap_or_else(|| one_line(&source));
            // Whoever asked may have gone.
            drop(ready.send(Err(died(&name, "start", &text))));
            return;
        }
    };
    store.data_mut().meter.begun();
    let (jobs, queue) = mpsc::unbounded_channel::<Job>();
    let (dead, death) = watch::channel(None);
    let most = if plugin.indices.is_serial() { 1 } else { CALLS };
    let instance = Arc::new(Instance {
        plugin: name.clone(),
        exports: Arc::new(exports),
        jobs,
        turns: Arc::new(Semaphore::new(most)),
        death,
        retired: Arc::new(AtomicBool::new(false)),
        worn,
        pulse: Arc::clone(&pulse),
        busy: AtomicUsize::new(0),
    });
    let counters = Arc::clone(&plugin.about.counters);
    let (home, me) = (Arc::downgrade(&plugin), Arc::downgrade(&instance));
    drop(plugin);
    if ready.send(Ok(instance)).is_err() {
        return;
    }
    let ended = store
        .run_concurrent(async |accessor| serve(accessor, queue, &home, &me).await)
        .await;
    pulse.pause();
    let text = match ended {
        Ok(Ok(())) => "it was no longer needed".to_owned(),
        Ok(Err(source)) | Err(source) => {
            counters.stop();
            let text = reason.told().unwrap_or_else(|| trap_text(&source, &bounds));
            tracing::warn!(plugin.name = %name, "an instance of a component ended: {text}");
            text
        }
    };
    dead.send_replace(Some(text.into()));
}

/// An empty store with its limits.
fn store(plugin: &Plugin, meter: Meter, reason: &Arc<Reason>, pulse: &Arc<Pulse>) -> Store<State> {
    let state = State::new(Arc::clone(&plugin.about), meter, Arc::clone(pulse));
    let mut store = Store::new(&plugin.shared.engine, state);
    store.limiter(|state| &mut state.meter);
    // What one answer may weigh when it is taken out of the guest's memory.
    store.set_hostcall_fuel(plugin.bounds.memory);
    let (reason, pulse) = (Arc::clone(reason), Arc::clone(pulse));
    keep_time(&mut store, plugin, pulse, reason);
    store
}

async fn instantiate(plugin: &Plugin, store: &mut Store<State>) -> wasmtime::Result<Exports> {
    let instance = plugin.pre.instantiate_async(&mut *store).await?;
    plugin.indices.load(&mut *store, &instance)
}

/// Starts calls until nobody holds the instance any more.
async fn serve(
    accessor: &Accessor<State>,
    mut queue: mpsc::UnboundedReceiver<Job>,
    home: &Weak<Plugin>,
    me: &Weak<Instance>,
) -> wasmtime::Result<()> {
    loop {
        match tokio::time::timeout(IDLE, queue.recv()).await {
            Ok(Some(job)) => drop(accessor.spawn(job)?),
            Ok(None) => return Ok(()),
            Err(_) => {
                if let (Some(home), Some(me)) = (home.upgrade(), me.upgrade()) {
                    home.dismiss_if_idle(&me);
                }
            }
        }
    }
}

/// What a trap means, in words of the field where the engine has its own.
fn trap_text(error: &wasmtime::Error, bounds: &Bounds) -> String {
    match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => "its stack was too deep".to_owned(),
        Some(Trap::UnreachableCodeReached) => "it panicked".to_owned(),
        Some(Trap::MemoryOutOfBounds) => {
            "its stack was too deep, or it used memory that it has not".to_owned()
        }
        Some(other) => other.to_string(),
        None => {
            let root = error.root_cause().to_string();
            // The engine has no type for it that can be named.
            if root.contains(TOO_HEAVY) {
                let limit = bounds.memory >> 20;
                return format!("an answer of it weighs more than {limit} MiB");
            }
            root.lines().next().unwrap_or("no details").to_owned()
        }
    }
}
