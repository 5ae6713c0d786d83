//! The store in a directory: journal, model, archive and their threads behind the port.

use std::collections::VecDeque;
use std::future::Future;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use async_trait::async_trait;
use causeway_model::feed::Position;
use causeway_model::ports::{FileQuery, JobQuery, JobStore, JobView, StoreError, Transaction};
use causeway_model::{FileId, FileState, Job, JobId, RetryLog, Transfer};
use parking_lot::{Mutex, RwLock};
use tokio::sync::{oneshot, watch};

use crate::archive::Archive;
use crate::archiver::{Archiver, Request};
use crate::feed::holding;
use crate::frame::{self, io_failed};
use crate::hot::Hot;
use crate::hot_job::HotJob;
use crate::journal::Segment;
use crate::lists;
use crate::lock::DirLock;
use crate::marks::{BLOCK, Marks};
use crate::memory::rows_of;
use crate::options::StoreOptions;
use crate::readers::Readers;
use crate::record::{RecordRef, RowsRef};
use crate::recovery;
use crate::table::Table;
use crate::writer::{Command, Write, Writer};

/// Bytes of an ordinary row in the journal.
const ROW: usize = 512;
/// Bytes of an ordinary event.
const EVENT: usize = 64;

/// What the threads share.
pub(crate) struct Inner {
    pub(crate) dir: PathBuf,
    pub(crate) options: StoreOptions,
    pub(crate) hot: RwLock<Hot>,
    pub(crate) table: RwLock<Table>,
    pub(crate) archive: Archive,
    pub(crate) marks: Marks,
    /// Bytes of journal since the last snapshot.
    pub(crate) journal_bytes: AtomicU64,
    pub(crate) snapshot_bytes: AtomicU64,
    pub(crate) archiver_woken: AtomicBool,
    pub(crate) archiver: Sender<Request>,
    /// Up to where the journal may be read as a feed.
    pub(crate) feed_end: watch::Sender<Position>,
    /// Bytes of the feed that were given up although a reader needed them.
    pub(crate) feed_given_up: AtomicU64,
}

impl Inner {
    /// Removes what is kept for readers of the feed and not needed, or too much.
    pub(crate) fn tidy_held(&self) -> Result<(), StoreError> {
        let given_up = holding::tidy(&self.dir, self.options.held_bytes)?;
        self.feed_given_up.fetch_add(given_up, Ordering::Relaxed);
        Ok(())
    }

    pub(crate) fn wake_archiver(&self) {
        if !self.archiver_woken.swap(true, Ordering::AcqRel)
            && self.archiver.send(Request::Wake).is_err()
        {
            tracing::error!("the archiver has ended; ended jobs stay in memory");
        }
    }

    pub(crate) fn journal_grew(&self, bytes: u64) {
        self.journal_bytes.fetch_add(bytes, Ordering::AcqRel);
        if self.snapshot_is_due() {
            self.wake_archiver();
        }
    }

    /// Not before the journal is as long as the snapshot, so that the cost of snapshots stays in
    /// proportion to what is written.
    pub(crate) fn snapshot_is_due(&self) -> bool {
        let least = self.snapshot_bytes.load(Ordering::Acquire);
        let grown = self.journal_bytes.load(Ordering::Acquire);
        grown >= least.max(self.options.snapshot_bytes)
    }
}

/// A store in a directory of its own. See the crate for how it works.
///
/// A write is under way as soon as `insert` or `apply` is called; awaiting it is waiting for the
/// disk. Dropping the store writes what is under way and ends its threads.
pub struct EmbeddedStore {
    pub(crate) inner: Arc<Inner>,
    pub(crate) writer: Sender<Command>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    pub(crate) keyed_readers: Readers,
    pub(crate) list_readers: Readers,
    /// Reads the journal for those who tell outside what happened.
    pub(crate) feed_readers: Readers,
    _lock: DirLock,
}

impl std::fmt::Debug for EmbeddedStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EmbeddedStore")
            .field("dir", &self.inner.dir)
            .finish_non_exhaustive()
    }
}

impl EmbeddedStore {
    /// Opens or creates a store. Reads the journal, so call it before serving, not on a thread of
    /// the runtime that others wait for.
    pub fn open(dir: &Path, options: StoreOptions) -> Result<Self, StoreError> {
        std::fs::create_dir_all(dir).map_err(|e| io_failed("create", dir, &e))?;
        let lock = DirLock::take(dir)?;
        let archive = Archive::open(&dir.join("archive"), &options)?;
        let found = recovery::recover(dir, &archive)?;
        let (segment, mark) = first_segment(dir, found.segment + 1, found.next_file)?;
        let marks = Marks::new(found.next_file);
        marks.is_durable(mark);
        let (archiver, requests) = channel();
        let inner = Arc::new(Inner {
            dir: dir.to_owned(),
            hot: RwLock::new(found.hot),
            table: RwLock::new(found.table),
            archive,
            marks,
            journal_bytes: AtomicU64::new(found.journal_bytes),
            snapshot_bytes: AtomicU64::new(found.snapshot_bytes),
            archiver_woken: AtomicBool::new(false),
            archiver,
            feed_end: watch::Sender::new(segment.end()),
            feed_given_up: AtomicU64::new(0),
            options,
        });
        inner.tidy_held()?;
        let readers = inner.options.readers;
        let (writer, commands) = channel();
        let store = Self {
            keyed_readers: Readers::start("store-read", readers)?,
            list_readers: Readers::start("store-list", readers)?,
            feed_readers: Readers::start("store-feed", 1)?,
            threads: Mutex::default(),
            writer: writer.clone(),
            inner: inner.clone(),
            _lock: lock,
        };
        let thread = Archiver {
            inner: inner.clone(),
            requests,
            writer,
        };
        // The archiver is first in the list: it must end before the writer it asks.
        store.spawn("store-archive", move || thread.run())?;
        let thread = Writer {
            inner,
            segment,
            commands,
            mark,
            evictions: VecDeque::new(),
            broken: None,
        };
        store.spawn("store-write", move || thread.run())?;
        Ok(store)
    }

    fn spawn(&self, name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), StoreError> {
        let thread = std::thread::Builder::new().name(name.into()).spawn(run);
        let thread = thread.map_err(|e| StoreError::Failed(format!("start a thread: {e}")))?;
        self.threads.lock().push(thread);
        Ok(())
    }

    /// Moves ended jobs to the archive, makes a snapshot of the others and drops the journal
    /// before it. Happens by itself; call it to have it now.
    pub async fn checkpoint(&self) -> Result<(), StoreError> {
        let (reply, done) = oneshot::channel();
        let asked = self.inner.archiver.send(Request::Checkpoint(reply));
        asked.map_err(|_| closed())?;
        done.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Writes what is under way, archives what has ended and ends. Blocks for as long as that
    /// takes.
    pub fn close(self) {
        self.end(true);
    }

    fn end(&self, archive: bool) {
        let mut threads = self
            .threads
            .lock()
            .drain(..)
            .collect::<Vec<_>>()
            .into_iter();
        // Either thread may be gone only if it panicked; then there is nobody to tell.
        let _gone = self.inner.archiver.send(Request::Close { archive });
        join(threads.next());
        let _gone = self.writer.send(Command::Close);
        join(threads.next());
    }

    fn write(
        &self,
        rows: Transaction,
        new_job: bool,
    ) -> Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send>> {
        let (reply, done) = oneshot::channel();
        let sent = self.encode(&rows, new_job).and_then(|encoded| {
            let write = Write {
                rows,
                encoded,
                new_job,
                reply,
            };
            self.writer
                .send(Command::Write(write))
                .map_err(|_| closed())
        });
        Box::pin(async move {
            sent?;
            done.await.unwrap_or_else(|_| Err(closed()))
        })
    }

    /// Here and not in the writer, so that all threads of the runtime share the work.
    fn encode(&self, rows: &Transaction, new_job: bool) -> Result<Vec<u8>, StoreError> {
        let rows_ref = RowsRef::from(rows);
        let record = match new_job {
            true => RecordRef::Insert(rows_ref),
            false => RecordRef::Apply(rows_ref),
        };
        // Room for most, so that it does not grow by copying what is there.
        let room = (rows.jobs.len() + rows.files.len()) * ROW + rows.events.len() * EVENT + ROW;
        let mut encoded = record.encode(Vec::with_capacity(room))?;
        if !rows.events.is_empty() {
            encoded = RecordRef::Events(&rows.events).encode(encoded)?;
        }
        if encoded.len() > frame::FRAME_MAX / 2 {
            let bytes = encoded.len();
            return Err(StoreError::Failed(format!(
                "write {bytes} bytes at once: too many"
            )));
        }
        Ok(encoded)
    }

    async fn keyed<T: Send + 'static>(
        &self,
        id: JobId,
        from_memory: impl FnOnce(&HotJob) -> T + Send,
        from_archive: impl FnOnce(&Archive) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        if let Some(found) = self.inner.hot.read().jobs.get(&id).map(from_memory) {
            return Ok(found);
        }
        let inner = self.inner.clone();
        self.keyed_readers
            .run(move || from_archive(&inner.archive))
            .await
    }
}

impl Drop for EmbeddedStore {
    fn drop(&mut self) {
        self.end(false);
    }
}

fn join(thread: Option<JoinHandle<()>>) {
    if thread.is_some_and(|it| it.join().is_err()) {
        tracing::error!("a thread of the store panicked");
    }
}

pub(crate) fn closed() -> StoreError {
    StoreError::Failed("use the store: it was closed".into())
}

/// Begins the segment of this run, with the first mark for numbers in it.
fn first_segment(dir: &Path, number: u64, next_file: u64) -> Result<(Segment, u64), StoreError> {
    let mut segment = Segment::create(dir, number)?;
    let mark = next_file + BLOCK;
    let mut bytes = RecordRef::Mark(mark).encode(frame::begin())?;
    frame::finish(&mut bytes)?;
    match segment.append(&bytes) {
        Ok(()) => Ok((segment, mark)),
        Err(
            crate::journal::AppendError::NotWritten(e) | crate::journal::AppendError::Broken(e),
        ) => Err(e),
    }
}

#[async_trait]
impl JobStore for EmbeddedStore {
    fn reserve_file_ids(&self, count: u64) -> Range<u64> {
        let ask = || self.writer.send(Command::Mark).is_ok();
        self.inner.marks.reserve(count, ask)
    }

    fn insert<'a, 'b>(
        &'a self,
        view: JobView,
    ) -> Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        self.write(rows_of(view), true)
    }

    fn apply<'a, 'b>(
        &'a self,
        rows: Transaction,
    ) -> Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        if rows.is_empty() {
            return Box::pin(std::future::ready(Ok(())));
        }
        self.write(rows, false)
    }

    async fn job(&self, id: JobId) -> Result<Option<Arc<Job>>, StoreError> {
        self.keyed(id, |it| Some(it.job.clone()), move |it| it.job(id))
            .await
    }

    async fn view(&self, id: JobId) -> Result<Option<JobView>, StoreError> {
        let from_archive = move |it: &Archive| Ok(it.load(id)?.map(|it| it.view()));
        self.keyed(id, |it| Some(it.view()), from_archive).await
    }

    async fn retries(&self, id: JobId, file: FileId) -> Result<Vec<RetryLog>, StoreError> {
        self.keyed(id, |it| it.retries_of(file), move |it| it.retries(id, file))
            .await
    }

    async fn list_jobs(&self, query: &JobQuery) -> Result<Vec<Arc<Job>>, StoreError> {
        let (inner, query) = (self.inner.clone(), query.clone());
        self.list_readers
            .run(move || lists::jobs(&inner, &query))
            .await
    }

    async fn list_files(&self, query: &FileQuery) -> Result<Vec<Arc<Transfer>>, StoreError> {
        let (inner, query) = (self.inner.clone(), query.clone());
        self.list_readers
            .run(move || lists::files(&inner, &query))
            .await
    }

    async fn unfinished(&self) -> Result<Vec<JobId>, StoreError> {
        Ok(self.inner.hot.read().unfinished())
    }

    fn file_counts(&self) -> Vec<(FileState, u64)> {
        self.inner.hot.read().file_counts()
    }
}
