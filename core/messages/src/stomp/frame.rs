//! Frames of STOMP 1.2: to bytes and from bytes. No input, no output, no time.
//!
//! # Invariants
//! - What is written can be read again, whatever is in headers and body: `frames_survive_the_wire`.
//! - Bytes from outside are never trusted: `nonsense_is_refused_or_waited_for`.

use bytes::{Buf as _, BufMut as _, BytesMut};

/// Longest command and headers that are read.
const HEAD_MAX: usize = 64 << 10;
/// Longest body that is read. Brokers send receipts and errors, nothing long.
const BODY_MAX: usize = 4 << 20;

/// A frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// `SEND`, `RECEIPT`, ...
    pub command: String,
    /// Names and values; of a name that comes twice the first one counts.
    pub headers: Vec<(String, String)>,
    /// Bytes.
    pub body: Vec<u8>,
}

/// Bytes that are no frame.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Nonsense {
    /// The head does not end.
    #[error("read a frame: its head is too long")]
    LongHead,
    /// The body is announced, or is, too long.
    #[error("read a frame: its body is too long")]
    LongBody,
    /// The head is no text, a header is no header, an escape is none.
    #[error("read a frame: its head makes no sense")]
    Head,
    /// The body does not end where it should.
    #[error("read a frame: its body does not end in NUL")]
    Body,
}

impl Frame {
    /// A frame without headers.
    pub fn new(command: &str) -> Self {
        Self {
            command: command.to_owned(),
            ..Self::default()
        }
    }

    /// The same with another header.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The first value under a name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Of connecting, headers are taken as they are, for the sake of old versions.
    fn escapes(&self) -> bool {
        !matches!(self.command.as_str(), "CONNECT" | "CONNECTED")
    }

    /// Appends the frame. A body gets its length.
    pub fn write(&self, out: &mut BytesMut) {
        out.put_slice(self.command.as_bytes());
        out.put_u8(b'\n');
        for (name, value) in &self.headers {
            self.write_part(name, out);
            out.put_u8(b':');
            self.write_part(value, out);
            out.put_u8(b'\n');
        }
        if !self.body.is_empty() {
            out.put_slice(format!("content-length:{}\n", self.body.len()).as_bytes());
        }
        out.put_u8(b'\n');
        out.put_slice(&self.body);
        out.put_u8(0);
    }

    fn write_part(&self, text: &str, out: &mut BytesMut) {
        if !self.escapes() {
            // A line end would begin another header.
            let kept = text.bytes().filter(|it| !matches!(it, b'\n' | b'\r' | 0));
            return out.extend(kept);
        }
        for byte in text.bytes() {
            match byte {
                b'\r' => out.put_slice(b"\\r"),
                b'\n' => out.put_slice(b"\\n"),
                b':' => out.put_slice(b"\\c"),
                b'\\' => out.put_slice(b"\\\\"),
                0 => {}
                other => out.put_u8(other),
            }
        }
    }

    /// Takes a frame off the front of what was read; `None` when it is not complete. Line ends
    /// before it, signs of life, are taken, too.
    ///
    /// # Errors
    /// Bytes that are no frame: the connection is of no use any more.
    pub fn read(from: &mut BytesMut) -> Result<Option<Self>, Nonsense> {
        let beats = from.iter().take_while(|it| matches!(it, b'\n' | b'\r'));
        let beats = beats.count();
        from.advance(beats);
        let Some((mut frame, head)) = read_head(from)? else {
            return Ok(None);
        };
        let Some(length) = body_length(&frame, &from[head..])? else {
            return Ok(None);
        };
        frame.body = from[head..head + length].to_vec();
        from.advance(head + length + 1);
        Ok(Some(frame))
    }
}

/// Command and headers, and how many bytes they took with the empty line.
fn read_head(from: &[u8]) -> Result<Option<(Frame, usize)>, Nonsense> {
    let mut frame = Frame::default();
    let mut at = 0;
    loop {
        let rest = &from[at..];
        let Some(end) = rest.iter().take(HEAD_MAX).position(|it| *it == b'\n') else {
            return if from.len() >= HEAD_MAX {
                Err(Nonsense::LongHead)
            } else {
                Ok(None)
            };
        };
        let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
        let line = std::str::from_utf8(line).map_err(|_| Nonsense::Head)?;
        at += end + 1;
        if at > HEAD_MAX {
            return Err(Nonsense::LongHead);
        }
        if frame.command.is_empty() {
            let is_command = !line.is_empty() && line.bytes().all(|it| it.is_ascii_uppercase());
            if !is_command {
                return Err(Nonsense::Head);
            }
            line.clone_into(&mut frame.command);
        } else if line.is_empty() {
            return Ok(Some((frame, at)));
        } else {
            let (name, value) = line.split_once(':').ok_or(Nonsense::Head)?;
            let header = match frame.escapes() {
                true => (unescape(name)?, unescape(value)?),
                false => (name.to_owned(), value.to_owned()),
            };
            frame.headers.push(header);
        }
    }
}

fn unescape(text: &str) -> Result<String, Nonsense> {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            plain.push(c);
            continue;
        }
        plain.push(match chars.next() {
            Some('r') => '\r',
            Some('n') => '\n',
            Some('c') => ':',
            Some('\\') => '\\',
            _ => return Err(Nonsense::Head),
        });
    }
    Ok(plain)
}

/// Length of the body, once all of it and its NUL are there.
fn body_length(frame: &Frame, body: &[u8]) -> Result<Option<usize>, Nonsense> {
    let Some(length) = frame.header("content-length") else {
        let end = body.iter().position(|it| *it == 0);
        return match end {
            Some(end) if end <= BODY_MAX => Ok(Some(end)),
            None if body.len() <= BODY_MAX => Ok(None),
            _ => Err(Nonsense::LongBody),
        };
    };
    let length: usize = length.trim().parse().map_err(|_| Nonsense::Head)?;
    if length > BODY_MAX {
        return Err(Nonsense::LongBody);
    }
    match body.get(length) {
        None => Ok(None),
        Some(0) => Ok(Some(length)),
        Some(_) => Err(Nonsense::Body),
    }
}

#[cfg(test)]
#[path = "../tests/frame.rs"]
mod tests;
