//! The request that makes a file of what was sent. When its answer is lost, nobody knows whether the
//! file is there: so that is looked at before it is sent again, and before the write counts as failed.
//!
//! # Invariants
//! - A write that came through counts as one, whatever became of the answer
//!   (`a_lost_answer_is_not_a_lost_file`).
//! - What was there before is taken for ours only after we were let try
//!   (`what_somebody_else_wrote_is_not_ours`).

use std::time::Duration;

use causeway_sdk::{Error, ErrorKind, Result, Retry};

use crate::backend::{Put, Upload};
use crate::exchange::{Pieces, own_pause};
use crate::sums::Summed;

/// How long a service is put up with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    pub(crate) attempts: u32,
    pub(crate) longest_pause: Duration,
}

/// What is left to send: the last part, or all when there is no other.
pub(crate) struct Last {
    pub(crate) number: u64,
    pub(crate) offset: u64,
    pub(crate) data: Pieces,
}

impl Last {
    fn end(&self) -> u64 {
        self.offset + self.data.len
    }

    async fn send(&self, upload: &dyn Upload, sums: &Summed) -> Result<Put> {
        let data = self.data.clone();
        match self.number {
            0 => upload.whole(data, sums).await,
            number => upload.finish(number, self.offset, data, sums).await,
        }
    }
}

/// Makes the file.
pub(crate) async fn settle(
    upload: &dyn Upload,
    patience: Patience,
    last: Last,
    sums: &Summed,
    what: &str,
) -> Result<Put> {
    let (mut attempt, mut may_be_there) = (1, false);
    loop {
        let error = match last.send(upload, sums).await {
            Ok(put) => return Ok(put),
            Err(error) => error,
        };
        let wait = pause(&error, attempt).filter(|it| *it <= patience.longest_pause);
        may_be_there |= is_unanswered(&error);
        if may_be_there && let Some(put) = ours(upload, &last, sums, what).await {
            return Ok(put);
        }
        let Some(wait) = wait.filter(|_| attempt < patience.attempts) else {
            return Err(error);
        };
        tokio::time::sleep(wait).await;
        attempt += 1;
    }
}

/// The file that is there, if it is what was sent.
async fn ours(upload: &dyn Upload, last: &Last, sums: &Summed, what: &str) -> Option<Put> {
    // When that cannot be asked either, the first failure is the one to tell.
    let found = upload.arrived().await.ok().flatten();
    found.filter(|it| it.written.bytes == last.end() && sums.is_same(it, what))
}

/// Whether the service may have done it although it did not say so.
fn is_unanswered(error: &Error) -> bool {
    let kinds = [ErrorKind::Network, ErrorKind::Timeout, ErrorKind::Remote];
    kinds.contains(&error.kind())
}

/// How long to wait before the next attempt; `None` when there is no use in one.
fn pause(error: &Error, attempt: u32) -> Option<Duration> {
    let is_passing =
        is_unanswered(error) || [ErrorKind::Busy, ErrorKind::Throttled].contains(&error.kind());
    match error.retry() {
        _ if !is_passing => None,
        Retry::Never => None,
        Retry::After(wait) => Some(wait),
        _ => Some(own_pause(attempt)),
    }
}
