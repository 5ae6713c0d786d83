//! One instance of a component, as those see it who call it.
//!
//! # Invariants
//! - A call that is dropped tells its guest so, and the guest gets some time to clean up. A guest that
//!   does not end is not given further calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use causeway_sdk::{BoxFuture, CancelToken, Error, ErrorKind, Result, Retry};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use wasmtime::component::{Accessor, AccessorTask};

use super::fate::{Fate, GiveUp};
use super::pulse::Pulse;
use super::state::State;
use super::v0_1::Exports;

/// So long a guest may clean up after a call that was given up.
const GRACE: Duration = Duration::from_secs(10);

/// An instance that runs.
pub(super) struct Instance {
    pub(super) plugin: String,
    pub(super) exports: Arc<Exports>,
    pub(super) jobs: mpsc::UnboundedSender<Job>,
    /// Calls that it takes at the same time.
    pub(super) turns: Arc<Semaphore>,
    /// Why it ended, once it has.
    pub(super) death: watch::Receiver<Option<Arc<str>>>,
    pub(super) retired: Arc<AtomicBool>,
    pub(super) worn: Arc<AtomicBool>,
    pub(super) pulse: Arc<Pulse>,
    /// Open files and calls.
    pub(super) busy: AtomicUsize,
}

/// What is done in a guest. The outer result is the instance's, the inner one the storage's.
pub(super) trait Work<T>:
    for<'a> FnOnce(&'a Accessor<State>, Arc<Exports>) -> BoxFuture<'a, wasmtime::Result<Result<T>>>
    + Send
    + 'static
{
}

impl<T, F> Work<T> for F where
    F: for<'a> FnOnce(
            &'a Accessor<State>,
            Arc<Exports>,
        ) -> BoxFuture<'a, wasmtime::Result<Result<T>>>
        + Send
        + 'static
{
}

/// A call on its way to the guest.
pub(super) struct Job(Run);

type Run =
    Box<dyn for<'a> FnOnce(&'a Accessor<State>) -> BoxFuture<'a, wasmtime::Result<()>> + Send>;

impl AccessorTask<State> for Job {
    async fn run(self, accessor: &Accessor<State>) -> wasmtime::Result<()> {
        (self.0)(accessor).await
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

    /// It has taken most of the memory that it may have.
    pub(super) fn is_worn(&self) -> bool {
        self.worn.load(Ordering::Relaxed)
    }

    /// It may have to be stopped soon.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.pulse.is_in_doubt()
    }

    /// Notes an open file or a call.
    pub(super) fn occupy(self: &Arc<Self>) -> Busy {
        self.busy.fetch_add(1, Ordering::Relaxed);
        Busy(Arc::clone(self))
    }

    /// Runs a call in the guest. Dropped, it raises `given_up`.
    pub(super) async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        operation: &'static str,
        given_up: CancelToken,
        work: impl Work<T>,
    ) -> Result<T> {
        let _busy = self.occupy();
        let Ok(turn) = Arc::clone(&self.turns).acquire_owned().await else {
            return Err(self.death(operation).await);
        };
        let (reply, answer) = oneshot::channel();
        let fate = Arc::new(Fate::default());
        let _giving_up = GiveUp::new(&given_up, &fate, &self.pulse);
        let (pulse, retired) = (Arc::clone(&self.pulse), Arc::clone(&self.retired));
        let exports = Arc::clone(&self.exports);
        let job: Run = Box::new(move |accessor| {
            Box::pin(async move {
                let mut call = work(accessor, exports);
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
        drop(self.jobs.send(Job(job)));
        match answer.await {
            Ok(result) => result,
            Err(_) => Err(self.death(operation).await),
        }
    }

    /// Lets a call run whose end nobody waits for.
    pub(super) fn send_off(self: &Arc<Self>, operation: &'static str, work: impl Work<()>) {
        let (plugin, exports) = (self.plugin.clone(), Arc::clone(&self.exports));
        let job: Run = Box::new(move |accessor| {
            Box::pin(async move {
                if let Err(error) = work(accessor, exports).await? {
                    tracing::warn!(plugin.name = %plugin, "failed to {operation}: {error}");
                }
                Ok(())
            })
        });
        // An instance that has ended has nothing left to clean up.
        drop(self.jobs.send(Job(job)));
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
