//! The store as one life of the engine has it: slow at times, watched always, and dead to the
//! engine from the moment it is killed.
//!
//! Writes run to their end on the calling thread, so that no virtual time passes while a disk
//! works.

use std::ops::Range;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Duration;

use async_trait::async_trait;
use causeway_model::observe::{Observation, Observer};
use causeway_model::ports::{
    Clock, EvolutionQuery, FileQuery, HistoryStore, JobQuery, JobStore, JobView, SettingsStore,
    StoreError, Transaction,
};
use causeway_model::settings::{AuditRow, Change};
use causeway_model::{
    EvolutionRow, FileId, FileState, Job, JobId, OptimizerRow, RetryLog, Timestamp, Transfer,
};
use causeway_store::{EmbeddedStore, MemoryStore};
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::record::Record;

/// A store of jobs, of settings and of history.
pub trait Store: JobStore + SettingsStore + HistoryStore {
    /// Lets all that has ended be where history is taken from.
    fn tidy(&self) {}
}

impl Store for MemoryStore {}

impl Store for EmbeddedStore {
    fn tidy(&self) {
        finish(self.checkpoint()).unwrap();
    }
}

/// The store of one life.
pub struct Witness {
    /// Nothing once the engine is killed.
    store: Mutex<Option<Arc<dyn Store>>>,
    dice: Mutex<StdRng>,
    slow: bool,
    record: Record,
    clock: Arc<dyn Clock>,
}

impl Witness {
    pub fn new(
        store: Arc<dyn Store>,
        record: Record,
        clock: Arc<dyn Clock>,
        seed: u64,
    ) -> Arc<Self> {
        let mut dice = StdRng::seed_from_u64(seed);
        Arc::new(Self {
            slow: dice.random_bool(0.5),
            store: Mutex::new(Some(store)),
            dice: Mutex::new(dice),
            record,
            clock,
        })
    }

    /// The power goes: what was not written is lost, and nothing is written any more.
    pub fn cut(&self) {
        self.store.lock().take();
    }

    fn store(&self) -> Result<Arc<dyn Store>, StoreError> {
        let store = self.store.lock().clone();
        store.ok_or_else(|| StoreError::Failed("power is off".into()))
    }

    async fn take_time(&self) {
        let millis = match self.slow {
            true => self.dice.lock().random_range(0..40),
            false => 0,
        };
        if millis > 0 {
            tokio::time::sleep(Duration::from_millis(millis)).await;
        }
    }
}

#[async_trait]
impl JobStore for Witness {
    fn reserve_file_ids(&self, count: u64) -> Range<u64> {
        self.store().map_or(0..0, |it| it.reserve_file_ids(count))
    }

    async fn insert(&self, view: JobView) -> Result<(), StoreError> {
        self.take_time().await;
        {
            let store = self.store()?;
            finish(store.insert(view.clone()))?;
            self.record.with(|it| it.inserted(self.clock.now(), &view));
        }
        self.take_time().await;
        // Written, but nobody hears of it when the power went meanwhile.
        self.store().map(drop)
    }

    async fn apply(&self, rows: Transaction) -> Result<(), StoreError> {
        self.take_time().await;
        {
            let store = self.store()?;
            finish(store.apply(rows.clone()))?;
            self.record.with(|it| it.applied(self.clock.now(), &rows));
        }
        self.take_time().await;
        self.store().map(drop)
    }

    async fn job(&self, id: JobId) -> Result<Option<Arc<Job>>, StoreError> {
        finish(self.store()?.job(id))
    }

    async fn view(&self, id: JobId) -> Result<Option<JobView>, StoreError> {
        finish(self.store()?.view(id))
    }

    async fn retries(&self, id: JobId, file: FileId) -> Result<Vec<RetryLog>, StoreError> {
        finish(self.store()?.retries(id, file))
    }

    async fn list_jobs(&self, query: &JobQuery) -> Result<Vec<Arc<Job>>, StoreError> {
        finish(self.store()?.list_jobs(query))
    }

    async fn list_files(&self, query: &FileQuery) -> Result<Vec<Arc<Transfer>>, StoreError> {
        finish(self.store()?.list_files(query))
    }

    async fn unfinished(&self) -> Result<Vec<JobId>, StoreError> {
        finish(self.store()?.unfinished())
    }

    fn file_counts(&self) -> Vec<(FileState, u64)> {
        self.store().map(|it| it.file_counts()).unwrap_or_default()
    }
}

#[async_trait]
impl SettingsStore for Witness {
    async fn settings(&self) -> Result<Vec<Change>, StoreError> {
        finish(self.store()?.settings())
    }

    async fn change_settings(
        &self,
        changes: Vec<Change>,
        audit: Vec<AuditRow>,
    ) -> Result<(), StoreError> {
        self.take_time().await;
        finish(self.store()?.change_settings(changes, audit))
    }

    async fn audit(&self, limit: usize) -> Result<Vec<AuditRow>, StoreError> {
        finish(self.store()?.audit(limit))
    }

    async fn optimizer(&self) -> Result<Vec<OptimizerRow>, StoreError> {
        finish(self.store()?.optimizer())
    }

    async fn put_optimizer(
        &self,
        values: Vec<OptimizerRow>,
        decisions: Vec<EvolutionRow>,
    ) -> Result<(), StoreError> {
        let store = self.store()?;
        self.record.with(|it| it.values.stored(&values));
        finish(store.put_optimizer(values, decisions))
    }

    async fn evolution(&self, query: &EvolutionQuery) -> Result<Vec<EvolutionRow>, StoreError> {
        finish(self.store()?.evolution(query))
    }

    async fn forget_evolution(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        finish(self.store()?.forget_evolution(before, limit))
    }
}

#[async_trait]
impl HistoryStore for Witness {
    async fn retire(
        &self,
        ended_before: Timestamp,
        limit: usize,
        keep: bool,
    ) -> Result<usize, StoreError> {
        self.take_time().await;
        let store = self.store()?;
        let may_go = self.record.with(|it| it.ended_before(ended_before));
        if !may_go.is_empty() {
            store.tidy();
        }
        let count = finish(store.retire(ended_before, limit, keep))?;
        let mut gone = Vec::new();
        for id in may_go {
            if finish(store.job(id))?.is_none() {
                gone.push(id);
            }
        }
        let now = self.clock.now();
        self.record.with(|it| it.left(now, &gone, count, keep));
        Ok(count)
    }

    async fn archived(&self, id: JobId) -> Result<Option<JobView>, StoreError> {
        finish(self.store()?.archived(id))
    }
}

impl Observer for Witness {
    fn observe(&self, what: &Observation<'_>) {
        if self.store.lock().is_none() {
            return;
        }
        let now = self.clock.now();
        self.record.with(|it| match what {
            Observation::FileMoved { file, from, to, .. } => it.announced(now, *file, *from, *to),
            Observation::Decided {
                source_se,
                dest_se,
                active,
                ..
            } => {
                it.note(now, format!("{source_se} to {dest_se}: {active}"));
                it.values.decided(now, source_se, dest_se, *active);
            }
            _ => {}
        });
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for an answer of the store as this thread. Bounded by the store, which always answers.
fn finish<T>(answer: impl Future<Output = T>) -> T {
    let mut answer = pin!(answer);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut cx = Context::from_waker(&waker);
    loop {
        match answer.as_mut().poll(&mut cx) {
            Poll::Ready(answer) => return answer,
            Poll::Pending => std::thread::park(),
        }
    }
}
