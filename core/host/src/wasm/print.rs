//! What a guest prints, line by line in the log of its plugin: languages with a runtime of their own tell there
//! what went wrong, a traceback for instance. Printing never waits and never fails.
//!
//! # Invariants
//! - Lines have a longest length, and there are only so many in a time: `more_than_may_be_said_is_counted`.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use causeway_sdk::{Host, LogLevel};
use parking_lot::Mutex;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// Longest line in bytes; what is longer goes on in the next.
const LINE: usize = 4096;
/// Bytes taken at a time.
const PIECE: usize = 64 << 10;
/// Lines of one instance within [`WHILE`].
const LINES: u32 = 200;
const WHILE: Duration = Duration::from_secs(10);

/// Standard output, or standard error, of an instance.
#[derive(Clone)]
pub(super) struct Printed(Arc<Mutex<Lines>>);

struct Lines {
    log: Host,
    level: LogLevel,
    unfinished: Vec<u8>,
    /// Between the first and the last line of a key or a certificate.
    in_pem: bool,
    since: Instant,
    told: u32,
    untold: u64,
}

impl Printed {
    pub(super) fn new(log: &Host, level: LogLevel) -> Self {
        Self(Arc::new(Mutex::new(Lines {
            log: log.clone(),
            level,
            unfinished: Vec::new(),
            in_pem: false,
            since: Instant::now(),
            told: 0,
            untold: 0,
        })))
    }
}

impl Lines {
    fn take(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if *byte != b'\n' {
                self.unfinished.push(*byte);
            }
            if *byte == b'\n' || self.unfinished.len() >= LINE {
                self.finish();
            }
        }
    }

    fn finish(&mut self) {
        let line = std::mem::take(&mut self.unfinished);
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end();
        if !text.is_empty() && !self.is_secret(text) {
            self.tell(text);
        }
    }

    /// Masking knows a key by its first and last line, which come one by one here.
    fn is_secret(&mut self, text: &str) -> bool {
        let begins = text.contains("-----BEGIN ");
        let was = self.in_pem || begins;
        self.in_pem = was && !text.contains("-----END ");
        was
    }

    fn tell(&mut self, text: &str) {
        if self.since.elapsed() >= WHILE {
            self.since = Instant::now();
            self.told = 0;
            let untold = std::mem::take(&mut self.untold);
            if untold > 0 {
                let text = format!("{untold} lines that it printed were left out");
                self.log.log(LogLevel::Warn, &text);
            }
        }
        if self.told == LINES {
            self.untold += 1;
            return;
        }
        self.told += 1;
        let text = text.replace(char::is_control, " ");
        self.log.log(self.level, &causeway_sdk::secret::mask(&text));
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.finish();
    }
}

impl IsTerminal for Printed {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Printed {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Printed {
    async fn ready(&mut self) {}
}

impl OutputStream for Printed {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.0.lock().take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(PIECE)
    }
}

impl AsyncWrite for Printed {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.0.lock().take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(pieces: &[&str]) -> Vec<String> {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&lines);
        let log = Host::new(move |_, text| kept.lock().push(text.to_owned()));
        let mut stream = Printed::new(&log, LogLevel::Warn).p2_stream();
        for piece in pieces {
            stream
                .write(Bytes::copy_from_slice(piece.as_bytes()))
                .unwrap();
        }
        drop(stream);
        drop(log);
        Arc::try_unwrap(lines).unwrap().into_inner()
    }

    #[test]
    fn lines_are_told_one_by_one() {
        let lines = printed(&["Trace", "back:\n  in\u{1b} f\r\n\n", "Error: \u{fc}", "!"]);
        assert_eq!(lines, ["Traceback:", "  in  f", "Error: \u{fc}!"]);
        let lines = printed(&["a\n-----BEGIN X-----\nMII", "canary\n-----END X-----\nb\n"]);
        assert_eq!(lines, ["a", "b"]);
        let lines = printed(&["send Bearer canary-token\n"]);
        assert!(!lines[0].contains("canary"), "{lines:?}");
    }

    #[test]
    fn more_than_may_be_said_is_counted() {
        let long = "x".repeat(3 * LINE);
        let lengths: Vec<usize> = printed(&[&long]).iter().map(String::len).collect();
        assert_eq!(lengths, [LINE; 3]);
        let many = "y\n".repeat(LINES as usize * 3);
        assert_eq!(printed(&[&many]).len(), LINES as usize);
    }
}
