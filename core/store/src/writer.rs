//! The one thread that writes the journal and changes the model in memory.
//!
//! It takes what is waiting, checks it in order, writes it as one frame, syncs, then changes the
//! model, then answers. So a thousand callers share one sync, and nobody sees what is not durable.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError};

use causeway_model::JobId;
use causeway_model::ports::{StoreError, Transaction};
use tokio::sync::oneshot;

use crate::check::{Pending, job_ids};
use crate::embedded::Inner;
use crate::frame;
use crate::hot;
use crate::journal::{AppendError, Segment};
use crate::record::RecordRef;
use crate::table::{Table, TableWrite};

/// Bytes in one frame, about; a single larger write goes alone.
const GROUP: usize = 8 << 20;
/// Rows of ended jobs that are forgotten between two groups.
const EVICTED_ROWS: usize = 2000;

/// A write that somebody waits for.
pub(crate) struct Write {
    pub(crate) rows: Transaction,
    /// The record as the journal takes it.
    pub(crate) encoded: Vec<u8>,
    pub(crate) new_job: bool,
    pub(crate) reply: oneshot::Sender<Result<(), StoreError>>,
}

/// A change of what belongs to no job, that somebody waits for.
pub(crate) struct TableChange {
    pub(crate) write: TableWrite,
    /// The record as the journal takes it.
    pub(crate) encoded: Vec<u8>,
    pub(crate) reply: oneshot::Sender<Result<(), StoreError>>,
}

/// A segment that is complete: its number, and the table as it was at its end.
pub(crate) type Closed = Result<(u64, Table), StoreError>;

/// What the writer is asked for.
pub(crate) enum Command {
    Write(Write),
    Table(TableChange),
    /// The mark for numbers has moved.
    Mark,
    /// These jobs, at these versions, are safe in the archive.
    Evict(Eviction),
    /// Begin a segment and say what stood at the end of the one before.
    Rotate(SyncSender<Closed>),
    /// Write what is waiting, then end.
    Close,
}

/// Jobs to forget, at these versions, and who waits for it.
pub(crate) type Eviction = (Vec<(JobId, u64)>, SyncSender<()>);

#[derive(Default)]
struct Group {
    frame: Vec<u8>,
    pending: Pending,
    writes: Vec<(Transaction, oneshot::Sender<Result<(), StoreError>>)>,
    tables: Vec<(TableWrite, oneshot::Sender<Result<(), StoreError>>)>,
}

/// The thread's own state.
pub(crate) struct Writer {
    pub(crate) inner: Arc<Inner>,
    pub(crate) segment: Segment,
    pub(crate) commands: Receiver<Command>,
    /// The last mark in the journal.
    pub(crate) mark: u64,
    /// Jobs to forget, a few after each group, so that no write waits for all of them.
    pub(crate) evictions: VecDeque<Eviction>,
    /// Set when the disk failed in a way after which nothing can be promised.
    pub(crate) broken: Option<String>,
}

impl Writer {
    /// Works until it is told to end, or nobody is left who could ask.
    pub(crate) fn run(mut self) {
        loop {
            let command = match self.commands.try_recv() {
                Ok(command) => command,
                Err(TryRecvError::Disconnected) => break,
                Err(TryRecvError::Empty) if !self.evictions.is_empty() => {
                    self.evict_some();
                    continue;
                }
                Err(TryRecvError::Empty) => match self.commands.recv() {
                    Ok(command) => command,
                    Err(_) => break,
                },
            };
            if self.group(command).is_break() {
                break;
            }
            self.evict_some();
        }
        // The store was closed in order, so no number above this was given out.
        self.write_clean_mark();
        self.inner.marks.give_up();
        self.segment.close();
    }

    fn group(&mut self, first: Command) -> ControlFlow<()> {
        let mut group = Group::default();
        let mut next = Some(first);
        while let Some(command) = next.take() {
            match command {
                Command::Write(write) => self.admit(&mut group, write),
                Command::Table(change) => self.admit_table(&mut group, change),
                Command::Mark => {}
                Command::Evict(eviction) => self.evictions.push_back(eviction),
                Command::Rotate(reply) => {
                    self.commit(std::mem::take(&mut group));
                    self.rotate_for(&reply);
                }
                Command::Close => {
                    self.commit(group);
                    return ControlFlow::Break(());
                }
            }
            if group.frame.len() < GROUP {
                next = self.commands.try_recv().ok();
            }
        }
        self.commit(group);
        ControlFlow::Continue(())
    }

    fn admit(&mut self, group: &mut Group, write: Write) {
        if let Err(e) = self.check(group, &write) {
            return answer(write.reply, Err(e));
        }
        if group.frame.is_empty() {
            group.frame = frame::begin_for(write.encoded.len());
        }
        group.frame.extend_from_slice(&write.encoded);
        group.writes.push((write.rows, write.reply));
    }

    fn admit_table(&self, group: &mut Group, change: TableChange) {
        if let Some(text) = &self.broken {
            return answer(change.reply, Err(StoreError::Failed(text.clone())));
        }
        if group.frame.is_empty() {
            group.frame = frame::begin();
        }
        group.frame.extend_from_slice(&change.encoded);
        group.tables.push((change.write, change.reply));
    }

    fn check(&self, group: &mut Group, write: &Write) -> Result<(), StoreError> {
        if let Some(text) = &self.broken {
            return Err(StoreError::Failed(text.clone()));
        }
        if write.new_job {
            self.check_backlog()?;
            for job in &write.rows.jobs {
                if self.inner.archive.knows(job.job_id)? {
                    return Err(StoreError::DuplicateJob);
                }
            }
            return group
                .pending
                .check_insert(&self.inner.hot.read(), &write.rows);
        }
        for id in job_ids(&write.rows) {
            self.bring_back(&group.pending, id)?;
        }
        group
            .pending
            .check_apply(&self.inner.hot.read(), &write.rows)
    }

    fn check_backlog(&self) -> Result<(), StoreError> {
        let rows = self.inner.hot.read().settled_rows();
        if rows <= self.inner.options.archive_backlog_rows {
            return Ok(());
        }
        self.inner.wake_archiver();
        Err(StoreError::Busy(format!(
            "{rows} rows wait for the archive"
        )))
    }

    /// Takes a job that ended long ago back into memory, because its rows change once more.
    fn bring_back(&self, pending: &Pending, id: JobId) -> Result<(), StoreError> {
        if pending.knows(&self.inner.hot.read(), id) {
            return Ok(());
        }
        if let Some(job) = self.inner.archive.load(id)? {
            let mut counts = hot::Counts::default();
            hot::count(&mut counts, &job.files);
            let mut hot = self.inner.hot.write();
            hot::subtract(&mut hot.cold, &counts);
            hot.add(job);
        }
        Ok(())
    }

    fn commit(&mut self, mut group: Group) {
        let mark = self.inner.marks.wanted();
        let new_mark = mark > self.mark;
        if group.writes.is_empty() && group.tables.is_empty() && !new_mark {
            return;
        }
        if group.frame.is_empty() {
            group.frame = frame::begin();
        }
        let written = self.write_frame(&mut group.frame, new_mark.then_some(mark));
        if let Err(e) = written {
            let text = e.to_string();
            tracing::error!(error = text, "a group of writes was not stored");
            self.inner.marks.give_up();
            let writes = group.writes.into_iter().map(|it| it.1);
            for reply in writes.chain(group.tables.into_iter().map(|it| it.1)) {
                answer(reply, Err(StoreError::Failed(text.clone())));
            }
            return;
        }
        // Before anybody has an answer, so that whoever has one finds it in the feed.
        self.inner.feed_end.send_replace(self.segment.end());
        if new_mark {
            self.mark = mark;
            self.inner.marks.is_durable(mark);
        }
        for (rows, reply) in group.writes {
            self.inner.hot.write().apply(rows);
            answer(reply, Ok(()));
        }
        for (write, reply) in group.tables {
            self.inner.table.write().apply(write);
            answer(reply, Ok(()));
        }
        self.after_commit(group.frame.len());
    }

    fn write_frame(&mut self, bytes: &mut Vec<u8>, mark: Option<u64>) -> Result<(), StoreError> {
        if let Some(text) = &self.broken {
            return Err(StoreError::Failed(text.clone()));
        }
        if let Some(mark) = mark {
            *bytes = RecordRef::Mark(mark).encode(std::mem::take(bytes))?;
        }
        frame::finish(bytes)?;
        match self.segment.append(bytes) {
            Ok(()) => Ok(()),
            Err(AppendError::NotWritten(e)) => Err(e),
            Err(AppendError::Broken(e)) => {
                let text = format!("{e}; nothing can be stored until the gateway is restarted");
                self.broken = Some(text.clone());
                Err(StoreError::Failed(text))
            }
        }
    }

    fn after_commit(&mut self, bytes: usize) {
        self.inner.journal_grew(bytes as u64);
        let options = &self.inner.options;
        if self.inner.hot.read().settled_jobs() >= options.archive_jobs {
            self.inner.wake_archiver();
        }
        if self.segment.length() >= options.segment_bytes
            && let Err(e) = self.rotate()
        {
            // The segment at hand can still grow; the next commit tries again.
            tracing::warn!(error = %e, "no new journal segment");
        }
    }

    fn rotate(&mut self) -> Result<u64, StoreError> {
        let closed = self.segment.number();
        let next = Segment::create(&self.inner.dir, closed + 1)?;
        std::mem::replace(&mut self.segment, next).close();
        self.inner.feed_end.send_replace(self.segment.end());
        Ok(closed)
    }

    fn rotate_for(&mut self, reply: &SyncSender<Closed>) {
        let closed = match &self.broken {
            Some(text) => Err(StoreError::Failed(text.clone())),
            None => self.rotate(),
        };
        // Everything before the new segment is in the table, and nothing of the new one.
        let closed = closed.map(|number| (number, self.inner.table.read().clone()));
        // The archiver may have ended meanwhile; then nobody wants the answer.
        let _nobody_waits = reply.send(closed);
    }

    /// Forgets some jobs, between two groups: a group relies on what it checked being there.
    fn evict_some(&mut self) {
        let Some((jobs, reply)) = self.evictions.front_mut() else {
            return;
        };
        let mut hot = self.inner.hot.write();
        let mut left = EVICTED_ROWS;
        while let Some((id, version)) = jobs.pop() {
            let Some(job) = hot.jobs.get_mut(&id) else {
                continue;
            };
            job.archived = true;
            if job.version == version
                && let Some(job) = hot.remove(id)
            {
                hot::count(&mut hot.cold, &job.files);
                left = left.saturating_sub(1 + job.files.len());
            }
            if left == 0 {
                return;
            }
        }
        // The archiver may have ended meanwhile; then nobody wants the answer.
        let _nobody_waits = reply.send(());
        self.evictions.pop_front();
    }

    fn write_clean_mark(&mut self) {
        let next = self.inner.marks.next();
        if next == self.mark {
            return;
        }
        let mut bytes = frame::begin();
        if let Err(e) = self.write_frame(&mut bytes, Some(next)) {
            tracing::warn!(error = %e, "some numbers for transfers are skipped at the next start");
        }
    }
}

fn answer(reply: oneshot::Sender<Result<(), StoreError>>, result: Result<(), StoreError>) {
    // A caller that gave up waiting does not want to know; the write stands all the same.
    let _caller_gave_up = reply.send(result);
}
