//! Data connections: opening one for a file or a listing, and the reply that ends it.

use std::io;
use std::time::Duration;

use causeway_sdk::{Error, Result};
use suppaftp::{FtpError, FtpResult, Mode, Status};

use crate::error::{from_control, from_io, late, told};
use crate::reply::Reply;
use crate::session::{PassiveState, Session, Transfer, reply_of};

/// How long a server may take to say why it closed a data connection.
const REASON: Duration = Duration::from_secs(2);

/// What to move.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Move<'a> {
    /// A file from its n-th byte on.
    Read(&'a str, u64),
    /// A new file.
    Write(&'a str),
    /// What a command lists.
    List(&'a str),
}

impl Session {
    /// Opens a data connection, or tells with what reply the server refuses. The session is out of
    /// step until [`Session::finish`].
    pub(crate) async fn open(&mut self, what: Move<'_>) -> Result<Result<Transfer, Reply>> {
        let limit = self.limits.connect + self.limits.reply;
        // Twice at most: with EPSV and with PASV.
        loop {
            self.in_step = false;
            let opened = match tokio::time::timeout(limit, self.begin(what)).await {
                Ok(opened) => opened,
                Err(_) => return Err(late(&self.origin, limit)),
            };
            let reply = match opened {
                Ok(transfer) => {
                    self.trouble.take_cut();
                    self.passive = PassiveState::Settled;
                    return Ok(Ok(transfer));
                }
                Err(FtpError::UnexpectedResponse(response)) => Reply::new(&response),
                Err(FtpError::SecureError(text)) => return Err(self.unsecured(text).await),
                Err(source) => return Err(from_control(&self.origin, source)),
            };
            let reply = self.settled(reply)?;
            // Which of the commands was refused cannot be seen, so PASV gets its chance.
            let is_about_epsv = reply.is_unknown_command() || reply.code == 522;
            if self.passive == PassiveState::Settled || !is_about_epsv {
                return Ok(Err(reply));
            }
            self.passive = PassiveState::Settled;
            self.control.set_mode(Mode::Passive);
        }
    }

    async fn begin(&mut self, what: Move<'_>) -> FtpResult<Transfer> {
        let control = &mut self.control;
        match what {
            Move::Read(path, offset) => {
                let offset = usize::try_from(offset).map_err(|_| FtpError::BadResponse)?;
                control.resume_transfer(offset).await?;
                control.retr_as_stream(path).await
            }
            Move::Write(path) => control.put_with_stream(path).await,
            Move::List(command) => {
                let begun = [Status::AboutToSend, Status::AlreadyOpen];
                let (_, transfer) = control.custom_data_command(command, &begun).await?;
                Ok(transfer)
            }
        }
    }

    /// Why the data connection could not be secured: the server may say more than the library.
    async fn unsecured(&mut self, text: String) -> Error {
        let trouble = self.trouble.take();
        let asked = self.control.read_response_in(&[]);
        if let Ok(answer) = tokio::time::timeout(REASON, asked).await
            && let Ok(reply) = reply_of(answer)
            && reply.code >= 400
        {
            // Without its code: it is no refusal of the command, which has begun.
            let told = told(&self.origin, &reply);
            return Error::new(told.kind(), told.message());
        }
        trouble.unwrap_or_else(|| from_control(&self.origin, FtpError::SecureError(text)))
    }

    /// Ends a data connection and reads what the server says of it. A reply other than that all
    /// went well is given back.
    pub(crate) async fn finish(
        &mut self,
        transfer: Transfer,
        limit: Duration,
    ) -> Result<Result<(), Reply>> {
        match tokio::time::timeout(limit, transfer.finish()).await {
            Ok(Ok(())) => {
                self.in_step = true;
                self.used = std::time::Instant::now();
                Ok(Ok(()))
            }
            Ok(Err(FtpError::UnexpectedResponse(response))) => {
                let reply = self.settled(Reply::new(&response))?;
                Ok(Err(reply))
            }
            Ok(Err(source)) => Err(from_control(&self.origin, source)),
            Err(_) => Err(late(&self.origin, limit)),
        }
    }

    /// The error for a data connection that broke: what the server says of it, else what the
    /// system says. The session is of no use afterwards.
    pub(crate) async fn broken(
        &mut self,
        what: &str,
        transfer: Transfer,
        source: &io::Error,
    ) -> Error {
        let said = self.finish(transfer, REASON).await;
        self.in_step = false;
        match said {
            Ok(Err(reply)) => told(what, &reply),
            // It may say that all is well, and that is not what we saw.
            Ok(Ok(())) | Err(_) => from_io(what, source),
        }
    }

    /// Breaks a data connection off and gets the session back into step, if the server plays along.
    pub(crate) async fn break_off(&mut self, transfer: Transfer) {
        self.in_step = false;
        drop(transfer);
        // The library reads the reply of the transfer before it sends the next command.
        if !self.is_alive().await {
            self.in_step = false;
        }
    }

    /// Whether the last data connection ended without the goodbye that TLS has.
    pub(crate) fn was_cut(&self) -> bool {
        self.trouble.take_cut()
    }
}
