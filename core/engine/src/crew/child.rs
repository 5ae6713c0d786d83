//! The other end: what a worker process does with what it is told.
//!
//! It knows nothing of where plugins come from; whoever runs it brings a function that loads them.
//! It does as it is told until it is told to leave or nobody is there any more.

mod news;

use std::collections::HashMap;
use std::io;
use std::os::unix::net::UnixStream as StdStream;
use std::sync::Arc;
use std::time::Duration;

use causeway_model::ports::Clock;
use causeway_model::{Fault, Phase, Scope};
use causeway_sdk::{Error, ErrorKind, Storages};
use parking_lot::Mutex;
use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::admission::Admissions;
use super::call::Call;
use super::keyring::Keyring;
use super::roster::failed;
use super::wire::{Frames, FromWorker, Setup, TOO_LONG, Table, ToWorker, put};
use crate::attempt::EINVAL;
use crate::messages::{Order, Report};
use crate::worker::Worker;
pub use news::News;
use news::{TELL, Teller};

/// Reports that may wait for the socket; attempts wait when there are more.
const REPORTS: usize = 4096;
/// Answers that may wait for it.
const ANSWERS: usize = 1024;
/// Messages that go out in one write.
const BATCH: usize = 256;
/// Time that a worker which leaves takes for its last news.
const FAREWELL: Duration = Duration::from_millis(500);

/// Plugins that were loaded.
pub struct Loaded {
    /// The storages.
    pub storages: Arc<dyn Storages>,
    /// What to tell of them.
    pub table: Table,
    /// What is counted of them.
    pub news: News,
}

type Calls = Arc<Mutex<HashMap<u64, AbortHandle>>>;

/// Works until it is told to leave.
///
/// # Errors
/// When nobody is there any more, or what comes is damaged.
pub async fn work(
    socket: StdStream,
    clock: Arc<dyn Clock>,
    load: impl FnOnce(&Setup) -> io::Result<Loaded>,
) -> io::Result<()> {
    socket.set_nonblocking(true)?;
    let (read, write) = UnixStream::from_std(socket)?.into_split();
    let mut frames = Frames::new(read);
    let Some(ToWorker::Setup(setup)) = frames.next().await? else {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "the first message is no setup",
        ));
    };
    let loaded = load(&setup)?;
    drop(setup);
    let (outbox, answers) = mpsc::channel(ANSWERS);
    let (reports, inbox) = mpsc::channel(REPORTS);
    let (orders, obeyed) = mpsc::unbounded_channel();
    let storages = loaded.storages;
    let worker = Worker::new(Arc::clone(&storages), clock, reports);
    tokio::spawn(worker.run(obeyed));
    let first = FromWorker::Ready(Box::new(loaded.table));
    if outbox.send(first).await.is_err() {
        return Err(io::ErrorKind::BrokenPipe.into());
    }
    let teller = Teller::new(loaded.news);
    let mut writer = tokio::spawn(deliver(answers, inbox, teller, write));
    let lines = Lines {
        orders,
        outbox,
        storages,
        admissions: Arc::default(),
        calls: Calls::default(),
    };
    let outcome = tokio::select! {
        outcome = lines.listen(&mut frames) => outcome,
        // Who cannot speak must not be waited for.
        ended = &mut writer => ended.map_err(io::Error::other).flatten(),
    };
    drop(lines);
    if outcome.is_ok() && !writer.is_finished() {
        // The last news; what is still under way nobody waits for.
        drop(timeout(FAREWELL, &mut writer).await);
    }
    writer.abort();
    outcome
}

/// Where what comes goes.
struct Lines {
    orders: mpsc::UnboundedSender<Order>,
    outbox: mpsc::Sender<FromWorker>,
    storages: Arc<dyn Storages>,
    admissions: Arc<Admissions>,
    calls: Calls,
}

impl Lines {
    /// Does as it is told until it is told to leave.
    async fn listen(&self, frames: &mut Frames<OwnedReadHalf>) -> io::Result<()> {
        let mut keyring = Keyring::default();
        while let Some(message) = frames.next().await? {
            match message {
                ToWorker::Credential(place, credential) => keyring.keep(place, credential)?,
                ToWorker::Order(places, mut order) => {
                    keyring.give_back(&mut order, places)?;
                    if self.orders.send(order).is_err() {
                        return Err(io::Error::other("worker is gone"));
                    }
                }
                ToWorker::Call(number, call) => self.answer(number, call),
                ToWorker::Forget(number) => {
                    if let Some(task) = self.calls.lock().remove(&number) {
                        task.abort();
                    }
                }
                ToWorker::Ping(number) => {
                    let outbox = self.outbox.clone();
                    // A task of its own: it answers only if the threads that serve plugins are
                    // free.
                    tokio::spawn(async move { send(&outbox, FromWorker::Pong(number)).await });
                }
                ToWorker::Leave => break,
                ToWorker::Setup(_) => {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "set up twice"));
                }
            }
        }
        Ok(())
    }

    fn answer(&self, number: u64, call: Box<Call>) {
        let (storages, outbox) = (Arc::clone(&self.storages), self.outbox.clone());
        let admissions = Arc::clone(&self.admissions);
        let running = Arc::clone(&self.calls);
        // Held until the task is in the book, so that it cannot leave it before.
        let mut book = self.calls.lock();
        let task = tokio::spawn(async move {
            let answer = call.run(&storages, &admissions).await;
            running.lock().remove(&number);
            send(&outbox, FromWorker::Answer(number, Box::new(answer))).await;
        });
        book.insert(number, task.abort_handle());
    }
}

async fn send(outbox: &mpsc::Sender<FromWorker>, message: FromWorker) {
    if outbox.send(message).await.is_err() {
        tracing::debug!("nobody listens any more, message dropped");
    }
}

/// Writes what there is, many messages at a time. What cannot be written is wanted by nobody: the
/// end of the socket ends the process.
async fn deliver(
    mut answers: mpsc::Receiver<FromWorker>,
    mut reports: mpsc::Receiver<Report>,
    mut teller: Teller,
    mut to: OwnedWriteHalf,
) -> io::Result<()> {
    let mut batch: Vec<FromWorker> = Vec::with_capacity(BATCH);
    let mut news: Vec<Report> = Vec::with_capacity(BATCH);
    let mut bytes = Vec::new();
    loop {
        tokio::select! {
            taken = answers.recv_many(&mut batch, BATCH) => if taken == 0 { break },
            taken = reports.recv_many(&mut news, BATCH) => if taken == 0 { break },
        }
        bytes.clear();
        let messages = batch
            .drain(..)
            .chain(news.drain(..).map(FromWorker::Report));
        for message in messages.chain(teller.news(TELL)) {
            write(message, &mut bytes)?;
        }
        to.write_all(&bytes).await?;
    }
    bytes.clear();
    if let Some(message) = teller.news(Duration::ZERO) {
        write(message, &mut bytes)?;
    }
    to.write_all(&bytes).await
}

/// Writes a message, or what is said instead of one that is too long.
fn write(message: FromWorker, out: &mut Vec<u8>) -> io::Result<()> {
    if put(&message, out)? {
        return Ok(());
    }
    let instead = match message {
        FromWorker::Answer(number, _) => {
            let error = Error::new(ErrorKind::Internal, format!("take the answer: {TOO_LONG}"));
            FromWorker::Answer(number, Box::new(Err(error)))
        }
        FromWorker::Report(Report { attempt, event }) if event.is_last() => {
            let text = format!("take the last report: {TOO_LONG}");
            let fault = Fault::new(Scope::General, Phase::Service, EINVAL, text);
            FromWorker::Report(failed(attempt, fault))
        }
        FromWorker::Report(_) => {
            // It says how things go, and others will.
            tracing::error!("a report is too long, it is left out");
            return Ok(());
        }
        FromWorker::Ready(_) | FromWorker::Pong(_) | FromWorker::News(_) => {
            return Err(io::Error::new(io::ErrorKind::InvalidData, TOO_LONG));
        }
    };
    tracing::error!("a message is too long, an error goes out instead");
    put(&instead, out).map(drop)
}

#[cfg(test)]
mod tests {
    use causeway_sdk::{DirPage, Entry, Stat};

    use super::*;
    use crate::crew::call::Answer;
    use crate::messages::{AttemptEvent, AttemptFailure, AttemptId, LogLine};

    async fn written(messages: Vec<FromWorker>) -> Vec<FromWorker> {
        let mut bytes = Vec::new();
        for message in messages {
            write(message, &mut bytes).unwrap();
        }
        let mut frames = Frames::new(&bytes[..]);
        let mut back = Vec::new();
        while let Some(message) = frames.next().await.unwrap() {
            back.push(message);
        }
        back
    }

    fn long() -> String {
        "x".repeat(65 << 20)
    }

    #[tokio::test]
    async fn an_answer_that_is_too_long_costs_its_call_and_mutes_nobody() {
        let entry = Entry {
            name: long(),
            stat: Stat::file(1),
        };
        let page = DirPage {
            entries: vec![entry],
            next: None,
        };
        let answer = FromWorker::Answer(7, Box::new(Ok(Answer::Page(page))));
        let back = written(vec![answer, FromWorker::Pong(8)]).await;
        let [FromWorker::Answer(7, answer), FromWorker::Pong(8)] = &back[..] else {
            panic!("{} messages", back.len());
        };
        let error = answer.as_ref().as_ref().unwrap_err();
        assert!(error.message().ends_with(TOO_LONG), "{error}");
    }

    #[tokio::test]
    async fn a_last_report_that_is_too_long_is_a_failure_and_another_is_left_out() {
        let attempt = AttemptId(3);
        let mut fault = Fault::new(Scope::Source, Phase::Transfer, EINVAL, "");
        fault.message = long();
        let failure: AttemptFailure = fault.into();
        let line = LogLine {
            time: causeway_model::Timestamp(1),
            level: causeway_sdk::LogLevel::Info,
            text: long(),
        };
        let events = [
            AttemptEvent::Log(vec![line]),
            AttemptEvent::Failed(Box::new(failure)),
        ];
        let reports = events.map(|event| FromWorker::Report(Report { attempt, event }));
        let back = written(reports.into()).await;
        let [FromWorker::Report(report)] = &back[..] else {
            panic!("{} messages", back.len());
        };
        let AttemptEvent::Failed(failure) = &report.event else {
            panic!("{report:?}");
        };
        assert!(failure.fault.message.ends_with(TOO_LONG));
    }
}
