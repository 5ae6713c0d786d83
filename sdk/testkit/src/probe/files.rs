//! Writing, reading, looking and listing, as cases do it again and again.

use bytes::{Bytes, BytesMut};
use causeway_sdk::{
    Entry, Error, ErrorKind, Operation, Page, ReadOptions, Url, WriteOptions, Written,
};
use tokio::time::{Duration, Instant, sleep};

use super::{Probe, below};
use crate::payload::{same, send};
use crate::verdict::{OrFail as _, Verdict, ensure, failed};

/// Pages of one listing before it counts as endless.
const MOST_PAGES: usize = 10_000;

impl Probe {
    /// Options that fit the storage.
    pub(crate) fn write_options(&self, size: usize) -> WriteOptions {
        WriteOptions {
            size: Some(size as u64),
            overwrite: true,
            parents: self.can.write.parents,
            expect: None,
            resume: None,
        }
    }

    /// Writes a file.
    pub(crate) async fn put(&self, at: &Url, content: &Bytes) -> Verdict<Written> {
        let options = self.write_options(content.len());
        let written = self.put_with(at, content, options).await;
        written.or_fail(format!("write {} bytes", content.len()))
    }

    /// Writes a file with these options, in pieces that fit no boundary.
    pub(crate) async fn put_with(
        &self,
        at: &Url,
        content: &Bytes,
        options: WriteOptions,
    ) -> Result<Written, Error> {
        let cx = self.cx();
        let mut body = self.storage.open_write(&cx, at, options).await?;
        match send(&mut *body, content).await {
            Ok(()) => body.commit().await,
            Err(error) => {
                body.abort().await;
                Err(error)
            }
        }
    }

    /// Reads a whole file.
    pub(crate) async fn get(&self, at: &Url) -> Result<Bytes, Error> {
        self.get_with(at, ReadOptions::default()).await
    }

    /// Reads with these options; checks what holds for every body.
    pub(crate) async fn get_with(&self, at: &Url, options: ReadOptions) -> Result<Bytes, Error> {
        let cx = self.cx();
        let mut body = self.storage.open_read(&cx, at, options).await?;
        let mut content = BytesMut::new();
        while let Some(chunk) = body.next().await? {
            if chunk.is_empty() {
                return Err(Error::new(ErrorKind::Internal, "a chunk is empty"));
            }
            content.extend_from_slice(&chunk);
        }
        Ok(content.freeze())
    }

    /// The file must be there with this content.
    pub(crate) async fn expect_content(&self, at: &Url, content: &Bytes, what: &str) -> Verdict {
        let found = self.get(at).await.or_fail(format!("{what}: read it"))?;
        same(&found, content, what)
    }

    /// Whether something is there.
    pub(crate) async fn is_there(&self, at: &Url) -> Verdict<bool> {
        if self.can.can(Operation::Stat) {
            return self
                .storage
                .exists(&self.cx(), at)
                .await
                .or_fail("ask for a file");
        }
        match self.get(at).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => failed(format!("ask for a file: {error:?}")),
        }
    }

    /// Waits until nothing is there; a storage may remove in the background.
    pub(crate) async fn expect_gone(&self, at: &Url, what: &str) -> Verdict {
        let start = Instant::now();
        while self.is_there(at).await? {
            ensure!(start.elapsed() < self.settle, "{what}: it is still visible");
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// All entries of a directory, page by page.
    pub(crate) async fn list(&self, at: &Url, limit: u32) -> Result<Vec<Entry>, Error> {
        let (cx, mut entries, mut cursor) = (self.cx(), Vec::new(), None);
        for _ in 0..MOST_PAGES {
            let page = self.storage.list(&cx, at, Page { cursor, limit }).await?;
            if limit > 0 && page.entries.len() > limit as usize {
                return Err(Error::new(ErrorKind::Internal, "a page exceeds its limit"));
            }
            entries.extend(page.entries);
            match page.next {
                None => return Ok(entries),
                next => cursor = next,
            }
        }
        Err(Error::new(ErrorKind::Internal, "the listing does not end"))
    }

    /// A new empty directory.
    pub(crate) async fn directory(&self) -> Verdict<Url> {
        let at = self.fresh();
        let made = self.storage.mkdir(&self.cx(), &at, false).await;
        made.or_fail("make a directory")?;
        Ok(at)
    }

    /// Removes the directory of this run, as far as the storage can.
    pub(crate) async fn clean(&self) {
        if !self.keeps || !self.can.can(Operation::Unlink) || !self.can.can(Operation::List) {
            return;
        }
        let mut directories = vec![self.home.clone()];
        let mut next = 0;
        while let Some(at) = directories.get(next).cloned() {
            next += 1;
            // What cannot be removed is left; cases have judged these calls already.
            for entry in self.list(&at, 0).await.unwrap_or_default() {
                let inner = below(&at, &entry.name);
                if entry.stat.is_directory() {
                    directories.push(inner);
                } else {
                    self.storage.unlink(&self.cx(), &inner).await.ok();
                }
            }
        }
        for at in directories.iter().rev() {
            self.storage.rmdir(&self.cx(), at).await.ok();
        }
    }
}
