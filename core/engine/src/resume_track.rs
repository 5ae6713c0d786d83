//! How far a streamed transfer has come, piece by piece, while it runs: which pieces need not move
//! again, and what is written into the ledger when one more has arrived.
//!
//! A file is cut into pieces of one size; the cut of an earlier attempt stays in force. Knows no
//! storage and decides nothing: that is `resume_attempt`'s.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use causeway_sdk::Opened;
use parking_lot::Mutex;

use crate::resume::{Contents, Header, Ledger, Note};

/// Most pieces of one file: a storage may claim any size, and each piece takes memory. With pieces
/// of 64 MiB that is 64 TiB; larger files move in order.
pub(crate) const MOST_PIECES: u64 = 1 << 20;

/// One summed-up piece.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece {
    pub(crate) index: u64,
    pub(crate) adler: u32,
    pub(crate) len: u64,
}

/// The pieces of one transfer.
#[derive(Debug)]
pub(crate) struct Track {
    pub(crate) header: Header,
    /// Pieces that are at the destination already, verified.
    done: BTreeMap<u64, u32>,
    /// What the source said when it was first opened.
    version: Mutex<Option<String>>,
    /// The source is another one by now, so nothing of this is of use.
    spoiled: AtomicBool,
    ledger: Arc<Mutex<Option<Ledger>>>,
}

impl Track {
    /// Begins with what is there already.
    pub(crate) async fn begin(path: PathBuf, contents: Contents) -> Self {
        let Contents {
            header,
            version,
            pieces,
        } = contents.clone();
        let ledger = tokio::task::spawn_blocking(move || Ledger::create(&path, &contents));
        let ledger = match ledger.await {
            Ok(Ok(ledger)) => Some(ledger),
            Ok(Err(error)) => failed(&error),
            Err(error) => failed(&error),
        };
        Self {
            header,
            done: pieces,
            version: Mutex::new(version),
            spoiled: AtomicBool::new(false),
            ledger: Arc::new(Mutex::new(ledger)),
        }
    }

    pub(crate) fn range(&self) -> u64 {
        self.header.range
    }

    /// True when nothing is there yet.
    pub(crate) fn is_fresh(&self) -> bool {
        self.done.is_empty()
    }

    /// Numbers of the pieces that must move.
    pub(crate) fn missing(&self) -> Vec<u64> {
        let count = self.header.size.div_ceil(self.header.range);
        let done = |index: &u64| self.done.contains_key(index);
        (0..count).filter(|index| !done(index)).collect()
    }

    /// The same as unbroken stretches of bytes.
    pub(crate) fn gaps(&self) -> Vec<Range<u64>> {
        let mut gaps: Vec<Range<u64>> = Vec::new();
        for index in self.missing() {
            let bytes = bytes_of(&self.header, index);
            match gaps.last_mut() {
                Some(last) if last.end == bytes.start => last.end = bytes.end,
                _ => gaps.push(bytes),
            }
        }
        gaps
    }

    /// Pieces that were there at the beginning.
    pub(crate) fn earlier(&self) -> impl Iterator<Item = Piece> {
        self.done.iter().map(|(index, adler)| {
            let bytes = bytes_of(&self.header, *index);
            Piece {
                index: *index,
                adler: *adler,
                len: bytes.end - bytes.start,
            }
        })
    }

    /// Notes what was opened; false when pieces of another file would come.
    pub(crate) async fn opened(&self, source: &Opened) -> bool {
        let other_size = source.size.is_some_and(|size| size != self.header.size);
        let (first, same) = match &source.etag {
            None => (None, true),
            Some(now) => {
                let mut version = self.version.lock();
                match &*version {
                    Some(then) => (None, then == now),
                    None => (version.insert(now.clone()).clone().into(), true),
                }
            }
        };
        if let Some(version) = first {
            self.note(Note::Version(version)).await;
        }
        let fits = same && !other_size;
        self.spoiled.fetch_or(!fits, Ordering::Relaxed);
        fits
    }

    /// True when nobody can go on with this.
    pub(crate) fn is_spoiled(&self) -> bool {
        self.spoiled.load(Ordering::Relaxed)
    }

    /// Notes that the destination took a piece.
    pub(crate) async fn arrived(&self, piece: Piece) {
        self.note(Note::Piece(piece.index, piece.adler)).await;
    }

    /// Writes into the ledger. Without one the transfer goes on; only it cannot be taken up any
    /// more.
    async fn note(&self, note: Note) {
        let ledger = Arc::clone(&self.ledger);
        let append = move || {
            let mut ledger = ledger.lock();
            let appended = ledger.as_mut().map(|it| it.append(&note));
            if let Some(Err(error)) = appended {
                *ledger = failed(&error);
            }
        };
        if let Err(error) = tokio::task::spawn_blocking(append).await {
            tracing::warn!(%error, "failed to write a ledger");
        }
    }
}

fn failed(error: &impl std::fmt::Display) -> Option<Ledger> {
    tracing::warn!(%error, "failed to write a ledger");
    None
}

/// Which bytes a piece is.
pub(crate) fn bytes_of(header: &Header, index: u64) -> Range<u64> {
    let start = index.saturating_mul(header.range);
    start..start.saturating_add(header.range).min(header.size)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn track(size: u64, range: u64, done: &[u64]) -> Track {
        Track {
            header: Header {
                key: "k".into(),
                size,
                range,
            },
            done: done.iter().map(|it| (*it, 1)).collect(),
            version: Mutex::default(),
            spoiled: AtomicBool::default(),
            ledger: Arc::default(),
        }
    }

    #[test]
    fn gaps_are_what_is_missing_in_stretches() {
        assert_eq!(track(1000, 100, &[]).gaps(), vec![0..1000]);
        assert_eq!(track(950, 100, &[0, 1, 5]).gaps(), vec![200..500, 600..950]);
        assert!(track(200, 100, &[0, 1]).gaps().is_empty());
        assert_eq!(track(950, 100, &[0]).missing().len(), 9);
    }

    #[tokio::test]
    async fn another_version_spoils_it() {
        let opened = |size, etag: Option<&str>| Opened {
            size,
            etag: etag.map(str::to_owned),
        };
        let track = track(100, 60, &[0]);
        for same in [(None, None), (Some(100), Some("a")), (None, Some("a"))] {
            assert!(track.opened(&opened(same.0, same.1)).await);
        }
        assert!(!track.is_spoiled());
        assert!(!track.opened(&opened(Some(100), Some("b"))).await);
        assert!(!track.opened(&opened(Some(99), None)).await);
        assert!(track.opened(&opened(Some(100), Some("a"))).await);
        assert!(track.is_spoiled(), "once is enough");
    }
}
