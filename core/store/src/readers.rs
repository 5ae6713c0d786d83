//! A few threads for reads that may touch the disk, so that no thread of the runtime waits for it.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;

use causeway_model::ports::StoreError;
use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

type Task = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Queue {
    tasks: VecDeque<Task>,
    closed: bool,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    woken: Condvar,
}

impl Shared {
    fn next(&self) -> Option<Task> {
        let mut queue = self.queue.lock();
        loop {
            if let Some(task) = queue.tasks.pop_front() {
                return Some(task);
            }
            if queue.closed {
                return None;
            }
            self.woken.wait(&mut queue);
        }
    }
}

/// The threads. Dropping it waits for what they do.
pub(crate) struct Readers {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    pub(crate) fn start(name: &str, count: usize) -> Result<Self, StoreError> {
        let shared = Arc::new(Shared::default());
        let mut readers = Self {
            shared: shared.clone(),
            threads: Vec::new(),
        };
        for _ in 0..count.max(1) {
            let shared = shared.clone();
            let work = move || {
                while let Some(task) = shared.next() {
                    // The caller is told by the reply that never comes; the thread lives on.
                    if catch_unwind(AssertUnwindSafe(task)).is_err() {
                        tracing::error!("a read of the store panicked");
                    }
                }
            };
            let thread = std::thread::Builder::new().name(name.into()).spawn(work);
            let thread = thread.map_err(|e| StoreError::Failed(format!("start a thread: {e}")))?;
            readers.threads.push(thread);
        }
        Ok(readers)
    }

    /// Runs something on one of the threads.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        task: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.shared.queue.lock().tasks.push_back(Box::new(move || {
            // Nobody waits any more when the send fails: the caller gave up.
            let _abandoned = reply.send(task());
        }));
        self.shared.woken.notify_one();
        answer
            .await
            .unwrap_or_else(|_| Err(StoreError::Failed("read: the store was closed".into())))
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.shared.queue.lock().closed = true;
        self.shared.woken.notify_all();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a reader of the store panicked");
            }
        }
    }
}
