//! The journal as a feed of what happened.
//!
//! Readers read the segments that the writer has written anyway; nothing is copied for them. A
//! segment that a snapshot stands for would be removed; while a reader is held that has not
//! acknowledged all of it, it goes to a directory of its own instead ([`holding`]). A start does not
//! look at what is in there.
//!
//! # Invariants
//! - Nothing is read that is not durable: a page ends where the writer said that it had synced.
//! - What a held reader has not acknowledged is there after a crash and after a snapshot, unless it
//!   grew beyond the limit: `tests/feed.rs`.
//! - Without a held reader no file is kept longer and none is written.

pub(crate) mod holding;
mod reading;
mod telling;

use async_trait::async_trait;
use causeway_model::feed::{EventFeed, Page, Position};
use causeway_model::ports::StoreError;
use std::sync::atomic::Ordering;

use crate::embedded::EmbeddedStore;

#[async_trait]
impl EventFeed for EmbeddedStore {
    fn end(&self) -> Position {
        *self.inner.feed_end.borrow()
    }

    async fn read(&self, from: Position) -> Result<Page, StoreError> {
        let inner = self.inner.clone();
        self.feed_readers
            .run(move || {
                let end = *inner.feed_end.borrow();
                reading::page(&inner.dir, end, from)
            })
            .await
    }

    async fn wait(&self, after: Position) {
        let mut end = self.inner.feed_end.subscribe();
        // The sender lives as long as the store, which is borrowed here.
        let _gone = end.wait_for(|end| *end > after).await;
    }

    async fn hold(&self, readers: &[String]) -> Result<Vec<Position>, StoreError> {
        let (inner, readers) = (self.inner.clone(), readers.to_vec());
        self.feed_readers
            .run(move || {
                let end = *inner.feed_end.borrow();
                holding::hold(&inner.dir, &readers, end)
            })
            .await
    }

    async fn acknowledge(&self, reader: &str, position: Position) -> Result<(), StoreError> {
        let (inner, reader) = (self.inner.clone(), reader.to_owned());
        self.feed_readers
            .run(move || {
                let before = holding::lowest(&inner.dir)?;
                holding::put(&inner.dir, &reader, position)?;
                match before.is_some_and(|it| it < position.segment) {
                    true => inner.tidy_held(),
                    false => Ok(()),
                }
            })
            .await
    }

    fn given_up_bytes(&self) -> u64 {
        self.inner.feed_given_up.load(Ordering::Relaxed)
    }
}
