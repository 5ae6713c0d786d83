//! One instance of a component, and the task that owns it.
//!
//! The task runs for as long as somebody holds the [`Instance`]; calls reach it through a channel and
//! run next to each other. A trap ends the task: its calls fail with the reason, and whoever asks
//! for an instance next gets a new one.
//!
//! # Invariants
//! - Nobody but the task touches the store.
//! - A call that is dropped tells its guest so, and the guest gets some time to clean up. A guest that
//!   does not end is not given further calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::time::Duration;

use causeway_sdk::{BoxFuture, CancelToken, Error, ErrorKind, Result, Retry};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use wasmtime::component::{Accessor, AccessorTask};

use super::cache::one_line;
use super::component::Plugin;
use super::limits::{Meter, Pulse, Reason, keep_time};
use super::state::State;
use super::v0_1::Exports;

/// Calls of one instance at the same time.
const CALLS: usize = 32;
/// So long a guest may clean up after a call that was given up.
const GRACE: Duration = Duration::from_secs(10);
/// An instance nobody used for so long is ended, unless it is the last one.
const IDLE: Duration = Duration::from_secs(60);

/// An instance that runs.
pub(super) struct Instance {
    plugin: String,
    exports: Arc<Exports>,
    jobs: mpsc::UnboundedSender<Job>,
    turns: Arc<Semaphore>,
    death: watch::Receiver<Option<Arc<str>>>,
    retired: Arc<AtomicBool>,
    pulse: Arc<Pulse>,
    /// Open files and calls.
    busy: AtomicUsize,
}

type Work =
    Box<dyn for<'a> FnOnce(&'a Accessor<State>) -> BoxFuture<'a, wasmtime::Result<()>> + Send>;

/// A call on its way to the guest.
struct Job(Work);

impl AccessorTask<State> for Job {
    async fn run(self, accessor: &Accessor<State>) -> wasmtime::Result<()> {
        (self.0)(accessor).await
    }
}

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
    let meter = Meter::new(plugin.bounds, Arc::clone(&reason));
    let state = State::new(Arc::clone(&plugin.about), meter, Arc::clone(&pulse));
    let mut store = wasmtime::Store::new(&plugin.shared.engine, state);
    store.limiter(|state| &mut state.meter);
    store.set_hostcall_fuel(plugin.bounds.memory);
    keep_time(
        &mut store,
        plugin.bounds,
        Arc::clone(&pulse),
        Arc::clone(&reason),
    );
    let name = plugin.about.name.clone();
    let exports = match instantiate(&plugin, &mut store).await {
        Ok(exports) => Arc::new(exports),
        Err(source) => {
            let text = reason.told().unwrap_or_else(|| one_line(&source));
            // Whoever asked may have gone.
            drop(ready.send(Err(died(&name, "start", &text))));
            return;
        }
    };
    let (jobs, mut queue) = mpsc::unbounded_channel::<Job>();
    let (dead, death) = watch::channel(None);
    let most = if plugin.indices.is_serial() { 1 } else { CALLS };
    let instance = Arc::new(Instance {
        plugin: name.clone(),
        exports,
        jobs,
        turns: Arc::new(Semaphore::new(most)),
        death,
        retired: Arc::new(AtomicBool::new(false)),
        pulse,
        busy: AtomicUsize::new(0),
    });
    let weak = Arc::downgrade(&instance);
    let home = Arc::downgrade(&plugin);
    drop(plugin);
    if ready.send(Ok(instance)).is_err() {
        return;
    }
    let ended = store
        .run_concurrent(async |accessor| -> wasmtime::Result<()> {
            loop {
                match tokio::time::timeout(IDLE, queue.recv()).await {
                    Ok(Some(job)) => drop(accessor.spawn(job)?),
                    Ok(None) => return Ok(()),
                    Err(_) => {
                        if let (Some(home), Some(me)) = (home.upgrade(), weak.upgrade()) {
                            home.dismiss_if_idle(&me);
                        }
                    }
                }
            }
        })
        .await;
    let text = match ended {
        Ok(Ok(())) => "it was no longer needed".to_owned(),
        Ok(Err(source)) | Err(source) => {
            let text = reason.told().unwrap_or_else(|| trap_text(&source));
            tracing::warn!(plugin.name = %name, "an instance of a component ended: {text}");
            text
        }
    };
    dead.send_replace(Some(text.into()));
}

async fn instantiate(
    plugin: &Plugin,
    store: &mut wasmtime::Store<State>,
) -> wasmtime::Result<Exports> {
    let instance = plugin.pre.instantiate_async(&mut *store).await?;
    plugin.indices.load(&mut *store, &instance)
}

/// What a trap means, in words of the field where the engine has its own.
fn trap_text(error: &wasmtime::Error) -> String {
    use wasmtime::Trap;
    match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => "its stack was too deep".to_owned(),
        Some(Trap::UnreachableCodeReached) => "it panicked".to_owned(),
        Some(Trap::MemoryOutOfBounds) => {
            "its stack was too deep, or it used memory that it has not".to_owned()
        }
        Some(other) => other.to_string(),
        None => {
            let root = error.root_cause().to_string();
            root.lines().next().unwrap_or("no details").to_owned()
        }
    }
}

/// A failure that is the instance's and not the storage's. The same call may work in a new one.
pub(super) fn died(plugin: &str, operation: &str, reason: &str) -> Error {
    let text = format!("{operation}: plugin {plugin} was stopped: {reason}");
    Error::new(ErrorKind::Internal, text)
        .during(operation)
        .with_retry(Retry::Soon)
        .with("plugin", plugin)
        .with(causeway_sdk::native::PANIC_KEY, "trapped")
}

/// What became of a call, for its two ends.
#[derive(Default)]
struct Fate(AtomicU8);

const ABANDONED: u8 = 1;
const ENDED: u8 = 2;

impl Fate {
    /// True for who leaves a call that has not ended.
    fn abandon(&self) -> bool {
        let order = Ordering::AcqRel;
        self.0
            .compare_exchange(0, ABANDONED, order, Ordering::Acquire)
            .is_ok()
    }

    /// True for a call that was left before.
    fn end(&self) -> bool {
        self.0.swap(ENDED, Ordering::AcqRel) == ABANDONED
    }
}

/// Tells the guest, and the clock that watches it, when a call is dropped before its end. The clock
/// is told here and not by the instance's task, which a guest that computes keeps from running.
struct GiveUp {
    token: CancelToken,
    fate: Arc<Fate>,
    pulse: Arc<Pulse>,
}

impl Drop for GiveUp {
    fn drop(&mut self) {
        if self.fate.abandon() {
            self.pulse.abandon();
            self.token.cancel();
        }
    }
}

/// Counts as long as it lives.
pub(super) struct Busy(Arc<Instance>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Instance {
    pub(super) fn load(&self) -> usize {
        self.busy.load(Ordering::Relaxed)
    }

    /// It takes calls.
    pub(super) fn is_fit(&self) -> bool {
        !self.retired.load(Ordering::Relaxed) && !self.jobs.is_closed()
    }

    pub(super) fn exports(&self) -> Arc<Exports> {
        Arc::clone(&self.exports)
    }

    /// Notes an open file or a call.
    pub(super) fn occupy(self: &Arc<Self>) -> Busy {
        self.busy.fetch_add(1, Ordering::Relaxed);
        Busy(Arc::clone(self))
    }

    /// Runs a call in the guest. Dropped, it raises `given_up`.
    pub(super) async fn run<T, F>(
        self: &Arc<Self>,
        operation: &'static str,
        given_up: CancelToken,
        work: F,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: for<'a> FnOnce(&'a Accessor<State>) -> BoxFuture<'a, wasmtime::Result<Result<T>>>
            + Send
            + 'static,
    {
        let _busy = self.occupy();
        let Ok(turn) = Arc::clone(&self.turns).acquire_owned().await else {
            return Err(self.death(operation).await);
        };
        let (reply, answer) = oneshot::channel();
        let fate = Arc::new(Fate::default());
        let _giving_up = GiveUp {
            token: given_up.clone(),
            fate: Arc::clone(&fate),
            pulse: Arc::clone(&self.pulse),
        };
        let (pulse, retired) = (Arc::clone(&self.pulse), Arc::clone(&self.retired));
        let work: Work = Box::new(move |accessor| {
            Box::pin(async move {
                let mut call = work(accessor);
                let ended = tokio::select! {
                    biased;
                    ended = &mut call => Some(ended),
                    () = given_up.cancelled() => tokio::time::timeout(GRACE, &mut call).await.ok(),
                };
                pulse.beat();
                if fate.end() {
                    pulse.settle();
                }
                drop(turn);
                let Some(ended) = ended else {
                    // It goes on in the guest, and nobody can end it but with all else.
                    retired.store(true, Ordering::Relaxed);
                    return Ok(());
                };
                // Whoever asked may have gone; an open file aborts itself when it is dropped.
                drop(reply.send(ended?));
                Ok(())
            })
        });
        // A queue that is gone is noticed below: nobody answers.
        drop(self.jobs.send(Job(work)));
        match answer.await {
            Ok(result) => result,
            Err(_) => Err(self.death(operation).await),
        }
    }

    /// Lets a call run whose end nobody waits for.
    pub(super) fn send_off<F>(self: &Arc<Self>, operation: &'static str, work: F)
    where
        F: for<'a> FnOnce(&'a Accessor<State>) -> BoxFuture<'a, wasmtime::Result<Result<()>>>
            + Send
            + 'static,
    {
        let plugin = self.plugin.clone();
        let work: Work = Box::new(move |accessor| {
            Box::pin(async move {
                if let Err(error) = work(accessor).await? {
                    tracing::warn!(plugin.name = %plugin, "failed to {operation}: {error}");
                }
                Ok(())
            })
        });
        // An instance that has ended has nothing left to clean up.
        drop(self.jobs.send(Job(work)));
    }

    /// Why the instance ended.
    pub(super) async fn death(&self, operation: &str) -> Error {
        let mut death = self.death.clone();
        let reason = match death.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone(),
            Err(_) => None,
        };
        let reason = reason.unwrap_or_else(|| "its task ended".into());
        died(&self.plugin, operation, &reason)
    }
}
