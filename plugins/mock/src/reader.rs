//! Reading: made-up bytes at the wished pace.

use bytes::Bytes;
use causeway_sdk::{Error, ErrorKind, Opened, ReadBody, ReadOptions, Result};
use tokio::time::{Duration, Instant, sleep, sleep_until};

use crate::content::Content;
use crate::script::{Script, fail, time_for};

/// A mock file being read.
#[derive(Debug)]
pub struct MockReader {
    content: Content,
    offset: u64,
    end: u64,
    errno: i32,
    wait: Duration,
    unlucky: bool,
    pace: Pace,
}

impl MockReader {
    pub(crate) fn open(
        content: Content,
        script: &Script,
        options: &ReadOptions,
        unlucky: bool,
    ) -> Result<Self> {
        if let Some(wanted) = &options.if_match
            && *wanted != etag(content)
        {
            return Err(Error::new(
                ErrorKind::Conflict,
                "the file is another by now",
            ));
        }
        let len = options.len.unwrap_or(u64::MAX);
        Ok(Self {
            content,
            offset: options.offset,
            end: options.offset.saturating_add(len).min(content.size),
            errno: script.read_errno,
            wait: script.read_wait,
            unlucky,
            pace: Pace::new(script),
        })
    }
}

fn etag(content: Content) -> String {
    format!("\"{}\"", content.size)
}

impl ReadBody for MockReader {
    fn opened(&self) -> Opened {
        Opened {
            size: Some(self.content.size),
            etag: Some(etag(self.content)),
        }
    }

    async fn next(&mut self) -> Result<Option<Bytes>> {
        if !self.wait.is_zero() {
            sleep(self.wait).await;
        }
        fail(self.errno)?;
        let chunk = self.content.chunk(self.offset, self.end);
        if self.unlucky {
            return Err(bad_luck());
        }
        if chunk.is_empty() {
            return Ok(None);
        }
        self.pace.wait(chunk.len() as u64).await;
        self.offset += chunk.len() as u64;
        Ok(Some(chunk))
    }
}

/// The failure that `failure_rate` draws: one that a retry may cure.
pub(crate) fn bad_luck() -> Error {
    const ECOMM: i32 = 70;
    Error::from_errno(ECOMM, "")
}

/// Keeps a stream at its throughput, however unevenly it is asked.
#[derive(Debug)]
pub(crate) struct Pace {
    rate: u64,
    due: Option<Instant>,
}

impl Pace {
    pub(crate) fn new(script: &Script) -> Self {
        Self {
            rate: script.throughput,
            due: None,
        }
    }

    pub(crate) async fn wait(&mut self, bytes: u64) {
        if self.rate == 0 {
            return;
        }
        let due = self.due.unwrap_or_else(Instant::now) + time_for(bytes, self.rate);
        self.due = Some(due);
        sleep_until(due).await;
    }
}
