//! Third-party copy: two servers move a file between them; only commands and markers pass here.
//!
//! The receiver listens, the sender connects (blocks with offsets work that way round only). What
//! fails first is told; the other side is aborted. A broken copy can be taken up again with the
//! ranges that its markers named.
//!
//! # Invariants
//! - A copy succeeded when both servers said so, and in no other case. A success that follows an
//!   abort is none.
//! - After a failure neither session is idle, unless its server had said its last word.

mod end;
mod many;
mod open;

pub(crate) use end::stop;
pub use many::{Broken, DEPTH, copy_many};

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::data::{Marker, Progress, Ranges};
use crate::reply::Reply;
use crate::{Error, ErrorKind, Result, Session};

/// A part of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// First byte, the same at both ends.
    pub offset: u64,
    /// Number of bytes.
    pub length: u64,
}

/// What to copy.
#[derive(Debug, Clone, Default)]
pub struct CopyPlan {
    /// Name at the sender.
    pub source: String,
    /// Name at the receiver.
    pub destination: String,
    /// Size of the whole file, when known.
    pub size: Option<u64>,
    /// Parallel connections; at least one is used.
    pub streams: u32,
    /// What the receiver has already, from the markers of a broken copy.
    pub done: Ranges,
    /// One part of the file, instead of all of it.
    pub part: Option<Part>,
    /// All stripes of servers that have several.
    pub striped: bool,
    /// Size of the servers' socket buffers; `None` leaves it to them.
    pub buffer: Option<u32>,
}

/// What a copy tells while it runs.
#[derive(Debug)]
pub enum News<'a> {
    /// The receiver is told to store the file. It may have opened it from here on, without saying so.
    Asked,
    /// The receiver refused the file before it had opened it.
    Refused,
    /// The receiver said that it has opened the file: what stands there is this copy's.
    Begun,
    /// A marker came; this is what they say together.
    Marker(&'a Progress),
    /// Both servers are done with the file, of which the receiver told how many bytes it wrote, if it did.
    Complete(Option<u64>),
}

/// Copies one file. `report` hears how it goes on.
///
/// When it fails, `progress` holds what the receiver has; dropping the future closes nothing by
/// itself: drop the sessions, which makes the servers stop.
///
/// # Errors
/// Of the network, of either server, and [`ErrorKind::TimedOut`] when nothing moves any more.
pub async fn copy(
    source: &mut Session,
    destination: &mut Session,
    plan: &CopyPlan,
    progress: &mut Progress,
    report: &mut (dyn FnMut(News<'_>) + Send),
) -> Result<()> {
    let mut watch = Watch {
        progress,
        report,
        has_asked: false,
        begun: Begun::default(),
    };
    let outcome = async {
        open::connect(source, destination, plan).await?;
        watch.has_asked = true;
        (watch.report)(News::Asked);
        open::start(source, destination, plan).await?;
        watch.run(source, destination).await
    }
    .await;
    match outcome {
        Ok(()) => {
            keep_link(source, destination);
            // Markers of one part do not tell of the others.
            let is_whole = plan.done.is_empty() && plan.part.is_none();
            let told = watch.progress.whole().filter(|_| is_whole);
            (watch.report)(News::Complete(told));
            Ok(())
        }
        Err(why) => Err(end::abandon(source, destination, why, &mut watch).await),
    }
}

/// Data connections stay up after a file; the next one of this pair goes over them.
fn keep_link(source: &mut Session, destination: &mut Session) {
    static LINKS: AtomicU64 = AtomicU64::new(1);
    if source.link.is_none() || source.link != destination.link {
        let link = Some(LINKS.fetch_add(1, Ordering::Relaxed));
        source.link = link;
        destination.link = link;
    }
}

/// Which of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Source,
    Destination,
}

impl Side {
    pub(crate) fn what(self) -> &'static str {
        match self {
            Self::Source => "send from the source",
            Self::Destination => "receive at the destination",
        }
    }
}

/// The next reply of either side, before a deadline that is `stall` away from the last progress. A
/// side that has nothing more to say is not waited for.
async fn either(
    source: &mut Session,
    destination: &mut Session,
    deadline: Instant,
    stall: Duration,
) -> Result<(Side, Reply)> {
    let too_late = || Err(Error::timed_out("copy between servers", stall));
    // One that talks without pause leaves no moment for the timer.
    if Instant::now() >= deadline {
        return too_late();
    }
    // Much longer than the limit around it, which counts: sessions that are in order can still be
    // told to stop.
    let limit = stall.saturating_mul(4);
    let (source_owes, destination_owes) = (source.owes(), destination.owes());
    let next = async {
        tokio::select! {
            said = destination.next_reply(limit), if destination_owes => (Side::Destination, said),
            said = source.next_reply(limit), if source_owes => (Side::Source, said),
        }
    };
    let Ok((side, said)) = tokio::time::timeout_at(deadline, next).await else {
        return too_late();
    };
    said.map(|reply| (side, reply))
        .map_err(|why| why.during(side.what()))
}

/// A running copy.
struct Watch<'a> {
    progress: &'a mut Progress,
    report: &'a mut (dyn FnMut(News<'_>) + Send),
    /// The commands that start it may be with the servers.
    has_asked: bool,
    begun: Begun,
}

/// Which side has said that it begins. It says so once; saying it again moves nothing.
#[derive(Debug, Default)]
struct Begun {
    source: bool,
    destination: bool,
}

impl Begun {
    /// True for the first time.
    fn note(&mut self, side: Side) -> bool {
        let has_begun = match side {
            Side::Source => &mut self.source,
            Side::Destination => &mut self.destination,
        };
        !std::mem::replace(has_begun, true)
    }
}

impl Watch<'_> {
    /// Waits until both servers have said their last word.
    async fn run(&mut self, source: &mut Session, destination: &mut Session) -> Result<()> {
        let stall = destination.options().stall;
        let mut deadline = Instant::now() + stall;
        while source.owes() || destination.owes() {
            let (side, reply) = either(source, destination, deadline, stall).await?;
            if self.take(side, &reply)? {
                deadline = Instant::now() + stall;
            }
        }
        Ok(())
    }

    /// True for a sign of life: an end, a beginning, a marker of more bytes.
    fn take(&mut self, side: Side, reply: &Reply) -> Result<bool> {
        let begins = reply.is_preliminary() && self.begun.note(side);
        if begins && side == Side::Destination {
            (self.report)(News::Begun);
        }
        match reply.code() {
            111 | 112 if side == Side::Destination => self.marker(reply),
            111 | 112 => Ok(false),
            _ if reply.is_preliminary() => Ok(begins),
            _ if reply.is_success() => Ok(true),
            _ => {
                if side == Side::Destination && !self.begun.destination {
                    (self.report)(News::Refused);
                }
                Err(reply.refusal(side.what()))
            }
        }
    }

    fn marker(&mut self, reply: &Reply) -> Result<bool> {
        let before = self.progress.known();
        self.progress
            .add(&Marker::parse(reply.code(), &reply.text())?)?;
        (self.report)(News::Marker(self.progress));
        Ok(before != self.progress.known())
    }
}

impl end::Witness for Watch<'_> {
    fn hear(&mut self, reply: &Reply) {
        // It has failed already: what it says now is only noted, and no refusal but the end of what it was told.
        if self.has_asked && reply.is_preliminary() {
            drop(self.take(Side::Destination, reply));
        }
    }

    fn is_in_doubt(&self) -> bool {
        self.has_asked && !self.begun.destination
    }
}

/// True for failures that say what is wrong, and not only that something broke.
fn is_telling(kind: ErrorKind) -> bool {
    !matches!(
        kind,
        ErrorKind::Io | ErrorKind::Refused | ErrorKind::TimedOut | ErrorKind::Tls
    )
}
