//! Bytes from us: gathered into parts that go out beside each other where the service takes that,
//! and become a file all at once.
//!
//! # Invariants
//! - At most [`Plan::parallel`] parts are on their way and one is being filled, whatever the size
//!   (`memory_is_bounded`).
//! - A file that fits one part is one request. What is left of a write that was given up is
//!   removed, as far as the service lets it (`nothing_is_left_of_a_write_given_up`).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use causeway_sdk::{Error, ErrorKind, Result, WriteBody, WriteOptions, Written};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::backend::{Backend, Put, Upload};
use crate::config::Config;
use crate::error::{at, internal};
use crate::exchange::Pieces;
use crate::parts::Plan;
use crate::settling::{Last, Patience, settle};
use crate::sums::{Summed, Sums};

/// How long parts on their way may take to end when a write is given up. What the service has of
/// them already it would keep after everything else was removed.
const GRACE: Duration = Duration::from_secs(10);

/// A file being written to a cloud.
pub struct CloudWrite {
    upload: Arc<dyn Upload>,
    what: String,
    options: WriteOptions,
    plan: Plan,
    sums: Option<Sums>,
    filling: Pieces,
    /// Where the part that is being filled begins.
    start: u64,
    number: u64,
    running: JoinSet<Result<()>>,
    /// There may be parts to remove.
    is_open: bool,
    patience: Patience,
    /// How long parts on their way may take to end when a write is given up.
    grace: Duration,
    runtime: Handle,
}

/// Opens a file for writing.
pub(crate) async fn open(
    backend: &dyn Backend,
    config: &Config,
    what: String,
    options: WriteOptions,
) -> Result<CloudWrite> {
    let upload = backend.upload(&options).await?;
    Ok(CloudWrite {
        plan: Plan::new(options.size, config, upload.is_parallel()),
        sums: Some(Sums::new(upload.wants(), options.expect.as_ref())),
        upload,
        what,
        options,
        filling: Pieces::default(),
        start: 0,
        number: 0,
        running: JoinSet::new(),
        is_open: false,
        patience: Patience {
            attempts: config.attempts,
            longest_pause: config.longest_pause(),
        },
        grace: GRACE,
        runtime: Handle::current(),
    })
}

impl CloudWrite {
    fn end(&self) -> u64 {
        self.start + self.filling.len
    }

    /// Sends the part that is full, when there is room for it among those on their way.
    async fn send_part(&mut self) -> Result<()> {
        let most = self.plan.parallel(self.filling.len);
        while self.running.len() >= most {
            self.join_one().await?;
        }
        let (number, offset) = (self.number, self.start);
        self.start = self.end();
        self.number += 1;
        self.is_open = true;
        let data = std::mem::take(&mut self.filling);
        let upload = Arc::clone(&self.upload);
        self.running
            .spawn(async move { upload.part(number, offset, data).await });
        Ok(())
    }

    async fn join_one(&mut self) -> Result<()> {
        match self.running.join_next().await {
            Some(Ok(outcome)) => outcome,
            Some(Err(source)) => Err(internal("write a part", source)),
            None => Ok(()),
        }
    }

    async fn finish(&mut self) -> Result<Written> {
        let end = self.end();
        if let Some(size) = self.options.size.filter(|size| *size != end) {
            let why = format!("{size} bytes were announced, {end} came");
            return Err(at(ErrorKind::Invalid, "write", &self.what, &why));
        }
        while !self.running.is_empty() {
            self.join_one().await?;
        }
        let sums = self.sums.take().map(Sums::finish).unwrap_or_default();
        sums.check(self.options.expect.as_ref(), &self.what)?;
        let last = Last {
            number: self.number,
            offset: self.start,
            data: std::mem::take(&mut self.filling),
        };
        let put = settle(&*self.upload, self.patience, last, &sums, &self.what).await?;
        self.is_open = false;
        self.compare(&put, &sums, end).await?;
        Ok(Written {
            bytes: end,
            ..put.written
        })
    }

    /// What arrived must be what was sent.
    async fn compare(&self, put: &Put, sums: &Summed, sent: u64) -> Result<()> {
        let arrived = put.written.bytes;
        let outcome = match sums.compare(put, &self.what) {
            Ok(()) if arrived != sent => {
                let why = format!("{sent} bytes were sent, {arrived} arrived");
                Err(at(ErrorKind::Integrity, "write", &self.what, &why))
            }
            outcome => outcome,
        };
        let Err(error) = outcome else {
            return Ok(());
        };
        Err(match self.upload.undo(put).await {
            Ok(()) => error,
            Err(why) => error.with("left_behind", why),
        })
    }

    /// Ends what runs and removes what it left.
    async fn give_up(&mut self) {
        if std::mem::take(&mut self.is_open) {
            let running = std::mem::take(&mut self.running);
            discard(&*self.upload, running, self.grace).await;
        }
    }
}

/// Lets parts on their way end, and removes what all of them left.
async fn discard(upload: &dyn Upload, mut running: JoinSet<Result<()>>, grace: Duration) {
    let ended = async { while running.join_next().await.is_some() {} };
    if tokio::time::timeout(grace, ended).await.is_err() {
        running.shutdown().await;
    }
    upload.discard().await;
}

impl WriteBody for CloudWrite {
    async fn write(&mut self, offset: u64, mut chunk: Bytes) -> Result<()> {
        let end = offset.saturating_add(chunk.len() as u64);
        let is_too_much = self.options.size.is_some_and(|size| end > size);
        if offset != self.end() || is_too_much {
            let why = "bytes out of place";
            return Err(at(ErrorKind::Invalid, "write", &self.what, why));
        }
        if let Some(sums) = &mut self.sums {
            sums.update(&chunk);
        }
        while !chunk.is_empty() {
            let part = self.plan.part(self.number);
            // The last part waits for the commit, so a full one goes when more comes.
            if self.filling.len == part {
                self.send_part().await?;
                continue;
            }
            let room = usize::try_from(part - self.filling.len).unwrap_or(usize::MAX);
            let rest = chunk.split_off(chunk.len().min(room));
            self.filling.push(std::mem::replace(&mut chunk, rest));
        }
        Ok(())
    }

    async fn commit(mut self) -> Result<Written> {
        let outcome: Result<Written, Error> = self.finish().await;
        if outcome.is_err() {
            self.give_up().await;
        }
        outcome
    }

    async fn abort(mut self) {
        self.give_up().await;
    }
}

impl Drop for CloudWrite {
    fn drop(&mut self) {
        if !self.is_open {
            return;
        }
        let upload = Arc::clone(&self.upload);
        let (running, grace) = (std::mem::take(&mut self.running), self.grace);
        self.runtime
            .spawn(async move { discard(&*upload, running, grace).await });
    }
}

#[cfg(test)]
#[path = "writer_tests.rs"]
mod tests;
