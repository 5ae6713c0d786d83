//! One page of the feed: from a place in the journal onwards.

use std::fs::File;
use std::path::Path;

use causeway_model::feed::{Page, Position, Recorded};
use causeway_model::ports::StoreError;

use super::holding::place;
use super::telling;
use crate::frame::{self, At, FILE_HEADER, Kind};
use crate::journal::{segment_path, segments};

/// Bytes of journal behind one page, about; a larger frame is read whole.
const PAGE: u64 = 256 << 10;

/// Reads on from a place. `end` is where the writer is.
pub(super) fn page(dir: &Path, end: Position, from: Position) -> Result<Page, StoreError> {
    let mut page = Page {
        next: from,
        ..Page::default()
    };
    let mut read = 0;
    while page.next < end && read < PAGE {
        let Some(file) = open(dir, page.next.segment)? else {
            skip(dir, end, &mut page)?;
            continue;
        };
        read += of_segment(&file, end, &mut page, PAGE - read)?;
    }
    Ok(page)
}

/// A segment, wherever it is. It may move between the two looks, but in one direction only.
fn open(dir: &Path, number: u64) -> Result<Option<File>, StoreError> {
    for path in [segment_path(dir, number), segment_path(&place(dir), number)] {
        if let Some(file) = frame::open(&path, Kind::Journal, number)? {
            return Ok(Some(file));
        }
    }
    Ok(None)
}

/// Goes on with the first segment there is after one that is gone.
fn skip(dir: &Path, end: Position, page: &mut Page) -> Result<(), StoreError> {
    let held = place(dir);
    let mut all = segments(dir)?;
    if held.exists() {
        all.extend(segments(&held)?);
    }
    let gone = page.next.segment;
    let next = all.into_iter().filter(|it| *it > gone).min();
    page.gap = true;
    page.next = match next {
        Some(segment) => Position {
            segment,
            ..Position::default()
        },
        None => end,
    };
    Ok(())
}

/// Reads on in one segment until it ends or the page is full; gives the bytes read.
fn of_segment(file: &File, end: Position, page: &mut Page, budget: u64) -> Result<u64, StoreError> {
    let is_last = page.next.segment == end.segment;
    let size = file.metadata().map(|it| it.len());
    let size = size.map_err(|e| StoreError::Failed(format!("read the journal: {e}")))?;
    let limit = if is_last { end.offset } else { size };
    page.next.offset = page.next.offset.max(FILE_HEADER as u64);
    let mut read = 0;
    while read < budget {
        let at = frame::read_at(file, page.next.offset, limit);
        match at.map_err(|e| StoreError::Failed(format!("read the journal: {e}")))? {
            At::Frame(payload) => {
                tell(&payload, page)?;
                let length = frame::length_of(&payload);
                read += length;
                page.next.offset += length;
                page.next.done = 0;
            }
            At::End if is_last => {
                page.next = end;
                break;
            }
            ending => {
                if matches!(ending, At::Damaged) {
                    let Position {
                        segment, offset, ..
                    } = page.next;
                    tracing::error!(
                        segment,
                        offset,
                        "the journal is damaged; its events are lost"
                    );
                    page.gap = true;
                }
                if is_last {
                    page.next = end;
                } else {
                    page.next = Position {
                        segment: page.next.segment + 1,
                        ..Position::default()
                    };
                }
                break;
            }
        }
    }
    Ok(read)
}

fn tell(payload: &[u8], page: &mut Page) -> Result<(), StoreError> {
    let at = page.next;
    let mut number = 0;
    telling::each(payload, |what| {
        number += 1;
        if number > at.done {
            let after = Position { done: number, ..at };
            page.events.push(Recorded { after, what });
        }
    })
}
