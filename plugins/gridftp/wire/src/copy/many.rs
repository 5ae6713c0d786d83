//! Many files between one pair of servers: the commands of the next files are sent while one is
//! under way, so no server waits for us between two files.

use tokio::time::Instant;

use super::{CopyPlan, Side, either, end, keep_link, open};
use crate::data::Progress;
use crate::reply::Reply;
use crate::{Error, Result, Session};

/// Files whose commands are with the servers at the same time, at most.
pub const DEPTH: usize = 8;

/// Why a run of files ended early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// So many files, from the first on, are complete. Parts of those behind may be at the
    /// receiver.
    pub complete: usize,
    /// Which file failed, as far as it is known.
    pub failed: usize,
    /// Why.
    pub error: Error,
}

/// Copies files one behind the other, each whole: restart ranges and parts are not looked at.
/// Streams and buffers are those of the first. `done` hears of each file that is complete.
///
/// # Errors
/// With the first file that fails; both sessions are then to be dropped.
pub async fn copy_many(
    source: &mut Session,
    destination: &mut Session,
    plans: &[CopyPlan],
    done: &mut (dyn FnMut(usize) + Send),
) -> std::result::Result<(), Broken> {
    let Some(first) = plans.first() else {
        return Ok(());
    };
    let mut run = Run {
        plans,
        started: 0,
        sent: 0,
        received: 0,
        failed: None,
        done,
    };
    let outcome = async {
        open::connect(source, destination, first).await?;
        run.run(source, destination).await
    }
    .await;
    match outcome {
        Ok(()) => {
            keep_link(source, destination);
            Ok(())
        }
        Err(why) => Err(Broken {
            complete: run.complete(),
            failed: run.failed.unwrap_or(run.complete()),
            error: end::abandon(source, destination, why, &mut Progress::default()).await,
        }),
    }
}

struct Run<'a> {
    plans: &'a [CopyPlan],
    /// Files whose commands are with the servers.
    started: usize,
    /// Files that the sender is done with.
    sent: usize,
    /// Files that the receiver is done with.
    received: usize,
    /// Which file a server refused.
    failed: Option<usize>,
    done: &'a mut (dyn FnMut(usize) + Send),
}

impl Run<'_> {
    fn complete(&self) -> usize {
        self.sent.min(self.received)
    }

    async fn run(&mut self, source: &mut Session, destination: &mut Session) -> Result<()> {
        let stall = destination.options().stall;
        let mut deadline = Instant::now() + stall;
        while self.complete() < self.plans.len() {
            self.start(source, destination).await?;
            let (side, reply) = either(source, destination, deadline, stall).await?;
            if self.take(side, &reply)? {
                deadline = Instant::now() + stall;
            }
        }
        Ok(())
    }

    /// Sends the commands of the next files, the receiver's first.
    async fn start(&mut self, source: &mut Session, destination: &mut Session) -> Result<()> {
        let end = self.plans.len().min(self.complete() + DEPTH);
        if self.started >= end {
            return Ok(());
        }
        let plans = &self.plans[self.started..end];
        let (stores, retrieves): (Vec<String>, Vec<String>) =
            plans.iter().map(open::commands).unzip();
        self.started = end;
        send(destination, &stores)
            .await
            .map_err(|why| why.during(Side::Destination.what()))?;
        send(source, &retrieves)
            .await
            .map_err(|why| why.during(Side::Source.what()))
    }

    /// True when a file went on. Replies come in the order of the files.
    fn take(&mut self, side: Side, reply: &Reply) -> Result<bool> {
        if reply.is_preliminary() {
            return Ok(false);
        }
        if !reply.is_success() {
            self.failed = Some(match side {
                Side::Source => self.sent,
                Side::Destination => self.received,
            });
            return Err(reply.refusal(side.what()));
        }
        let before = self.complete();
        match side {
            Side::Source => self.sent += 1,
            Side::Destination => self.received += 1,
        }
        if self.complete() > before {
            (self.done)(before);
        }
        Ok(true)
    }
}

async fn send(session: &mut Session, commands: &[String]) -> Result<()> {
    let lines: Vec<&str> = commands.iter().map(String::as_str).collect();
    session.send(&lines).await
}
