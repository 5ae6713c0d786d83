//! What happens on links, told to their windows: for the optimizer, for limits of throughput, and for
//! those who ask when a transfer will start.
//!
//! A link is measured from the moment something is queued on it until nothing has happened on it for
//! a while, whether an optimizer decides or not. Knows no decision.

use std::collections::BTreeMap;
use std::sync::Arc;

use causeway_model::explain::Side;
use causeway_model::{FileId, Timestamp, Transfer};

use crate::dispatcher::Dispatcher;
use crate::introduced::Pair;
use crate::optimizer::window::{Ended, Waiting};
use crate::retry;

const MIB: f64 = 1_048_576.0;

/// The link of a transfer.
fn link(row: &Transfer) -> Pair {
    (Arc::clone(&row.source_se), Arc::clone(&row.dest_se))
}

impl Dispatcher {
    /// Transfers that finish on the link of this one in a second, when any did lately.
    pub(crate) fn link_rate(&self, row: &Transfer) -> Option<f64> {
        self.tuning.window(&link(row))?.finish_rate(self.now)
    }

    /// Tells the scheduler what storages with a limit of throughput move.
    pub(crate) fn report_throughput(&mut self) {
        let mut flows: BTreeMap<(Arc<str>, Side), f64> = BTreeMap::new();
        for ((source, destination), window) in self.tuning.windows() {
            let moves = window.active_throughput(self.now) / MIB;
            for (storage, side) in [(source, Side::Outbound), (destination, Side::Inbound)] {
                *flows.entry((Arc::clone(storage), side)).or_default() += moves;
            }
        }
        for ((storage, side), moves) in flows {
            self.scheduler.report_throughput(&storage, side, moves);
        }
    }

    /// An attempt at a transfer begins to move bytes.
    pub(crate) fn measure_start(&mut self, file: FileId) {
        let Some(row) = self.board.file(file).map(|it| Arc::clone(&it.row)) else {
            return;
        };
        let waiting = self.waiting(&row);
        let now = self.now;
        let size = row.filesize.unwrap_or(row.user_filesize);
        if let Some(window) = self.tuning.window_mut(&link(&row)) {
            window.started(now, file, size, waiting);
        }
    }

    /// Bytes moved.
    pub(crate) fn measure_progress(&mut self, file: FileId, bytes: u64) {
        let Some(row) = self.board.file(file).map(|it| Arc::clone(&it.row)) else {
            return;
        };
        let now = self.now;
        if let Some(window) = self.tuning.window_mut(&link(&row)) {
            window.progressed(now, file, bytes, row.filesize.unwrap_or(0));
        }
    }

    /// An attempt ended.
    pub(crate) fn measure_end(&mut self, row: &Transfer, how: Ended) {
        let now = self.now;
        if let Some(window) = self.tuning.window_mut(&link(row)) {
            window.ended(now, row.file_id, how);
        }
    }

    /// A transfer that waited for its next attempt ended without one.
    pub(crate) fn measure_given_up(&mut self, row: &Transfer) {
        if let Some(waiting) = self.waiting(row)
            && let Some(window) = self.tuning.window_mut(&link(row))
        {
            window.waits_no_more(waiting);
        }
    }

    /// Since when a transfer waited for this attempt, if it is not its first.
    fn waiting(&self, row: &Transfer) -> Option<Waiting> {
        let due = row.retry_timestamp.filter(|_| row.retry > 0)?;
        let job = &self.board.job(row.job_id)?.job;
        let delay = retry::delay(self.retry_defaults(job), job).as_millis();
        let delay = i64::try_from(delay).unwrap_or(i64::MAX);
        Some(Waiting {
            since: Timestamp(due.0.saturating_sub(delay)),
            retry: row.retry,
        })
    }
}
