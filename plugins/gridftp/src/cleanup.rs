//! Removing what a failed write or copy left under a name.
//!
//! # Invariants
//! - Nothing is removed before the server has opened the file for a write of ours: until then, what is there is
//!   somebody else's, whoever looked and when. As long as the server has not said whether it did, an empty file goes,
//!   and no other: there are servers that open it, and wait for a connection before they say so.
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
use crate::sights::{Eye, Sight, Ticket};
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

/// Whether the server opened the file for a write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Opened {
    /// It was not told to, or refused.
    #[default]
    No,
    /// It was told to, and says nothing.
    Perhaps,
    /// It said so.
    Yes,
}

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
    /// Of any of them.
    opened: Opened,
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
        let opened = earlier.as_ref().map(|it| it.opened).unwrap_or_default();
        let before = earlier.map_or(before, |it| it.before);
        let holder = Holder {
            claim,
            before,
            opened,
            is_kept: false,
        };
        table.holders.insert(name.to_owned(), holder);
        claim
    }

    /// What the server did for a write, also for who took the name over.
    fn note(&self, name: &str, opened: Opened) {
        let mut table = self.0.lock();
        let holder = table.holders.get_mut(name);
        if let Some(holder) = holder.filter(|it| it.opened != Opened::Yes) {
            holder.opened = opened;
        }
    }

    fn opened(&self, name: &str) -> Opened {
        let table = self.0.lock();
        let holder = table.holders.get(name);
        holder.map(|it| it.opened).unwrap_or_default()
    }

    fn may_remove(&self, name: &str, claim: u64, found: &Stat) -> bool {
        let table = self.0.lock();
        table.holders.get(name).is_some_and(|it| {
            let is_old = it
                .before
                .as_ref()
                .is_some_and(|before| is_same(before, found));
            let is_ours = match it.opened {
                Opened::No => false,
                Opened::Perhaps => found.size == Some(0),
                Opened::Yes => true,
            };
            it.claim == claim && is_ours && !it.is_kept && !is_old && !found.is_directory()
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
    ticket: Ticket,
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
            ticket: inner.sights.begin(at),
            runtime: Handle::current(),
        }))
    }

    /// What the server did. What it opened is to be removed unless all goes well.
    pub(crate) fn notes(&self, opened: Opened) {
        if let Some(it) = &self.0 {
            it.inner.claims.note(it.at.as_str(), opened);
        }
    }

    /// Whether something of ours may be there.
    pub(crate) fn opened(&self) -> Opened {
        let it = self.0.as_ref();
        it.map(|it| it.inner.claims.opened(it.at.as_str()))
            .unwrap_or_default()
    }

    /// All went well: what is there stays, also when another write fails. The next call of `told.0` may know so many
    /// bytes, unless somebody had to do with the name meanwhile.
    pub(crate) fn keep(mut self, told: Option<(Eye, u64)>) {
        if let Some(it) = self.0.take() {
            it.inner.claims.keep(it.at.as_str(), it.claim);
            let sight = told.map(|(eye, bytes)| (eye, Sight::Written(bytes)));
            it.inner.sights.settle(it.ticket, sight);
        }
    }

    /// Removes the partial file now. Dropping the future leaves it to the background.
    pub(crate) async fn remove(mut self) {
        if let Some(partial) = &self.0 {
            partial.remove_and_log(&PAUSES[..1]).await;
        }
        if let Some(it) = self.0.take() {
            it.inner.claims.give_back(it.at.as_str(), it.claim);
            it.inner.sights.settle(it.ticket, None);
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
            let Partial { inner, at, .. } = &partial;
            inner.claims.give_back(at.as_str(), partial.claim);
            inner.sights.forget(at);
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
        let Inner {
            client,
            claims,
            sights,
            ..
        } = &*self.inner;
        for pause in pauses {
            tokio::time::sleep(*pause).await;
            if claims.opened(self.at.as_str()) == Opened::No {
                return Ok(());
            }
            let Some(found) = look(client, &self.credential, &self.at).await? else {
                continue;
            };
            if !claims.may_remove(self.at.as_str(), self.claim, &found) {
                return Ok(());
            }
            let _touch = sights.touch(&self.at);
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
        // Nobody has opened it yet.
        assert!(!claims.may_remove("a", first, &partial));
        claims.note("a", Opened::Perhaps);
        assert!(!claims.may_remove("a", first, &partial));
        assert!(claims.may_remove("a", first, &Stat::file(0)));
        claims.note("a", Opened::No);
        assert!(!claims.may_remove("a", first, &Stat::file(0)));
        claims.note("a", Opened::Yes);
        claims.note("a", Opened::Perhaps);
        assert!(claims.may_remove("a", first, &partial));
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
