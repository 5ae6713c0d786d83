//! A worker: takes orders, runs attempts, sends reports.
//!
//! Each attempt is a task, none a thread. A worker keeps nothing between attempts but what the
//! storages can do. Whether it lives in the engine's process or in its own is not seen from here.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use causeway_model::ports::Clock;
use causeway_model::{Fault, Phase, Scope};
use causeway_sdk::Storages;
use futures_util::FutureExt;
use parking_lot::Mutex;
use tokio::sync::mpsc;

use crate::attempt::{self, EINTR};
use crate::channel::{Channel, LogBuffer, Reins};
use crate::deletion_attempt;
use crate::messages::{
    AttemptEvent, AttemptFailure, AttemptId, AttemptResult, AttemptSpec, DeletionSpec, Order,
    Report,
};
use crate::site::Directory;

type Running = Arc<Mutex<BTreeMap<AttemptId, Reins>>>;

/// Runs attempts.
pub struct Worker {
    directory: Arc<Directory>,
    clock: Arc<dyn Clock>,
    reports: mpsc::Sender<Report>,
    running: Running,
}

impl Worker {
    /// A worker that finds storages here and reports there.
    pub fn new(
        storages: Arc<dyn Storages>,
        clock: Arc<dyn Clock>,
        reports: mpsc::Sender<Report>,
    ) -> Self {
        Self {
            directory: Arc::new(Directory::new(storages)),
            clock,
            reports,
            running: Running::default(),
        }
    }

    /// Obeys until nobody gives orders any more; then gives up what still runs.
    pub async fn run(self, mut orders: mpsc::UnboundedReceiver<Order>) {
        while let Some(order) = orders.recv().await {
            self.obey(order);
        }
        for reins in self.running.lock().values() {
            reins.leave();
        }
    }

    fn obey(&self, order: Order) {
        match order {
            Order::Start(spec) => self.start(spec),
            Order::Delete(spec) => self.delete(spec),
            // An attempt that is not there has ended; its last report is on its way.
            Order::Cancel(attempt) => {
                if let Some(reins) = self.running.lock().get(&attempt) {
                    reins.cancel.cancel();
                }
            }
            Order::Leave(attempt) => {
                if let Some(reins) = self.running.lock().get(&attempt) {
                    reins.leave();
                }
            }
            Order::CommitGranted(attempt) => {
                if let Some(reins) = self.running.lock().get(&attempt) {
                    reins.granted.notify_one();
                }
            }
        }
    }

    fn start(&self, spec: Box<AttemptSpec>) {
        let id = spec.attempt;
        let log = spec.log.then(|| LogBuffer::new(Arc::clone(&self.clock)));
        let channel = self.open_channel(id, log);
        let directory = Arc::clone(&self.directory);
        let running = Arc::clone(&self.running);
        tokio::spawn(async move {
            let pid = std::process::id();
            channel.report(AttemptEvent::Started { pid }).await;
            let outcome = survive(Box::pin(attempt::run(&spec, &directory, &channel))).await;
            finish(id, outcome, &running, &channel).await;
        });
    }

    fn delete(&self, spec: Box<DeletionSpec>) {
        let id = spec.attempt;
        let channel = self.open_channel(id, None);
        let directory = Arc::clone(&self.directory);
        let running = Arc::clone(&self.running);
        tokio::spawn(async move {
            let outcome = survive(Box::pin(deletion_attempt::delete(
                &spec, &directory, &channel,
            )))
            .await;
            finish(id, outcome, &running, &channel).await;
        });
    }

    fn open_channel(&self, id: AttemptId, log: Option<LogBuffer>) -> Channel {
        let reins = Reins::default();
        self.running.lock().insert(id, reins.clone());
        Channel::new(id, self.reports.clone(), reins, log)
    }
}

async fn finish(
    id: AttemptId,
    outcome: Result<AttemptResult, AttemptFailure>,
    running: &Running,
    channel: &Channel,
) {
    running.lock().remove(&id);
    channel.send_log().await;
    let last = match outcome {
        Ok(result) => AttemptEvent::Finished(result),
        Err(failure) => AttemptEvent::Failed(Box::new(failure)),
    };
    channel.report(last).await;
}

/// A panic in a storage is a fault of this one attempt.
///
/// The attempt comes in a box: otherwise there would be room for it twice, as an argument and as what
/// is awaited.
async fn survive(
    attempt: Pin<Box<impl Future<Output = Result<AttemptResult, AttemptFailure>>>>,
) -> Result<AttemptResult, AttemptFailure> {
    match AssertUnwindSafe(attempt).catch_unwind().await {
        Ok(outcome) => outcome,
        Err(panic) => Err(died(&*panic).into()),
    }
}

fn died(panic: &(dyn Any + Send)) -> Fault {
    let text = causeway_sdk::secret::mask(panic_text(panic));
    let text = format!("Transfer process died with: {text}");
    tracing::error!(panic = %text, "attempt panicked");
    Fault::new(Scope::General, Phase::Service, EINTR, text)
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("panic")
}
