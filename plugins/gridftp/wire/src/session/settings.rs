//! What a server is told before a transfer: mode, authentication and protection of data
//! connections, parallel streams. Told once, and again only when it changes.

use crate::data::{Dcau, Protection};
use crate::{Error, ErrorKind, Result, Session};

/// How bytes go over data connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Mode {
    /// `S`: one connection, closed at the end.
    #[default]
    Stream,
    /// `E`: blocks with offsets over any number of connections.
    Extended,
}

impl Mode {
    fn letter(self) -> char {
        match self {
            Self::Stream => 'S',
            Self::Extended => 'E',
        }
    }
}

/// What was told on this session; `None` for what was not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Told {
    mode: Option<Mode>,
    dcau: Option<Dcau>,
    protection: Option<Protection>,
    streams: Option<u32>,
    buffer: Option<u32>,
}

/// How data connections of a transfer are to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) mode: Mode,
    pub(crate) dcau: Dcau,
    pub(crate) protection: Protection,
    /// Parallel streams of a file that this server sends; 0 for what does not matter.
    pub(crate) streams: u32,
    /// Size of the server's socket buffers; `None` leaves it to the server.
    pub(crate) buffer: Option<u32>,
}

impl Session {
    /// Tells what is not yet as wanted, in one trip. True when something changed that data
    /// connections from before do not have.
    pub(crate) async fn settle(&mut self, wanted: &Wanted) -> Result<bool> {
        let mut told = Told {
            ..self.told.clone()
        };
        let mut commands = Vec::new();
        if told.mode.replace(wanted.mode) != Some(wanted.mode) {
            commands.push(format!("MODE {}", wanted.mode.letter()));
        }
        let mut is_new = !commands.is_empty();
        // Without security there is nobody to authenticate, and servers do not know the words.
        if self.channel.is_secured() {
            if told.dcau.replace(wanted.dcau.clone()) != Some(wanted.dcau.clone()) {
                commands.push(format!("DCAU {}", wanted.dcau));
            }
            let is_default = told.protection.is_none() && wanted.protection == Protection::Clear;
            if told.protection.replace(wanted.protection) != Some(wanted.protection) && !is_default
            {
                commands.push("PBSZ 1048576".to_owned());
                commands.push(format!("PROT {}", wanted.protection.letter()));
            }
            is_new |= !commands.is_empty();
        }
        if wanted.streams > 0
            && wanted.mode == Mode::Extended
            && told.streams.replace(wanted.streams) != Some(wanted.streams)
        {
            let count = wanted.streams;
            commands.push(format!("OPTS RETR Parallelism={count},{count},{count};"));
            is_new = true;
        }
        if let Some(size) = wanted.buffer.filter(|it| told.buffer != Some(*it)) {
            told.buffer = Some(size);
            commands.push(format!("SBUF {size}"));
        }
        if commands.is_empty() {
            return Ok(false);
        }
        let lines: Vec<&str> = commands.iter().map(String::as_str).collect();
        self.send(&lines).await?;
        self.check_settings(&lines).await?;
        self.told = told;
        Ok(is_new)
    }

    /// Reads all the answers, then reports the first refusal.
    async fn check_settings(&mut self, commands: &[&str]) -> Result<()> {
        let mut refused: Option<Error> = None;
        for command in commands {
            let reply = self.receive().await?;
            // The size of buffers is a wish.
            if !reply.is_success() && !command.starts_with("SBUF") {
                let what = format!("prepare a transfer with {command}");
                refused.get_or_insert(reply.refusal(&what));
            }
        }
        match refused {
            None => Ok(()),
            Some(why) => {
                self.told = Told::default();
                let kind = match why.kind() {
                    ErrorKind::Invalid | ErrorKind::Refused => ErrorKind::Unsupported,
                    kind => kind,
                };
                Err(Error::new(kind, why.to_string()).with_code(why.code().unwrap_or(500)))
            }
        }
    }
}
