//! [`Lane`]: the receiving side of one connection in extended mode, as a sequence of steps.
//!
//! Reads ahead what the socket has, so it outlives the file: behind the end of one file may stand the
//! first bytes of the next.

use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};

use super::block::{BlockHeader, HEADER_LEN};
use super::buffers::Buffers;
use super::socket::DataStream;
use crate::{Error, ErrorKind, Result};

const READ: &str = "read blocks";

/// What happens next on a connection.
#[derive(Debug)]
pub(crate) enum Step {
    /// A block begins.
    Block(BlockHeader),
    /// Bytes of it, and where in the file they belong.
    Piece(u64, Bytes),
    /// No further block of this file comes here.
    Ended,
    /// The peer closed the connection before the first block of this file.
    Gone,
}

#[derive(Debug)]
pub(crate) struct Lane {
    stream: DataStream,
    buffers: Buffers,
    /// Read from the socket and not looked at.
    unread: Bytes,
    header: [u8; HEADER_LEN],
    header_len: usize,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first block of a file.
    Fresh,
    Header,
    Payload {
        at: u64,
        left: u64,
        end: Option<End>,
    },
    Ended(End),
}

/// How a connection ended its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct End {
    closes: bool,
}

impl Lane {
    pub(crate) fn new(stream: DataStream, buffers: Buffers) -> Self {
        Self {
            stream,
            buffers,
            unread: Bytes::new(),
            header: [0; HEADER_LEN],
            header_len: 0,
            state: State::Fresh,
        }
    }

    /// Where the next byte of data belongs, inside a block.
    pub(crate) fn offset(&self) -> Option<u64> {
        match self.state {
            State::Payload { at, left, .. } if left > 0 => Some(at),
            _ => None,
        }
    }

    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.state, State::Ended(_))
    }

    /// True between blocks.
    pub(crate) fn is_idle(&self) -> bool {
        self.header_len == 0 && !matches!(self.state, State::Payload { .. })
    }

    /// Ready for the next file; false when the peer closes the connection.
    pub(crate) fn renew(&mut self) -> bool {
        match self.state {
            State::Ended(End { closes }) => {
                self.state = State::Fresh;
                !closes
            }
            State::Fresh => true,
            State::Header | State::Payload { .. } => false,
        }
    }

    /// Goes on, taking at most `most` bytes of data.
    pub(crate) fn poll_step(&mut self, cx: &mut Context<'_>, most: u64) -> Poll<Result<Step>> {
        loop {
            match self.state {
                State::Ended(_) => return Poll::Ready(Ok(Step::Ended)),
                State::Payload { left: 0, end, .. } => match end {
                    Some(end) => self.state = State::Ended(end),
                    None => self.state = State::Header,
                },
                State::Payload { at, left, end } => {
                    if self.unread.is_empty() && ready!(self.poll_fill(cx))? == 0 {
                        return Poll::Ready(Err(early("in the middle of a block")));
                    }
                    let piece = self.split(left.min(most));
                    let taken = piece.len() as u64;
                    self.state = State::Payload {
                        at: at + taken,
                        left: left - taken,
                        end,
                    };
                    return Poll::Ready(Ok(Step::Piece(at, piece)));
                }
                State::Fresh | State::Header => {
                    if let Some(step) = ready!(self.poll_header(cx))? {
                        return Poll::Ready(Ok(step));
                    }
                }
            }
        }
    }

    fn poll_header(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Step>>> {
        if self.unread.is_empty() && ready!(self.poll_fill(cx))? == 0 {
            let is_untouched = self.state == State::Fresh && self.header_len == 0;
            return Poll::Ready(match is_untouched {
                true => Ok(Some(Step::Gone)),
                false => Err(early("before its end of data")),
            });
        }
        let missing = &mut self.header[self.header_len..];
        let taken = missing.len().min(self.unread.len());
        self.unread.copy_to_slice(&mut missing[..taken]);
        self.header_len += taken;
        if self.header_len < HEADER_LEN {
            return Poll::Ready(Ok(None));
        }
        self.header_len = 0;
        let header = BlockHeader::decode(&self.header)?;
        let end = End {
            closes: header.closes(),
        };
        self.state = State::Payload {
            at: header.offset,
            left: header.count,
            end: header.is_end_of_data().then_some(end),
        };
        Poll::Ready(Ok(Some(Step::Block(header))))
    }

    fn split(&mut self, most: u64) -> Bytes {
        let there = self.unread.len();
        let taken = usize::try_from(most).map_or(there, |most| most.min(there));
        self.unread.split_to(taken)
    }

    /// Reads what the socket has; 0 is its end.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize>> {
        let mut buffer = self.buffers.take();
        match self.stream.poll_fill(cx, &mut buffer) {
            Poll::Ready(Ok(filled)) => {
                self.unread = self.buffers.chunk(buffer, filled);
                Poll::Ready(Ok(filled))
            }
            Poll::Ready(Err(source)) => {
                self.buffers.give_back(buffer);
                Poll::Ready(Err(Error::io(READ, &source)))
            }
            Poll::Pending => {
                // A connection that waits costs no buffer.
                self.buffers.give_back(buffer);
                Poll::Pending
            }
        }
    }
}

fn early(when: &str) -> Error {
    let why = format!("{READ}: the peer closed a data connection {when}");
    Error::new(ErrorKind::Io, why)
}
