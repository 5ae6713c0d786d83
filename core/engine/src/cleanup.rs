//! Leaving nothing behind: after a failure, and between two ways.

use causeway_model::Fault;
use tokio::time::timeout;

use crate::attempt::{Attempt, EEXIST, Traces};

impl Attempt<'_> {
    /// Aborts what is open and removes what is ours at the destination. A failure to do so is
    /// only logged: the attempt has failed already, and for another reason.
    /// True when what arrived is kept for another attempt.
    pub(crate) async fn clean_up(&self, fault: &Fault, traces: &mut Traces) -> bool {
        self.revoke(traces).await;
        let kept = self.is_gone_on_with(fault, traces);
        if kept {
            self.suspend(traces).await;
        } else {
            self.abort(traces).await;
            self.discard().await;
        }
        if !traces.left_something {
            return kept;
        }
        if self.spec.params.disable_cleanup {
            self.info(|| "Clean-up is disabled: the destination stays as it is".to_owned());
            return kept;
        }
        // Somebody else's file.
        if fault.errno == EEXIST {
            return kept;
        }
        self.sweep(traces).await;
        kept
    }

    /// Removes what an attempt may have left under the final name.
    pub(crate) async fn sweep(&self, traces: &mut Traces) {
        self.abort(traces).await;
        self.revoke(traces).await;
        if !traces.left_something {
            return;
        }
        match timeout(self.patience(), self.destination.remove()).await {
            Ok(Ok(())) => {
                traces.left_something = false;
                self.info(|| "Removed what was left at the destination".to_owned());
            }
            Ok(Err(error)) => self.warn(|| format!("Cannot clean up the destination: {error}")),
            Err(_) => self.warn(|| "Cannot clean up the destination: timed out".to_owned()),
        }
    }

    async fn abort(&self, traces: &mut Traces) {
        let Some(sink) = traces.sink.take() else {
            return;
        };
        if timeout(self.patience(), sink.abort()).await.is_err() {
            self.warn(|| "Aborting the write timed out".to_owned());
        }
    }

    /// Ends the write so that another attempt can go on with it.
    async fn suspend(&self, traces: &mut Traces) {
        let Some(sink) = traces.sink.take() else {
            return;
        };
        match timeout(self.patience(), sink.suspend()).await {
            Ok(()) => self.info(|| "What arrived is kept for the next attempt".to_owned()),
            Err(_) => self.warn(|| "Suspending the write timed out".to_owned()),
        }
    }

    /// Gives the pin of a staged source back. A failure is only logged.
    pub(crate) async fn release_pin(&self) {
        let Some(token) = &self.spec.bringonline_token else {
            return;
        };
        let source = &self.source;
        let files = std::slice::from_ref(&source.url);
        let released = source.storage.release(&source.cx, token, files);
        match timeout(self.patience(), released).await {
            Ok(Ok(_)) => self.info(|| "Released the source's pin".to_owned()),
            Ok(Err(error)) => self.warn(|| format!("Cannot release the source's pin: {error}")),
            Err(_) => self.warn(|| "Cannot release the source's pin: timed out".to_owned()),
        }
    }
}
