//! Directories: inside a reply where the server can (`MLSC`), or over a data connection (`MLSD`).
//!
//! [`Listing`] reads line by line, so a directory of any size costs the memory of a line.

use bytes::BytesMut;

use crate::data::{Buffers, StreamReader};
use crate::facts::Kind;
use crate::{Error, Facts, Result, Session};

const WHAT: &str = "list a directory";
/// Longest line of a listing.
const MAX_LINE: usize = 64 * 1024;

impl Session {
    /// A whole directory inside a reply (`MLSC`), without the directory itself.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Unsupported`]; [`crate::ErrorKind::Protocol`] when it is larger than
    /// [`crate::Options::listing`], and then the session is broken.
    pub async fn list_inside(&mut self, path: &str) -> Result<Vec<Facts>> {
        let limit = self.options().listing;
        self.channel.allow_reply(Some(limit));
        let reply = self.ask(&format!("MLSC {path}")).await;
        self.channel.allow_reply(None);
        let reply = reply?.expect(WHAT, &[250])?;
        let facts = reply.inner().iter().map(|it| Facts::parse(it));
        let listed: Result<Vec<Facts>> = facts.collect();
        Ok(listed?
            .into_iter()
            .filter(|it| it.kind != Kind::Itself)
            .collect())
    }

    /// Begins to list a directory over a data connection (`MLSD`). The answer is read with
    /// [`Listing::next`] and must be read to its end before the session does anything else.
    ///
    /// # Errors
    /// Of the server and the network.
    pub async fn list(&mut self, path: &str) -> Result<Listing> {
        let stream = self.open_stream(WHAT, &format!("MLSD {path}"), &[]).await?;
        Ok(Listing {
            reader: StreamReader::new(stream, Buffers::new(), &self.options().data),
            buffer: BytesMut::new(),
            has_ended: false,
        })
    }
}

/// A directory being read.
#[derive(Debug)]
pub struct Listing {
    reader: StreamReader,
    buffer: BytesMut,
    has_ended: bool,
}

impl Listing {
    /// The next entry, in the server's order, without the directory itself; nothing at the end,
    /// after the server said that it was the end.
    ///
    /// # Errors
    /// Of the server and the network.
    pub async fn next(&mut self, session: &mut Session) -> Result<Option<Facts>> {
        loop {
            if let Some(line) = self.line()? {
                let text = String::from_utf8_lossy(&line);
                let facts = Facts::parse(text.trim_end_matches('\r'))?;
                if facts.kind != Kind::Itself {
                    return Ok(Some(facts));
                }
                continue;
            }
            if self.has_ended {
                if session.owes() {
                    session.last_word(WHAT).await?;
                }
                return Ok(None);
            }
            self.fill(session).await?;
        }
    }

    /// Reads on, while the server is heard: one that refuses may leave the connection open.
    async fn fill(&mut self, session: &mut Session) -> Result<()> {
        loop {
            let limit = session.options().stall;
            let owes = session.owes();
            tokio::select! {
                biased;
                chunk = self.reader.next() => {
                    match chunk? {
                        Some(chunk) => self.buffer.extend_from_slice(&chunk),
                        None => self.has_ended = true,
                    }
                    return Ok(());
                }
                said = session.next_reply(limit), if owes => {
                    let reply = said?;
                    if !reply.is_preliminary() {
                        reply.success(WHAT)?;
                    }
                }
            }
        }
    }

    fn line(&mut self) -> Result<Option<BytesMut>> {
        let end = self.buffer.iter().position(|it| *it == b'\n');
        let line = match end {
            Some(end) => {
                let mut line = self.buffer.split_to(end + 1);
                line.truncate(end);
                line
            }
            None if self.has_ended && !self.buffer.is_empty() => self.buffer.split(),
            None if self.buffer.len() > MAX_LINE => {
                return Err(Error::protocol(format!("{WHAT}: a line does not end")));
            }
            None => return Ok(None),
        };
        let is_empty = line.iter().all(|it| *it == b'\r');
        if is_empty {
            self.line()
        } else {
            Ok(Some(line))
        }
    }
}
