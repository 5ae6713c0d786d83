//! The life of one worker process: started, set up, listened to, watched, buried.
//!
//! The process has its end of a socket pair as standard input and a pipe for its last words as
//! standard output. When either side of the socket is gone the other ends.

mod letters;
mod vitals;

use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdStream;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedReadHalf;
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::loss::{LastWords, Sentence, describe};
use super::processes::Shared;
use super::wire::{Frames, FromWorker, Setup, ToWorker};
use crate::messages::Report;
use letters::deliver;
use vitals::Vitals;

/// How often a process is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// Time between an end of the connection, or a kill that leaves last words, and the kill that
/// nothing survives.
const AGONY: Duration = Duration::from_secs(1);

/// How a process ended.
pub(super) struct End {
    pub(super) how: String,
    /// Plugins at work when it ended, as far as it could tell.
    pub(super) culprits: Vec<String>,
    /// The process said itself which plugin it was, or its memory was too much.
    pub(super) sentence: Option<Sentence>,
    pub(super) was_ready: bool,
}

struct Process {
    child: Child,
    frames: Frames<OwnedReadHalf>,
    last_words: io::PipeReader,
}

/// Runs a process from its start to its end.
///
/// # Errors
/// When it cannot be started.
pub(super) async fn live(
    shared: &Arc<Shared>,
    id: u64,
    generation: u64,
    setup: Setup,
) -> io::Result<End> {
    let (ours, theirs) = StdStream::pair()?;
    let (last_words, pipe) = io::pipe()?;
    ours.set_nonblocking(true)?;
    let child = spawn(theirs, pipe)?;
    let (read, write) = UnixStream::from_std(ours)?.into_split();
    let (outbox, letters) = mpsc::unbounded_channel();
    if outbox.send(ToWorker::Setup(Box::new(setup))).is_err() {
        return Err(io::ErrorKind::BrokenPipe.into());
    }
    shared
        .roster
        .lock()
        .enlist(id, generation, child.id(), outbox.clone());
    tokio::spawn(deliver(Arc::clone(shared), id, letters, write));
    let process = Process {
        child,
        frames: Frames::new(read),
        last_words,
    };
    Ok(process.run(shared, id, outbox).await)
}

/// The very program that runs, even if another was installed in its place meanwhile.
fn spawn(socket: StdStream, last_words: io::PipeWriter) -> io::Result<Child> {
    Command::new("/proc/self/exe")
        .arg0("causeway")
        .arg("worker")
        .stdin(Stdio::from(OwnedFd::from(socket)))
        .stdout(Stdio::from(OwnedFd::from(last_words)))
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
}

/// An attempt is over: its place is another's.
async fn over(shared: &Shared, last: Report) {
    let more = shared.roster.lock().ended(last.attempt);
    shared.report(last).await;
    for report in more {
        shared.report(report).await;
    }
}

impl Process {
    async fn run(
        mut self,
        shared: &Arc<Shared>,
        id: u64,
        outbox: mpsc::UnboundedSender<ToWorker>,
    ) -> End {
        let mut vitals = Vitals::new(shared, self.child.id(), outbox);
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut sentence = None;
        while sentence.is_none() {
            tokio::select! {
                message = self.frames.next() => match message {
                    Ok(Some(message)) => {
                        hear(shared, id, message, &mut vitals).await;
                        vitals.heard();
                    }
                    Ok(None) => break,
                    Err(error) => {
                        tracing::debug!(%error, "connection to a worker broke");
                        break;
                    }
                },
                _ = look.tick() => {
                    sentence = vitals.judge();
                    if let Some(line) = shared.roster.lock().lines.get_mut(&id) {
                        line.rss_bytes = vitals.rss_bytes;
                    }
                }
            }
        }
        if let Some(sentence) = sentence {
            self.end(sentence, &vitals).await;
            // What it had said before counts.
            while let Ok(Ok(Some(message))) = timeout(AGONY, self.frames.next()).await {
                hear(shared, id, message, &mut vitals).await;
            }
        }
        let status = self.bury().await;
        let words = self.last_words();
        End {
            how: describe(status, sentence, &words),
            culprits: words.culprits,
            sentence,
            was_ready: vitals.ready,
        }
    }

    /// Lets it say what it is at, then ends it.
    async fn end(&mut self, sentence: Sentence, vitals: &Vitals) {
        tracing::error!(
            worker.pid = vitals.pid,
            ?sentence,
            "ending a worker process"
        );
        if matches!(sentence, Sentence::Silent(_))
            && let Some(pid) = vitals.pid.and_then(|it| Pid::from_raw(it.cast_signed()))
        {
            // Not yet waited for, so the number is still its own.
            if let Err(error) = kill_process(pid, Signal::ABORT) {
                tracing::debug!(%error, "worker was gone already");
            }
            if timeout(AGONY, self.child.wait()).await.is_ok() {
                return;
            }
        }
        if let Err(error) = self.child.start_kill() {
            tracing::debug!(%error, "worker was gone already");
        }
    }

    /// Waits for its end, but not long.
    async fn bury(&mut self) -> Option<ExitStatus> {
        if let Ok(Ok(status)) = timeout(AGONY, self.child.wait()).await {
            return Some(status);
        }
        if let Err(error) = self.child.start_kill() {
            tracing::debug!(%error, "worker was gone already");
        }
        match self.child.wait().await {
            Ok(status) => Some(status),
            Err(error) => {
                tracing::error!(%error, "failed to wait for a worker process");
                None
            }
        }
    }

    fn last_words(&mut self) -> LastWords {
        let mut bytes = [0; 4096];
        // A process that it left behind might still hold the pipe; nobody waits for that one.
        let unblocked = rustix::io::ioctl_fionbio(&self.last_words, true);
        let read = unblocked
            .map_err(io::Error::from)
            .and_then(|()| self.last_words.read(&mut bytes));
        match read {
            Ok(read) => LastWords::read(&bytes[..read]),
            Err(error) => {
                tracing::debug!(%error, "worker left no last words");
                LastWords::default()
            }
        }
    }
}

async fn hear(shared: &Arc<Shared>, id: u64, message: FromWorker, vitals: &mut Vitals) {
    match message {
        FromWorker::Ready(table) => {
            vitals.ready = true;
            shared.ready(id, *table);
        }
        FromWorker::Report(report) if report.event.is_last() => over(shared, report).await,
        FromWorker::Report(report) => shared.report(report).await,
        FromWorker::Answer(number, answer) => {
            shared.roster.lock().answered(id, number, *answer);
        }
        FromWorker::Pong(number) => vitals.answered(number),
        FromWorker::News(news) => shared.roster.lock().hear_of_plugins(id, news),
    }
}
