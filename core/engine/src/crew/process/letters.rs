//! What a worker is sent, and what becomes of a message that cannot be sent: nobody may wait for
//! what comes of it.

use std::sync::Arc;

use causeway_model::{Fault, Phase, Scope};
use causeway_sdk::{Error, ErrorKind};
use tokio::io::AsyncWriteExt as _;
use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::mpsc;

use super::over;
use crate::attempt::EINVAL;
use crate::crew::keyring::Keyring;
use crate::crew::processes::Shared;
use crate::crew::roster::failed;
use crate::crew::wire::{TOO_LONG, ToWorker, put};
use crate::messages::{AttemptId, Order};

/// Messages that go out in one write.
const BATCH: usize = 256;

/// Writes what there is, many messages at a time.
pub(super) async fn deliver(
    shared: Arc<Shared>,
    id: u64,
    mut letters: mpsc::UnboundedReceiver<ToWorker>,
    mut to: OwnedWriteHalf,
) {
    let mut batch = Vec::with_capacity(BATCH);
    let mut bytes = Vec::new();
    let mut keyring = Keyring::default();
    while letters.recv_many(&mut batch, BATCH).await > 0 {
        bytes.clear();
        for mut message in batch.drain(..) {
            let written = match &mut message {
                ToWorker::Order(places, order) => {
                    keyring.take_from(order, &mut bytes).map(|it| *places = it)
                }
                _ => Ok(()),
            };
            match written.and_then(|()| put(&message, &mut bytes)) {
                Ok(true) => {}
                Ok(false) => return_to_sender(&shared, id, message).await,
                Err(error) => {
                    // It would wait for ever for what is missing; without a line it ends.
                    tracing::error!(%error, "failed to write a message to a worker");
                    return;
                }
            }
        }
        if let Err(error) = to.write_all(&bytes).await {
            // Its end is noticed, and told, where its reports come in.
            tracing::debug!(%error, "worker does not listen any more");
            return;
        }
    }
}

/// A message is too long to be sent: whoever waits for what comes of it hears so.
async fn return_to_sender(shared: &Shared, id: u64, message: ToWorker) {
    tracing::error!(worker = id, "a message to a worker is too long");
    match message {
        ToWorker::Call(number, _) => {
            let error = Error::new(ErrorKind::Invalid, format!("ask a worker: {TOO_LONG}"));
            shared.roster.lock().answered(id, number, Err(error));
        }
        ToWorker::Order(_, Order::Start(spec)) => refuse(shared, spec.attempt).await,
        ToWorker::Order(_, Order::Delete(spec)) => refuse(shared, spec.attempt).await,
        // Without a setup it says nothing, and is ended for that. The others are short.
        ToWorker::Setup(_)
        | ToWorker::Credential(..)
        | ToWorker::Order(..)
        | ToWorker::Forget(_)
        | ToWorker::Ping(_)
        | ToWorker::Leave => {}
    }
}

async fn refuse(shared: &Shared, attempt: AttemptId) {
    let text = format!("hand it to a worker: {TOO_LONG}");
    let fault = Fault::new(Scope::General, Phase::Service, EINVAL, text);
    over(shared, failed(attempt, fault)).await;
}
