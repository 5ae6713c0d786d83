//! Lines out of a data connection, one at a time.

use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use causeway_sdk::{Error, ErrorKind, Result};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::error::{from_io, late};

/// Longest line taken: names have 255 bytes, paths 4096.
const MAX_LINE: usize = 64 << 10;
const ROOM: usize = 16 << 10;

/// What was read and not yet given out.
#[derive(Default)]
pub(crate) struct Lines {
    buffer: BytesMut,
    /// So far no end of line is in the buffer.
    looked: usize,
}

impl Lines {
    /// The next line without its end; `None` at the end.
    pub(crate) async fn next(
        &mut self,
        source: &mut (impl AsyncRead + Unpin),
        limit: Duration,
        what: &str,
    ) -> Result<Option<String>> {
        loop {
            if let Some(line) = self.take() {
                return Ok(Some(line));
            }
            if self.buffer.len() > MAX_LINE {
                let text = format!("{what}: a line of more than {MAX_LINE} bytes");
                return Err(Error::new(ErrorKind::Remote, text));
            }
            self.buffer.reserve(ROOM);
            let read = tokio::time::timeout(limit, source.read_buf(&mut self.buffer)).await;
            match read.map_err(|_| late(what, limit))? {
                Ok(0) if self.buffer.is_empty() => return Ok(None),
                Ok(0) => {
                    let rest = self.buffer.split();
                    self.looked = 0;
                    return Ok(Some(text(&rest)));
                }
                Ok(_) => {}
                Err(source) => return Err(from_io(what, &source)),
            }
        }
    }

    fn take(&mut self) -> Option<String> {
        let found = self.buffer[self.looked..]
            .iter()
            .position(|it| *it == b'\n');
        let Some(end) = found.map(|it| self.looked + it) else {
            self.looked = self.buffer.len();
            return None;
        };
        let line = self.buffer.split_to(end);
        self.buffer.advance(1);
        self.looked = 0;
        Some(text(&line))
    }
}

fn text(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    String::from_utf8_lossy(line).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(5);

    async fn all(mut source: &[u8]) -> Result<Vec<String>> {
        let (mut lines, mut all) = (Lines::default(), Vec::new());
        while let Some(line) = lines.next(&mut source, LIMIT, "list").await? {
            all.push(line);
        }
        Ok(all)
    }

    #[tokio::test]
    async fn ends_of_both_kinds_and_none() {
        let found = all(b"one\r\ntwo\n\nthree\rx").await.unwrap();
        assert_eq!(found, ["one", "two", "", "three\rx"]);
        assert!(all(b"").await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_line_without_end_is_given_up() {
        let endless = vec![b'x'; 10 << 20];
        let error = all(&endless).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Remote);
    }
}
