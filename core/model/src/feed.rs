//! Reading what happened, in the order in which it became durable: a port that a store implements.
//!
//! A reader has a [`Position`] and asks for what comes after it. Readers that must not miss
//! anything are *held*: the store remembers how far each of them is, by name, over restarts, and
//! keeps what it has not acknowledged, within limits. A reader that is not held may find that what
//! comes next is gone; it is told so and goes on with what there is.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::events::{AttemptEnded, FileMoved, JobMoved};
use crate::ports::StoreError;
use crate::{EvolutionRow, Job, Transfer};

/// A place between two events. Later places compare greater.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Position {
    /// File of the journal.
    pub segment: u64,
    /// Where in the file.
    pub offset: u64,
    /// Events from there on that are done.
    pub done: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{:x}-{:x}", self.segment, self.offset, self.done)
    }
}

impl FromStr for Position {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.trim().split('-');
        let mut next = || parts.next().ok_or(());
        let (segment, offset, done) = (next()?, next()?, next()?);
        if parts.next().is_some() {
            return Err(());
        }
        let number = |text: &str| u64::from_str_radix(text, 16).map_err(|_| ());
        Ok(Self {
            segment: number(segment)?,
            offset: number(offset)?,
            done: u32::try_from(number(done)?).map_err(|_| ())?,
        })
    }
}

/// Something that happened, with the rows as they were when it became durable.
#[derive(Clone, Debug)]
pub enum Happened {
    /// A transfer came with a new job.
    Submitted {
        /// The job.
        job: Arc<Job>,
        /// The transfer.
        file: Arc<Transfer>,
    },
    /// A job was taken.
    Taken {
        /// The job.
        job: Arc<Job>,
    },
    /// A transfer is in another state.
    File {
        /// From where to where.
        moved: FileMoved,
        /// The transfer.
        file: Arc<Transfer>,
        /// The job, if its row changed, too.
        job: Option<Arc<Job>>,
    },
    /// An attempt is over.
    Attempt {
        /// How it went.
        ended: Box<AttemptEnded>,
        /// The transfer.
        file: Arc<Transfer>,
        /// The job, if its row changed, too.
        job: Option<Arc<Job>>,
    },
    /// A job is in another state.
    Job {
        /// Its state.
        moved: JobMoved,
        /// The job.
        job: Option<Arc<Job>>,
    },
    /// The optimizer decided on a link.
    Decided(EvolutionRow),
}

/// One event and where it stands.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The place after it: acknowledging this acknowledges the event.
    pub after: Position,
    /// What happened.
    pub what: Happened,
}

/// Some events, in order.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The events; there may be none although there is more to read.
    pub events: Vec<Recorded>,
    /// Where to go on.
    pub next: Position,
    /// Events before these are gone: they were not acknowledged in time, or nobody held them.
    pub gap: bool,
}

/// What happened, for whoever tells it outside.
#[async_trait]
pub trait EventFeed: Send + Sync {
    /// The place after all that is durable now.
    fn end(&self) -> Position;

    /// Events after a place, of about so many bytes of journal.
    async fn read(&self, from: Position) -> Result<Page, StoreError>;

    /// Returns when there is something after a place.
    async fn wait(&self, after: Position);

    /// Holds these readers and no others; gives where each one goes on. One that was not held
    /// before begins at the end.
    async fn hold(&self, readers: &[String]) -> Result<Vec<Position>, StoreError>;

    /// A reader that is held is done with everything before a place. Durable when it returns.
    async fn acknowledge(&self, reader: &str, position: Position) -> Result<(), StoreError>;

    /// Bytes that were given up since the start although a reader had not acknowledged them.
    fn given_up_bytes(&self) -> u64;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_written_and_read() {
        let place = Position {
            segment: 0x1f,
            offset: 24,
            done: 3,
        };
        assert_eq!(place.to_string(), "1f-18-3");
        assert_eq!(place.to_string().parse(), Ok(place));
        for wrong in ["", "1-2", "1-2-3-4", "x-1-1", "1-1-fffffffff"] {
            assert_eq!(wrong.parse::<Position>(), Err(()), "{wrong}");
        }
    }

    #[test]
    fn later_places_are_greater() {
        let place = |segment, offset, done| Position {
            segment,
            offset,
            done,
        };
        assert!(place(1, 500, 9) < place(2, 24, 0));
        assert!(place(2, 24, 0) < place(2, 24, 1));
        assert!(place(2, 24, 7) < place(2, 90, 0));
    }
}
