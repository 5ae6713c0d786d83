//! One control connection of somebody who is logged in: commands and their replies.
//!
//! # Invariants
//! - A session is in step when every reply to what was sent has been read. It is out of step from
//!   the moment a command goes out until its reply is there; a call dropped in between, a time-out
//!   and a broken connection leave it so for ever, and nobody uses it again.
//! - Every wait has an end.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use causeway_sdk::{Error, ErrorKind, Result, Url as Surl};
use suppaftp::tokio::{ImplAsyncFtpStream, TransferStream};
use suppaftp::{FtpError, FtpResult};

use crate::config::Limits;
use crate::error::{from_control, late, refused, told};
use crate::features::Features;
use crate::reply::Reply;
use crate::tls::{Tls, Trouble};

/// The library's connection.
pub(crate) type Control = ImplAsyncFtpStream<Tls>;
/// The library's data connection.
pub(crate) type Transfer = TransferStream<Tls>;

/// "Wait a moment" so often before the reply that counts.
const MAX_PRELIMINARY: usize = 16;

/// A control connection.
pub(crate) struct Session {
    pub(super) control: Control,
    pub(crate) features: Arc<Features>,
    /// Where the paths of URLs begin.
    pub(super) home: String,
    pub(crate) limits: Limits,
    /// `ftp://host:port`, for texts.
    pub(crate) origin: String,
    pub(super) trouble: Trouble,
    pub(super) passive: PassiveState,
    pub(super) in_step: bool,
    /// The server has forgotten who we are, so nobody else is to have it.
    pub(super) is_logged_out: bool,
    /// When it was last known to be alive.
    pub(crate) used: Instant,
}

/// What was found out about data connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PassiveState {
    /// EPSV is tried; PASV would be the next.
    Trying,
    /// One of both it is.
    Settled,
}

impl Session {
    /// Whether it may be used for something else.
    pub(crate) fn is_in_step(&self) -> bool {
        self.in_step && !self.is_logged_out
    }

    /// The path on the server of a path in a URL.
    pub(crate) fn path(&self, path: &str) -> String {
        if self.home.is_empty() {
            return path.to_owned();
        }
        match path.strip_prefix('/') {
            // RFC 1738 section 3.2.2: `%2F` in front means the root.
            Some(rest) if rest.starts_with('/') => rest.to_owned(),
            Some("") => self.home.clone(),
            Some(rest) => format!("{}/{rest}", self.home.trim_end_matches('/')),
            None => path.to_owned(),
        }
    }

    /// Sends a command and reads its reply, whatever it is.
    ///
    /// # Errors
    /// When the connection is of no use any more; a refusal is an answer.
    pub(crate) async fn command(&mut self, line: &str) -> Result<Reply> {
        self.in_step = false;
        let answer = tokio::time::timeout(self.limits.reply, ask(&mut self.control, line)).await;
        let reply = match answer {
            Ok(answer) => answer.map_err(|source| from_control(&self.origin, source))?,
            Err(_) => return Err(late(&self.origin, self.limits.reply)),
        };
        self.settled(reply)
    }

    /// Takes note that a reply was the last of what is to come.
    pub(super) fn settled(&mut self, reply: Reply) -> Result<Reply> {
        // The server closes the connection.
        if reply.code == 421 {
            return Err(told(&self.origin, &reply));
        }
        self.is_logged_out |= reply.code == 530;
        self.in_step = true;
        self.used = Instant::now();
        Ok(reply)
    }

    /// Sends a command that must succeed.
    pub(crate) async fn succeed(&mut self, doing: &str, at: &Surl, line: &str) -> Result<Reply> {
        let reply = self.command(line).await?;
        match reply.is_good() {
            true => Ok(reply),
            false => Err(refused(doing, at, &reply)),
        }
    }

    /// Whether the other side has said something unasked, or has gone.
    pub(crate) async fn is_disturbed(&self) -> bool {
        let socket = self.control.get_ref().await;
        let mut one = [0_u8; 1];
        let read = socket.try_read(&mut one);
        !matches!(read, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Asks whether the server is still there and in step.
    pub(crate) async fn is_alive(&mut self) -> bool {
        matches!(self.command("NOOP").await, Ok(reply) if reply.is_good())
    }

    /// Says goodbye. The server closes the connection either way.
    pub(crate) async fn quit(mut self, limit: Duration) {
        // Nobody is left to tell.
        tokio::time::timeout(limit, ask(&mut self.control, "QUIT"))
            .await
            .ok();
    }
}

/// One command and its reply, without any time limit.
pub(super) async fn ask(control: &mut Control, line: &str) -> FtpResult<Reply> {
    // No reply is expected, so each is handed over as unexpected, with all its lines.
    let mut reply = reply_of(control.custom_command(line, &[]).await)?;
    for _ in 0..MAX_PRELIMINARY {
        if !reply.is_preliminary() {
            return Ok(reply);
        }
        reply = reply_of(control.read_response_in(&[]).await)?;
    }
    Err(FtpError::BadResponse)
}

/// The reply in what the library makes of it.
pub(super) fn reply_of(answer: FtpResult<suppaftp::types::Response>) -> FtpResult<Reply> {
    match answer {
        Ok(response) | Err(FtpError::UnexpectedResponse(response)) => Ok(Reply::new(&response)),
        Err(error) => Err(error),
    }
}

/// What a server that will not have us says.
pub(super) fn rejected(what: &str, reply: &Reply) -> Error {
    let error = told(what, reply);
    match reply.code {
        // There is no file yet that it could be about.
        530 | 532 | 550 | 553 => {
            let text = error.message().to_owned();
            Error::new(ErrorKind::AuthRequired, text).with_remote_status(reply.code)
        }
        _ => error,
    }
}
