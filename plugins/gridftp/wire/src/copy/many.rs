//! Many files between one pair of servers: the commands of the next files are sent while one is
//! under way, so no server waits for us between two files.

use tokio::time::Instant;

use super::{CopyPlan, News, Side, either, end, keep_link, open};
use crate::data::{Marker, Progress};
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
/// Streams and buffers are those of the first. `report` hears how each goes on.
///
/// # Errors
/// With the first file that fails; both sessions are then to be dropped.
pub async fn copy_many(
    source: &mut Session,
    destination: &mut Session,
    plans: &[CopyPlan],
    report: &mut (dyn FnMut(usize, News<'_>) + Send),
) -> std::result::Result<(), Broken> {
    let Some(first) = plans.first() else {
        return Ok(());
    };
    let mut run = Run {
        plans,
        started: 0,
        sent: 0,
        told: Vec::new(),
        turn: Turn::default(),
        failed: None,
        report,
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
            error: end::abandon(source, destination, why, &mut run).await,
        }),
    }
}

struct Run<'a> {
    plans: &'a [CopyPlan],
    /// Files whose commands are with the servers.
    started: usize,
    /// Files that the sender is done with.
    sent: usize,
    /// Files that the receiver is done with: what it told of their sizes.
    told: Vec<Option<u64>>,
    /// The one that it is at.
    turn: Turn,
    /// Which file a server refused.
    failed: Option<usize>,
    report: &'a mut (dyn FnMut(usize, News<'_>) + Send),
}

/// The file that a receiver is at, which takes them in the order of the commands.
#[derive(Default)]
struct Turn {
    number: usize,
    has_begun: bool,
    markers: Progress,
    /// A marker said what cannot be: none of them counts.
    is_odd: bool,
}

impl Turn {
    /// True when the file has begun with this.
    fn hear(&mut self, reply: &Reply) -> bool {
        if let 111 | 112 = reply.code() {
            let marker = Marker::parse(reply.code(), &reply.text());
            let added = marker.and_then(|it| self.markers.add(&it));
            self.is_odd |= added.is_err();
        }
        !std::mem::replace(&mut self.has_begun, true)
    }

    /// Goes on to the next one. Answers with the size of this one, if it was told.
    fn end(&mut self) -> Option<u64> {
        let told = self.markers.whole().filter(|_| !self.is_odd);
        *self = Self {
            number: self.number + 1,
            ..Self::default()
        };
        told
    }
}

impl Run<'_> {
    fn complete(&self) -> usize {
        self.sent.min(self.told.len())
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
        for number in self.started..end {
            (self.report)(number, News::Asked);
        }
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
        let before = self.complete();
        let is_unopened = side == Side::Destination && !self.turn.has_begun;
        if is_unopened && reply.code() >= 300 {
            (self.report)(self.turn.number, News::Refused);
        }
        match side {
            Side::Source if reply.is_success() => self.sent += 1,
            Side::Destination => end::Witness::hear(self, reply),
            Side::Source => {}
        }
        if reply.is_preliminary() {
            return Ok(false);
        }
        if !reply.is_success() {
            self.failed = Some(match side {
                Side::Source => self.sent,
                Side::Destination => self.told.len(),
            });
            return Err(reply.refusal(side.what()));
        }
        if self.complete() > before {
            (self.report)(before, News::Complete(self.told[before]));
        }
        Ok(true)
    }
}

impl end::Witness for Run<'_> {
    fn hear(&mut self, reply: &Reply) {
        if self.turn.number >= self.started {
            return;
        }
        if reply.is_preliminary() {
            if self.turn.hear(reply) {
                (self.report)(self.turn.number, News::Begun);
            }
            return;
        }
        let told = self.turn.end();
        if reply.is_success() {
            self.told.push(told);
        }
    }

    fn is_in_doubt(&self) -> bool {
        self.turn.number < self.started && !self.turn.has_begun
    }
}

async fn send(session: &mut Session, commands: &[String]) -> Result<()> {
    let lines: Vec<&str> = commands.iter().map(String::as_str).collect();
    session.send(&lines).await
}
