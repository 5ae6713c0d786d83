//! The data channel: bytes of files, in stream mode and in extended blocks.
//!
//! Knows sockets, their security and what goes over them, but no command: it takes addresses that
//! somebody asked the server for, and leaves the server's final reply to who reads it. Everything
//! here runs in the task of the caller: who stops asking stops the peer.
//!
//! | to | use |
//! |---|---|
//! | understand or write addresses, ranges, markers | [`address`], [`Ranges`], [`Marker`] |
//! | open connections | [`connect`], [`Listener`], [`DataSecurity`] |
//! | move a file in stream mode | [`StreamReader`], [`StreamWriter`] |
//! | move a file in extended mode | [`BlockReceiver`], [`BlockSender`] |
//! | keep connections for the next file | [`Inlet`], [`Outlet`] |
//! | bound what a peer may cost | [`Limits`] |

pub mod address;
pub mod block;
mod buffers;
mod gsi;
mod lane;
mod ledger;
mod limits;
pub mod markers;
mod open;
mod ranges;
mod receiver;
mod security;
mod sender;
mod socket;
mod stream;
mod window;

pub use block::{BlockHeader, HEADER_LEN, MAX_CONNECTIONS};
pub use buffers::{BUFFER_LEN, Buffers};
pub use ledger::Expected;
pub use limits::Limits;
pub use markers::{Marker, PerfMarker, Progress};
pub use open::{Listener, SocketOptions, connect};
pub use ranges::{MAX_RANGES, Ranges};
pub use receiver::{BlockReceiver, Inlet, Order, Piece};
pub use security::{DataSecurity, Dcau, Protection};
pub use sender::{BlockSender, DEFAULT_BLOCK, Outlet};
pub use socket::DataStream;
pub use stream::{StreamReader, StreamWriter};
