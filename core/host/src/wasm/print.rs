//! What a guest prints, line by line in the log of its plugin: languages with a runtime of their own tell there
//! what went wrong, a traceback for instance. Printing never waits and never fails.
//!
//! # Invariants
//! - Lines have a longest length, and there are only so many in a time: `more_than_may_be_said_is_counted`.
//! - What is left out is counted, and told at the end at the latest: `a_key_without_end_does_not_silence_the_rest`.

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
/// Lines of one stream of an instance within [`WHILE`].
const LINES: u32 = 200;
const WHILE: Duration = Duration::from_secs(10);
/// Longest key or certificate in lines; a bundle has many, but each has a first line of its own. One that does
/// not end was none, and must not silence all that follows.
const PEM_LINES: u32 = 200;

/// Standard output, or standard error, of an instance.
#[derive(Clone)]
pub(super) struct Printed(Arc<Mutex<Lines>>);

struct Lines {
    log: Host,
    level: LogLevel,
    unfinished: Vec<u8>,
    /// Lines of a key or a certificate that came since its first one; zero outside of any.
    pem: u32,
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
            pem: 0,
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
        if text.is_empty() {
            return;
        }
        if self.is_secret(text) {
            self.untold += 1;
        } else {
            self.tell(text);
        }
    }

    /// Masking knows a key by its first and last line, which come one by one here.
    fn is_secret(&mut self, text: &str) -> bool {
        if text.contains("-----BEGIN ") {
            self.pem = 1;
        } else if self.pem > 0 {
            self.pem += 1;
        }
        let is_secret = self.pem > 0;
        if text.contains("-----END ") || self.pem >= PEM_LINES {
            self.pem = 0;
        }
        is_secret
    }

    fn tell(&mut self, text: &str) {
        if self.since.elapsed() >= WHILE {
            self.since = Instant::now();
            self.told = 0;
            self.tell_untold();
        }
        if self.told == LINES {
            self.untold += 1;
            return;
        }
        self.told += 1;
        let text = text.replace(char::is_control, " ");
        self.log.log(self.level, &causeway_sdk::secret::mask(&text));
    }

    fn tell_untold(&mut self) {
        let untold = std::mem::take(&mut self.untold);
        if untold > 0 {
            let text = format!("{untold} lines that it printed were left out");
            self.log.log(LogLevel::Warn, &text);
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.finish();
        // Nothing more comes that would have it told: a guest may flood the log and then trap.
        self.tell_untold();
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
        assert_eq!(lines, ["a", "b", "3 lines that it printed were left out"]);
        let lines = printed(&["send Bearer canary-token\n"]);
        assert!(!lines[0].contains("canary"), "{lines:?}");
    }

    #[test]
    fn more_than_may_be_said_is_counted() {
        let long = "x".repeat(3 * LINE);
        let lengths: Vec<usize> = printed(&[&long]).iter().map(String::len).collect();
        assert_eq!(lengths, [LINE; 3]);
        let many = "y\n".repeat(LINES as usize * 3);
        let mut lines = printed(&[&many]);
        let last = format!("{} lines that it printed were left out", LINES * 2);
        assert_eq!(lines.pop(), Some(last));
        assert_eq!(lines, vec!["y"; LINES as usize]);
    }

    #[test]
    fn a_key_without_end_does_not_silence_the_rest() {
        let key = format!(
            "-----BEGIN X-----\n{}",
            "canary\n".repeat(PEM_LINES as usize - 1)
        );
        let left_out = format!("{PEM_LINES} lines that it printed were left out");
        assert_eq!(printed(&[&key]), [left_out.as_str()]);
        assert_eq!(printed(&[&key, "Error\n"]), ["Error", left_out.as_str()]);
        // As many again after another first line.
        let left_out = format!("{} lines that it printed were left out", PEM_LINES * 2 - 1);
        let (begun, _) = key.rsplit_once("canary").unwrap();
        assert_eq!(
            printed(&[begun, &key, "Error"]),
            ["Error", left_out.as_str()]
        );
    }
}
