//! Calls that the server makes through a worker: which one is asked, for how long, and what is
//! done when it is lost on the way.

use std::sync::Arc;
use std::time::Duration;

use causeway_sdk::{Error, ErrorKind, Result, Retry};
use tokio::time::{Instant, timeout};

use super::Shared;
use crate::attempt::EINTR;
use crate::crew::call::{Answer, Call};
use crate::crew::loss::{Loss, Part};
use crate::crew::roster::Outcome;

/// Workers that a call which only looks may lose.
const ASKED_AGAIN: u32 = 2;
/// The same while others were to blame.
const INNOCENT_AGAIN: u32 = 8;
/// Longest wait of a call for a worker.
const PATIENCE: Duration = Duration::from_secs(30);

impl Shared {
    /// Makes a call, by whatever worker there is.
    pub(in crate::crew) async fn call(self: &Arc<Self>, call: Call) -> Result<Answer> {
        let patience = call.left.unwrap_or(PATIENCE);
        let turn = timeout(patience, self.calls.acquire()).await;
        let Ok(Ok(_turn)) = turn else {
            return Err(Error::new(ErrorKind::Busy, "ask a worker: all are busy"));
        };
        let mut lost = 0;
        loop {
            if let Some(text) = self.roster.lock().refusal(&call.scheme) {
                return Err(Error::new(ErrorKind::Busy, text));
            }
            match self.ask(call.clone(), patience).await? {
                Ok(answer) => return answer,
                Err(loss) if call.ask.only_looks() && lost < times(&loss) => {
                    lost += 1;
                    tracing::debug!(how = loss.how, "worker was lost, another one is asked");
                }
                Err(loss) => return Err(died(&loss)),
            }
        }
    }

    async fn ask(self: &Arc<Self>, call: Call, patience: Duration) -> Result<Outcome> {
        let until = Instant::now() + patience.min(PATIENCE);
        let mut changed = self.changed.subscribe();
        let (id, number, answered) = loop {
            // Seen before the look, so that a worker that comes in between is not missed.
            changed.mark_unchanged();
            if let Some(asked) = self.roster.lock().ask(call.clone()) {
                break asked;
            }
            let news = tokio::time::timeout_at(until, changed.changed()).await;
            if !matches!(news, Ok(Ok(()))) {
                let text = "ask a worker: none can work now";
                return Err(Error::new(ErrorKind::Busy, text));
            }
        };
        let _asked = InFlight {
            shared: self,
            id,
            number,
        };
        match answered.await {
            Ok(outcome) => Ok(outcome),
            Err(_) => Err(Error::new(
                ErrorKind::Canceled,
                "ask a worker: the gateway stops",
            )),
        }
    }
}

/// A call that somebody waits for; when nobody does any more the worker hears so.
struct InFlight<'a> {
    shared: &'a Arc<Shared>,
    id: u64,
    number: u64,
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        // Does nothing once the answer has come.
        self.shared.roster.lock().forget(self.id, self.number);
    }
}

/// Workers that may be lost before a call is given up.
fn times(loss: &Loss) -> u32 {
    match loss.part {
        Part::Bystander => INNOCENT_AGAIN,
        Part::Unknown | Part::Suspect => ASKED_AGAIN,
    }
}

fn died(loss: &Loss) -> Error {
    let text = format!(
        "ask the storage: the process of the plugin died with: {}",
        loss.how
    );
    Error::new(ErrorKind::Internal, text)
        .with_errno(EINTR)
        .with_retry(Retry::Soon)
}
