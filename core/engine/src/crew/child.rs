//! The other end: what a worker process does with what it is told.
//!
//! It knows nothing of where plugins come from; whoever runs it brings a function that loads them.
//! It does as it is told until it is told to leave or nobody is there any more.

use std::collections::HashMap;
use std::io;
use std::os::unix::net::UnixStream as StdStream;
use std::sync::Arc;

use causeway_model::ports::Clock;
use causeway_sdk::Storages;
use parking_lot::Mutex;
use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;
use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::call::Call;
use super::wire::{Frames, FromWorker, Setup, Table, ToWorker, put};
use crate::messages::Report;
use crate::worker::Worker;

/// Reports that may wait for the socket; attempts wait when there are more.
const REPORTS: usize = 4096;
/// Answers that may wait for it.
const ANSWERS: usize = 1024;
/// Messages that go out in one write.
const BATCH: usize = 256;

/// Plugins that were loaded.
pub struct Loaded {
    /// The storages.
    pub storages: Arc<dyn Storages>,
    /// What to tell of them.
    pub table: Table,
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
    let writer = tokio::spawn(deliver(answers, inbox, write));
    let calls = Calls::default();
    while let Some(message) = frames.next().await? {
        match message {
            ToWorker::Order(order) => {
                if orders.send(order).is_err() {
                    return Err(io::Error::other("worker is gone"));
                }
            }
            ToWorker::Call(number, call) => answer(number, call, &storages, &outbox, &calls),
            ToWorker::Forget(number) => {
                if let Some(task) = calls.lock().remove(&number) {
                    task.abort();
                }
            }
            ToWorker::Ping(number) => {
                let outbox = outbox.clone();
                // A task of its own: it answers only if the threads that serve plugins are free.
                tokio::spawn(async move { send(&outbox, FromWorker::Pong(number)).await });
            }
            ToWorker::Leave => break,
            ToWorker::Setup(_) => {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "set up twice"));
            }
        }
    }
    drop((orders, outbox));
    writer.abort();
    Ok(())
}

fn answer(
    number: u64,
    call: Box<Call>,
    storages: &Arc<dyn Storages>,
    outbox: &mpsc::Sender<FromWorker>,
    calls: &Calls,
) {
    let (storages, outbox) = (Arc::clone(storages), outbox.clone());
    let running = Arc::clone(calls);
    // Held until the task is in the book, so that it cannot leave it before.
    let mut book = calls.lock();
    let task = tokio::spawn(async move {
        let answer = call.run(&*storages).await;
        running.lock().remove(&number);
        send(&outbox, FromWorker::Answer(number, Box::new(answer))).await;
    });
    book.insert(number, task.abort_handle());
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
    mut to: OwnedWriteHalf,
) {
    let mut batch: Vec<FromWorker> = Vec::with_capacity(BATCH);
    let mut news: Vec<Report> = Vec::with_capacity(BATCH);
    let mut bytes = Vec::new();
    loop {
        tokio::select! {
            taken = answers.recv_many(&mut batch, BATCH) => if taken == 0 { return },
            taken = reports.recv_many(&mut news, BATCH) => if taken == 0 { return },
        }
        bytes.clear();
        let messages = batch
            .drain(..)
            .chain(news.drain(..).map(FromWorker::Report));
        for message in messages {
            if let Err(error) = put(&message, &mut bytes) {
                tracing::error!(%error, "failed to write a message");
                return;
            }
        }
        if let Err(error) = to.write_all(&bytes).await {
            tracing::debug!(%error, "nobody listens any more");
            return;
        }
    }
}
