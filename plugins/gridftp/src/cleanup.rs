//! Removing what a failed write or copy left under a name.
//!
//! # Invariants
//! - Nothing is removed that was there before and is unchanged.
//! - Nothing is removed once a later write of this process has taken over the name, or another one
//!   has ended well.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use causeway_sdk::{Credential, LogLevel, Result, Stat, Url};
use parking_lot::Mutex;
use tokio::runtime::Handle;

use crate::error::optional;
use crate::namespace::{look, unlink};
use crate::storage::Inner;

/// Longest time a clean-up in the background may take.
const LIMIT: Duration = Duration::from_secs(120);
/// How often and after what pauses to look: a server may notice late that we left.
const PAUSES: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
];

/// Who wrote last to a name.
#[derive(Default)]
pub(crate) struct Claims(Mutex<Table>);

#[derive(Default)]
struct Table {
    last: u64,
    holders: HashMap<String, Holder>,
}

struct Holder {
    claim: u64,
    /// What stood there before the first of the writes that are not settled.
    before: Option<Stat>,
    /// Another write ended well meanwhile.
    is_kept: bool,
}

impl Claims {
    fn take(&self, name: &str, before: Option<Stat>) -> u64 {
        let mut table = self.0.lock();
        table.last += 1;
        let claim = table.last;
        // When an earlier write is not settled, what was seen there is its partial file.
        let earlier = table.holders.remove(name);
        let before = earlier.map_or(before, |it| it.before);
        let holder = Holder {
            claim,
            before,
            is_kept: false,
        };
        table.holders.insert(name.to_owned(), holder);
        claim
    }

    fn may_remove(&self, name: &str, claim: u64, found: &Stat) -> bool {
        let table = self.0.lock();
        table.holders.get(name).is_some_and(|it| {
            let is_old = it
                .before
                .as_ref()
                .is_some_and(|before| is_same(before, found));
            it.claim == claim && !it.is_kept && !is_old && !found.is_directory()
        })
    }

    fn keep(&self, name: &str, claim: u64) {
        if let Some(holder) = self.0.lock().holders.get_mut(name) {
            holder.is_kept = true;
        }
        self.give_back(name, claim);
    }

    fn give_back(&self, name: &str, claim: u64) {
        let mut table = self.0.lock();
        if table.holders.get(name).is_some_and(|it| it.claim == claim) {
            table.holders.remove(name);
        }
    }
}

fn is_same(before: &Stat, after: &Stat) -> bool {
    before.size == after.size && before.mtime == after.mtime
}

/// Removes the partial file when it is dropped, unless told that all went well.
pub(crate) struct Guard(Option<Partial>);

struct Partial {
    inner: Arc<Inner>,
    credential: Credential,
    at: Url,
    claim: u64,
    runtime: Handle,
}

impl Guard {
    /// `before` is what stood there when the writing began.
    pub(crate) fn new(
        inner: &Arc<Inner>,
        credential: &Credential,
        at: &Url,
        before: Option<Stat>,
    ) -> Self {
        Self(Some(Partial {
            inner: inner.clone(),
            credential: credential.clone(),
            at: at.clone(),
            claim: inner.claims.take(at.as_str(), before),
            runtime: Handle::current(),
        }))
    }

    /// All went well: what is there stays, also when another write fails.
    pub(crate) fn keep(mut self) {
        if let Some(it) = self.0.take() {
            it.inner.claims.keep(it.at.as_str(), it.claim);
        }
    }

    /// Removes the partial file now. Dropping the future leaves it to the background.
    pub(crate) async fn remove(mut self) {
        if let Some(partial) = &self.0 {
            partial.remove_and_log(&PAUSES[..1]).await;
        }
        if let Some(it) = self.0.take() {
            it.inner.claims.give_back(it.at.as_str(), it.claim);
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let Some(partial) = self.0.take() else {
            return;
        };
        let runtime = partial.runtime.clone();
        runtime.spawn(async move {
            let removing = tokio::time::timeout(LIMIT, partial.remove_and_log(&PAUSES));
            if removing.await.is_err() {
                partial.warn("no answer in time");
            }
            let claims = &partial.inner.claims;
            claims.give_back(partial.at.as_str(), partial.claim);
        });
    }
}

impl Partial {
    async fn remove_and_log(&self, pauses: &[Duration]) {
        if let Err(error) = self.remove(pauses).await {
            self.warn(&error.to_string());
        }
    }

    fn warn(&self, why: &str) {
        let text = format!("a partial file may be left at {}: {why}", self.at);
        self.inner.host.log(LogLevel::Warn, &text);
    }

    async fn remove(&self, pauses: &[Duration]) -> Result<()> {
        let client = &self.inner.client;
        for pause in pauses {
            tokio::time::sleep(*pause).await;
            let Some(found) = look(client, &self.credential, &self.at).await? else {
                continue;
            };
            let claims = &self.inner.claims;
            if !claims.may_remove(self.at.as_str(), self.claim, &found) {
                return Ok(());
            }
            let removed = unlink(client, &self.credential, &self.at).await;
            // The server may have removed it by itself meanwhile.
            return optional(removed).map(|_| ());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_write_takes_over_with_what_was_there_at_first() {
        let claims = Claims::default();
        let (old, partial) = (Stat::file(9), Stat::file(3));
        let first = claims.take("a", Some(old.clone()));
        let second = claims.take("a", Some(partial.clone()));
        assert!(!claims.may_remove("a", first, &partial));
        assert!(claims.may_remove("a", second, &partial));
        assert!(!claims.may_remove("a", second, &old));
        assert!(!claims.may_remove("a", second, &Stat::directory()));
        claims.keep("a", first);
        assert!(!claims.may_remove("a", second, &partial));
        claims.give_back("a", second);
        assert!(claims.0.lock().holders.is_empty());
    }
}
