//! The mock with a tape library in front whose calls a test can see, fail and hold back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use causeway_engine::EngineConfig;
use causeway_model::ports::JobView;
use causeway_model::{FileState as RowState, JobState};
use causeway_plugin_mock::MockStorage;
use causeway_sdk::{
    BoxFuture, Capabilities, Ctx, DynStorage, Erased, Error, FileState, Host, Operation, Result,
    StageRequest, Staged, Storage, Url,
};
use causeway_testkit::{Layer, Layered};
use parking_lot::Mutex;

use super::{Bench, Shelf, change_rows};

/// A call with its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    BringOnline(Vec<String>),
    Release(Vec<String>),
}

#[derive(Default)]
struct Seen {
    calls: Mutex<Vec<Call>>,
    requests: Mutex<Vec<StageRequest>>,
    archive_polls: Mutex<Vec<usize>>,
    failing: Mutex<Option<(u32, Error)>>,
    hanging: AtomicBool,
    slow: Mutex<Duration>,
    polls: AtomicUsize,
    most_polls: AtomicUsize,
}

/// The tape library.
#[derive(Clone)]
pub struct Tape {
    inner: Arc<dyn DynStorage>,
    bulk: u32,
    unlisted: bool,
    refusal: Option<Error>,
    seen: Arc<Seen>,
}

impl Tape {
    pub fn new() -> Self {
        let mock = MockStorage::create("", Host::silent()).unwrap();
        Self {
            inner: Erased::shared(mock),
            bulk: 0,
            unlisted: false,
            refusal: None,
            seen: Arc::default(),
        }
    }

    /// Takes at most so many files at once.
    pub fn bulk(mut self, bulk: u32) -> Self {
        self.bulk = bulk;
        self
    }

    /// Lists neither staging nor archiving.
    pub fn unlisted(mut self) -> Self {
        self.unlisted = true;
        self
    }

    /// Answers every request with this.
    pub fn refuses(mut self, error: Error) -> Self {
        self.refusal = Some(error);
        self
    }

    pub fn storage(&self) -> Arc<dyn DynStorage> {
        Arc::new(Layered(self.clone()))
    }

    /// The next polls fail, of both kinds.
    pub fn fail_polls(&self, times: u32, error: Error) {
        *self.seen.failing.lock() = Some((times, error));
    }

    /// Polls never come back, of both kinds.
    pub fn hang_polls(&self) {
        self.seen.hanging.store(true, Ordering::SeqCst);
    }

    /// Polls take this long, of both kinds.
    pub fn slow_polls(&self, time: Duration) {
        *self.seen.slow.lock() = time;
    }

    /// Most polls that ran at the same time.
    pub fn most_polls(&self) -> usize {
        self.seen.most_polls.load(Ordering::SeqCst)
    }

    /// What was asked and given back.
    pub fn calls(&self) -> Vec<Call> {
        self.seen.calls.lock().clone()
    }

    pub fn requests(&self) -> Vec<StageRequest> {
        self.seen.requests.lock().clone()
    }

    /// Numbers of files in the questions about tape copies.
    pub fn archive_polls(&self) -> Vec<usize> {
        self.seen.archive_polls.lock().clone()
    }

    async fn poll(&self) -> Result<()> {
        if self.seen.hanging.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        let slow = *self.seen.slow.lock();
        let polls = self.seen.polls.fetch_add(1, Ordering::SeqCst) + 1;
        self.seen.most_polls.fetch_max(polls, Ordering::SeqCst);
        tokio::time::sleep(slow).await;
        self.seen.polls.fetch_sub(1, Ordering::SeqCst);
        match &mut *self.seen.failing.lock() {
            Some((left, error)) if *left > 0 => {
                *left -= 1;
                Err(error.clone())
            }
            _ => Ok(()),
        }
    }
}

fn texts(files: &[Url]) -> Vec<String> {
    files.iter().map(|it| it.as_str().to_owned()).collect()
}

impl Layer for Tape {
    fn inner(&self) -> &dyn DynStorage {
        &*self.inner
    }

    fn describe(&self) -> Capabilities {
        let mut able = self.inner.describe();
        able.staging_bulk = self.bulk;
        if self.unlisted {
            able.operations.remove(&Operation::Staging);
            able.operations.remove(&Operation::Archive);
        }
        able
    }

    fn bring_online<'a>(
        &'a self,
        cx: &'a Ctx,
        request: StageRequest,
    ) -> BoxFuture<'a, Result<Staged>> {
        Box::pin(async move {
            if let Some(error) = &self.refusal {
                return Err(error.clone());
            }
            let call = Call::BringOnline(texts(&request.files));
            self.seen.calls.lock().push(call);
            self.seen.requests.lock().push(request.clone());
            self.inner.bring_online(cx, request).await
        })
    }

    fn poll_online<'a>(
        &'a self,
        cx: &'a Ctx,
        token: &'a str,
        files: &'a [Url],
    ) -> BoxFuture<'a, Result<Vec<FileState>>> {
        Box::pin(async move {
            self.poll().await?;
            self.inner.poll_online(cx, token, files).await
        })
    }

    fn release<'a>(
        &'a self,
        cx: &'a Ctx,
        token: &'a str,
        files: &'a [Url],
    ) -> BoxFuture<'a, Result<Vec<FileState>>> {
        Box::pin(async move {
            self.seen.calls.lock().push(Call::Release(texts(files)));
            self.inner.release(cx, token, files).await
        })
    }

    fn poll_archived<'a>(
        &'a self,
        cx: &'a Ctx,
        files: &'a [Url],
    ) -> BoxFuture<'a, Result<Vec<FileState>>> {
        Box::pin(async move {
            self.poll().await?;
            self.seen.archive_polls.lock().push(files.len());
            self.inner.poll_archived(cx, files).await
        })
    }
}

/// A job whose files are on tape.
pub fn staged(bench: &Bench, pairs: &[(&str, &str)], bring_online: i64) -> JobView {
    let mut view = bench.job(pairs);
    change_rows(&mut view, |job, file| {
        job.state = JobState::Staging;
        job.bring_online = bring_online;
        file.state = RowState::Staging;
    });
    view
}

/// A bench with a tape library.
pub async fn with_tape(config: EngineConfig) -> (Bench, Tape) {
    let tape = Tape::new();
    let shelf = Shelf::mock().with("mock", tape.storage());
    (Bench::with(config, shelf).await, tape)
}

/// The same, set up as usual.
pub async fn on_tape() -> (Bench, Tape) {
    with_tape(EngineConfig::default()).await
}
