//! [`BlockReceiver`]: receives one file in extended mode over as many connections as the sender opens.
//!
//! One task reads all connections, in turn, and only those whose bytes may be handed out or held:
//! a connection that is left alone stops its sender by TCP. [`Inlet`] is what stays between files.
//!
//! # Invariants
//! - Memory is bounded by the window, and by a buffer for each connection (`tests/hostile.rs`).
//! - Nothing is handed out twice; the end is told only when everything came.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::Stream as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;

use super::buffers::Buffers;
use super::lane::{Lane, Step};
use super::ledger::{Expected, Ledger};
use super::limits::{Limits, Patience};
use super::open::{Listener, secured};
use super::socket::DataStream;
use super::window::Window;
use crate::{Error, Result};

/// How pieces are handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// As they come, to be written in place.
    AsItComes,
    /// Ascending. Pieces that come early are held while they lie within `window` bytes of the next
    /// one; the rest stays with the sender.
    Ascending {
        /// Bytes.
        window: u64,
    },
}

/// Some bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Where they belong.
    pub offset: u64,
    /// The bytes.
    pub data: Bytes,
}

/// The receiving end of a session's data connections: where they arrive, and the ones that are open.
#[derive(Debug)]
pub struct Inlet {
    listener: Listener,
    lanes: Vec<Lane>,
    buffers: Buffers,
    limits: Limits,
}

impl Inlet {
    /// Without connections yet.
    pub fn new(listener: Listener, buffers: Buffers, limits: Limits) -> Self {
        Self {
            listener,
            lanes: Vec::new(),
            buffers,
            limits,
        }
    }

    /// Where it listens.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`]
    pub fn address(&self) -> Result<SocketAddr> {
        self.listener.address()
    }

    /// Number of open connections, which the server will use again unless it is told otherwise
    /// (a new `PORT`, another protection).
    pub fn connections(&self) -> usize {
        self.lanes.len()
    }
}

/// Receives one file.
pub struct BlockReceiver {
    inlet: Inlet,
    ledger: Ledger,
    window: Option<Window>,
    opening: FuturesUnordered<BoxFuture<'static, Result<DataStream>>>,
    /// Which connection has its turn.
    turn: usize,
    patience: Patience,
    outcome: Option<Result<()>>,
}

impl BlockReceiver {
    /// Receives what is expected over the open connections and those to come.
    pub fn new(inlet: Inlet, expected: Expected, order: Order) -> Self {
        let window = match order {
            Order::AsItComes => None,
            Order::Ascending { window } => Some(Window::new(window, expected.already.clone())),
        };
        Self {
            patience: Patience::new(&inlet.limits),
            inlet,
            ledger: Ledger::new(expected),
            window,
            opening: FuturesUnordered::new(),
            turn: 0,
            outcome: None,
        }
    }

    /// The next piece; none when the file is complete. Nothing is lost when the future is dropped.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Protocol`] when the peer breaks the rules of blocks,
    /// [`crate::ErrorKind::Integrity`] when bytes are missing at the end, and those of connections.
    pub async fn next(&mut self) -> Result<Option<Piece>> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// The connections, for the next file. None before the end, and after a failure: then what is on
    /// them belongs to no file.
    pub fn into_inlet(mut self) -> Option<Inlet> {
        if self.outcome != Some(Ok(())) {
            return None;
        }
        self.inlet.lanes.retain_mut(Lane::renew);
        Some(self.inlet)
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Piece>>> {
        if let Some(outcome) = &self.outcome {
            return Poll::Ready(outcome.clone().map(|()| None));
        }
        let step = ready!(self.poll_piece(cx));
        self.patience.pause();
        match &step {
            Ok(None) => self.outcome = Some(Ok(())),
            Err(why) => self.outcome = Some(Err(why.clone())),
            Ok(Some(_)) => {}
        }
        Poll::Ready(step)
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Piece>>> {
        loop {
            if let Some((offset, data)) = self.window.as_mut().and_then(Window::pop) {
                return Poll::Ready(Ok(Some(Piece { offset, data })));
            }
            if let Some(piece) = self.poll_lanes(cx)? {
                return Poll::Ready(Ok(Some(piece)));
            }
            if self.ledger.has_ended() {
                return Poll::Ready(self.check_end().map(|()| None));
            }
            if self.poll_opening(cx)? {
                continue;
            }
            self.check_stuck()?;
            let what = self.ledger.awaited();
            return Poll::Ready(Err(ready!(self.patience.poll_exhausted(cx, &what))));
        }
    }

    /// Gives each connection its turn until one has a piece to hand out.
    fn poll_lanes(&mut self, cx: &mut Context<'_>) -> Result<Option<Piece>> {
        let mut left = self.inlet.lanes.len();
        while left > 0 {
            self.turn %= self.inlet.lanes.len();
            match self.poll_lane(cx, self.turn)? {
                Turn::Piece(piece) => {
                    // In order, the rest of the block is what is wanted next.
                    self.turn += usize::from(self.window.is_none());
                    return Ok(Some(piece));
                }
                Turn::Over => self.turn += 1,
                Turn::Gone => drop(self.inlet.lanes.swap_remove(self.turn)),
            }
            left -= 1;
        }
        Ok(None)
    }

    fn poll_lane(&mut self, cx: &mut Context<'_>, number: usize) -> Result<Turn> {
        loop {
            let most = self.admitted(number);
            let lane = &mut self.inlet.lanes[number];
            if most == 0 || lane.has_ended() {
                return Ok(Turn::Over);
            }
            match lane.poll_step(cx, most) {
                Poll::Pending => return Ok(Turn::Over),
                Poll::Ready(step) => match step? {
                    Step::Block(header) => self.ledger.block(&header)?,
                    Step::Ended => self.ledger.end_of_data()?,
                    Step::Gone => return Ok(Turn::Gone),
                    Step::Piece(offset, data) => {
                        self.patience.progressed(data.len() as u64);
                        let out = match &mut self.window {
                            Some(window) => window.put(offset, data),
                            None => Some((offset, data)),
                        };
                        if let Some((offset, data)) = out {
                            return Ok(Turn::Piece(Piece { offset, data }));
                        }
                    }
                },
            }
        }
    }

    /// How many bytes of data a connection may give now.
    fn admitted(&self, number: usize) -> u64 {
        let offset = self.inlet.lanes[number].offset();
        match (&self.window, offset) {
            (Some(window), Some(offset)) => window.admits(offset),
            _ => u64::MAX,
        }
    }

    /// Takes connections that arrive. True when one became usable.
    fn poll_opening(&mut self, cx: &mut Context<'_>) -> Result<bool> {
        while let Poll::Ready(socket) = self.inlet.listener.poll_accept(cx) {
            let open = self.inlet.lanes.len() + self.opening.len();
            if open >= self.inlet.limits.connections {
                let why = format!("receive blocks: more than {open} connections");
                return Err(Error::protocol(why));
            }
            let security = self.inlet.listener.security().clone();
            let limit = self.inlet.limits.open;
            self.opening
                .push(Box::pin(secured(socket?, security, limit)));
        }
        let mut is_new = false;
        while let Poll::Ready(Some(stream)) = Pin::new(&mut self.opening).poll_next(cx) {
            let lane = Lane::new(stream?, self.inlet.buffers.clone());
            self.inlet.lanes.push(lane);
            is_new = true;
        }
        Ok(is_new)
    }

    /// Every connection that was told is here, and each waits for what is behind another's piece.
    fn check_stuck(&self) -> Result<()> {
        let lanes = &self.inlet.lanes;
        let are_all_here = self.ledger.connections() == Some(lanes.len() as u64);
        let waits = |number: usize| lanes[number].has_ended() || self.admitted(number) == 0;
        if !are_all_here || !(0..lanes.len()).all(waits) {
            return Ok(());
        }
        Err(Error::protocol(
            "receive blocks: they are further out of order than the window is wide",
        ))
    }

    fn check_end(&self) -> Result<()> {
        if !self.inlet.lanes.iter().all(Lane::is_idle) {
            return Err(Error::protocol(
                "receive blocks: a connection goes on behind the end of the file",
            ));
        }
        self.ledger.check_complete()
    }
}

/// How the turn of a connection went.
enum Turn {
    Piece(Piece),
    Over,
    Gone,
}
