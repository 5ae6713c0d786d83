//! The thread in the background: moves ended jobs to the archive, makes snapshots, drops segments.
//!
//! It never holds writes up: it reads the model in small strides, and asks the writer for the two
//! things that only the writer may do, to forget jobs and to begin a segment.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, sync_channel};

use causeway_model::ports::StoreError;
use causeway_model::{JobId, Timestamp};
use tokio::sync::oneshot;

use crate::embedded::Inner;
use crate::hot_job::HotJob;
use crate::recovery;
use crate::snapshot;
use crate::writer::Command;

/// Jobs written to the archive in one go.
const STRIDE: usize = 64;

/// What the archiver is asked for.
pub(crate) enum Request {
    /// Look whether something is due.
    Wake,
    /// Archive what has ended, make a snapshot, drop segments.
    Checkpoint(oneshot::Sender<Result<(), StoreError>>),
    /// Take some jobs out of the archive.
    Retire(Retirement),
    /// End, after archiving what has ended if so wished.
    Close { archive: bool },
}

/// Jobs to take out, and who waits for it.
pub(crate) struct Retirement {
    pub(crate) before: Timestamp,
    pub(crate) limit: usize,
    pub(crate) keep: bool,
    pub(crate) reply: oneshot::Sender<Result<usize, StoreError>>,
}

/// The thread's own state.
pub(crate) struct Archiver {
    pub(crate) inner: Arc<Inner>,
    pub(crate) requests: Receiver<Request>,
    pub(crate) writer: Sender<Command>,
}

impl Archiver {
    /// Works until it is told to end.
    pub(crate) fn run(self) {
        loop {
            match self
                .requests
                .recv_timeout(self.inner.options.archive_interval)
            {
                Ok(Request::Wake) | Err(RecvTimeoutError::Timeout) => {
                    self.inner.archiver_woken.store(false, Ordering::Release);
                    let done = match self.inner.snapshot_is_due() {
                        true => self.checkpoint(),
                        false => self.archive(),
                    };
                    log_failure(done);
                }
                Ok(Request::Checkpoint(reply)) => {
                    // A caller that gave up waiting does not want to know.
                    let _caller_gave_up = reply.send(self.checkpoint());
                }
                Ok(Request::Retire(it)) => {
                    let inner = &self.inner;
                    let retired = inner
                        .archive
                        .retire(it.before, it.limit, it.keep, &inner.hot);
                    // A caller that gave up waiting does not want to know.
                    let _caller_gave_up = it.reply.send(retired);
                }
                Ok(Request::Close { archive }) => {
                    if archive {
                        log_failure(self.archive());
                    }
                    return;
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Moves what has ended to the archive.
    fn archive(&self) -> Result<(), StoreError> {
        let ids: Vec<JobId> = self.inner.hot.read().settled().collect();
        if ids.is_empty() {
            return Ok(());
        }
        let mut written = Vec::with_capacity(ids.len());
        for ids in ids.chunks(STRIDE) {
            let jobs: Vec<HotJob> = {
                let hot = self.inner.hot.read();
                let jobs = ids.iter().filter_map(|id| hot.jobs.get(id));
                jobs.filter(|it| it.is_settled()).cloned().collect()
            };
            self.inner.archive.write(&jobs)?;
            written.extend(jobs.iter().map(|it| (it.job.job_id, it.version)));
        }
        self.inner.archive.sync()?;
        let (reply, done) = sync_channel(1);
        self.ask(Command::Evict((written, reply)))?;
        done.recv().map_err(|_| closed())
    }

    /// Archives, makes a snapshot of what remains, and drops the journal before it.
    fn checkpoint(&self) -> Result<(), StoreError> {
        let (reply, rotated) = sync_channel(1);
        let grown = self.inner.journal_bytes.load(Ordering::Acquire);
        self.ask(Command::Rotate(reply))?;
        let (number, table) = rotated.recv().map_err(|_| closed())??;
        // Before the snapshot: what is forgotten meanwhile must be in the archive for good.
        self.archive()?;
        let mark = self.inner.marks.wanted();
        let size = snapshot::write(&self.inner.dir, number, &self.inner.hot, &table, mark)?;
        self.inner.snapshot_bytes.store(size, Ordering::Release);
        self.inner.journal_bytes.fetch_sub(grown, Ordering::AcqRel);
        recovery::remove_before(&self.inner.dir, number)?;
        self.inner.tidy_held()
    }

    fn ask(&self, command: Command) -> Result<(), StoreError> {
        self.writer.send(command).map_err(|_| closed())
    }
}

fn closed() -> StoreError {
    StoreError::Failed("archive: the store was closed".into())
}

/// What failed is still in memory and in the journal; the next round tries again.
fn log_failure(done: Result<(), StoreError>) {
    if let Err(e) = done {
        tracing::error!(error = %e, "ended jobs stay in memory and in the journal for now");
    }
}
