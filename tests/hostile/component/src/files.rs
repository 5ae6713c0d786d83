//! Open files of it.

use causeway_sdk::{Bytes, Checksum, Opened, ReadBody, Result, Url, WriteBody, Written};

use crate::SIZE;
use crate::strike::{strike, strike_now};

/// A file being read.
pub struct Body {
    pub(crate) left: u64,
    pub(crate) at: Url,
    pub(crate) strikes: bool,
}

impl ReadBody for Body {
    fn opened(&self) -> Opened {
        Opened {
            size: Some(SIZE),
            etag: None,
        }
    }

    async fn next(&mut self) -> Result<Option<Bytes>> {
        if self.strikes {
            strike(&self.at).await;
        }
        let some = self.left.min(1 << 16);
        self.left -= some;
        Ok((some > 0).then(|| vec![b'x'; some as usize].into()))
    }
}

/// A file being written.
pub struct Sink(pub(crate) Url);

impl Sink {
    fn is_meant(&self, method: &str) -> bool {
        let path = self.0.path();
        !path.contains("/in-") || path.contains(&format!("/in-{method}/"))
    }

    async fn hit(&self, method: &str) {
        if self.is_meant(method) {
            strike(&self.0).await;
        }
    }
}

impl WriteBody for Sink {
    async fn write(&mut self, _offset: u64, _chunk: Bytes) -> Result<()> {
        self.hit("write").await;
        Ok(())
    }

    async fn commit(self) -> Result<Written> {
        self.hit("commit").await;
        Ok(Written::default())
    }

    async fn abort(self) {
        self.hit("abort").await;
    }

    fn held(&self) -> u64 {
        // Asked when the file is opened, where only who is meant strikes.
        if self.0.path().contains("/in-held/") {
            strike_now(self.0.path().rsplit('/').next().unwrap_or(""));
        }
        0
    }

    async fn keep(&mut self, _offset: u64, _len: u64, _expected: Checksum) -> Result<bool> {
        self.hit("keep").await;
        Ok(false)
    }

    async fn suspend(self) {
        self.hit("suspend").await;
    }
}
