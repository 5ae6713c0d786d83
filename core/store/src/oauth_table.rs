//! Applications, codes and tokens in memory, with all that finds them.
//!
//! A change is first worked out as a list of [`Write`]s, which a keeper makes durable and only then
//! applies here; so what can be seen here is on disk. Nothing here knows disks, hashing or time.
//!
//! # Invariants
//! - The number of codes, and of tokens of a user for an application, is bounded; the oldest go.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use causeway_model::Timestamp;
use causeway_model::oauth::{OAuthApp, OAuthCode, OAuthToken, TokenHash};
use serde::{Deserialize, Serialize};

/// Codes that are kept at the same time.
const CODES: usize = 10_000;
/// Tokens of one user for one application.
const TOKENS: usize = 50;
/// Rows that have expired and are forgotten with one change.
const FORGET: usize = 100;

/// A row as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Row {
    App(OAuthApp),
    Code(OAuthCode),
    Token(OAuthToken),
}

/// Where a row stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    App(String),
    Code(TokenHash),
    Token(TokenHash),
}

/// A change.
#[derive(Clone, Debug)]
pub(crate) enum Write {
    Put(Key, Row),
    Delete(Key),
}

/// All rows.
#[derive(Debug, Default)]
pub(crate) struct OAuthTable {
    apps: BTreeMap<String, OAuthApp>,
    codes: HashMap<TokenHash, OAuthCode>,
    tokens: HashMap<TokenHash, OAuthToken>,
    by_refresh: HashMap<TokenHash, TokenHash>,
    /// By user and application.
    by_user: BTreeMap<(String, String), BTreeSet<(Timestamp, TokenHash)>>,
    /// When codes end, and when tokens can no longer be renewed.
    ends: BTreeSet<(Timestamp, Key)>,
}

impl OAuthTable {
    pub(crate) fn apply(&mut self, write: Write) {
        match write {
            Write::Put(key, row) => self.put(key, row),
            Write::Delete(key) => self.delete(&key),
        }
    }

    fn put(&mut self, key: Key, row: Row) {
        self.delete(&key);
        match (key, row) {
            (Key::App(id), Row::App(app)) => drop(self.apps.insert(id, app)),
            (Key::Code(hash), Row::Code(code)) => {
                self.ends.insert((code.expires, Key::Code(hash)));
                self.codes.insert(hash, code);
            }
            (Key::Token(hash), Row::Token(token)) => {
                self.ends.insert((token.refresh_expires, Key::Token(hash)));
                self.by_refresh.insert(token.refresh, hash);
                let of_user = self.by_user.entry(user_key(&token)).or_default();
                of_user.insert((token.expires, hash));
                self.tokens.insert(hash, token);
            }
            (key, _) => tracing::error!(?key, "a row of another kind stands at this key"),
        }
    }

    fn delete(&mut self, key: &Key) {
        match key {
            Key::App(id) => drop(self.apps.remove(id)),
            Key::Code(hash) => {
                if let Some(code) = self.codes.remove(hash) {
                    self.ends.remove(&(code.expires, key.clone()));
                }
            }
            Key::Token(hash) => {
                let Some(token) = self.tokens.remove(hash) else {
                    return;
                };
                self.ends.remove(&(token.refresh_expires, key.clone()));
                self.by_refresh.remove(&token.refresh);
                let user = user_key(&token);
                if let Some(of_user) = self.by_user.get_mut(&user) {
                    of_user.remove(&(token.expires, *hash));
                    if of_user.is_empty() {
                        self.by_user.remove(&user);
                    }
                }
            }
        }
    }

    pub(crate) fn app(&self, id: &str) -> Option<&OAuthApp> {
        self.apps.get(id)
    }

    pub(crate) fn apps_of(&self, owner: &str) -> Vec<OAuthApp> {
        let own = self.apps.values().filter(|it| it.owner == owner);
        let mut own: Vec<_> = own.cloned().collect();
        own.sort_by(|a, b| a.name.cmp(&b.name));
        own
    }

    /// Whether another application has this name.
    pub(crate) fn is_taken(&self, name: &str, by_other_than: &str) -> bool {
        let mut others = self.apps.values();
        others.any(|it| it.name == name && it.client_id != by_other_than)
    }

    /// An application with its codes and tokens.
    pub(crate) fn without_app(&self, id: &str) -> Vec<Write> {
        let codes = self.codes.iter().filter(|(_, it)| it.client_id == id);
        let tokens = self.tokens.iter().filter(|(_, it)| it.client_id == id);
        let keys = codes
            .map(|(hash, _)| Key::Code(*hash))
            .chain(tokens.map(|(hash, _)| Key::Token(*hash)));
        // The application goes last: a crash in between leaves no token without one.
        keys.chain([Key::App(id.to_owned())])
            .map(Write::Delete)
            .collect()
    }

    /// A new code, and what has to go for it.
    pub(crate) fn with_code(&self, hash: TokenHash, code: OAuthCode, now: Timestamp) -> Vec<Write> {
        let mut writes = self.expired(now);
        if self.codes.len() >= CODES {
            let mut codes = self.ends.iter().map(|(_, key)| key);
            let oldest = codes.find(|it| matches!(it, Key::Code(_)));
            writes.extend(oldest.cloned().map(Write::Delete));
        }
        writes.push(Write::Put(Key::Code(hash), Row::Code(code)));
        writes
    }

    pub(crate) fn code(&self, hash: TokenHash, client_id: &str) -> Option<&OAuthCode> {
        self.codes.get(&hash).filter(|it| it.client_id == client_id)
    }

    /// A new token, and what has to go for it.
    pub(crate) fn with_token(
        &self,
        hash: TokenHash,
        token: OAuthToken,
        now: Timestamp,
    ) -> Vec<Write> {
        let mut writes = self.expired(now);
        if let Some(of_user) = self.by_user.get(&user_key(&token))
            && of_user.len() >= TOKENS
        {
            let oldest = of_user.first().map(|(_, hash)| Key::Token(*hash));
            writes.extend(oldest.map(Write::Delete));
        }
        writes.push(Write::Put(Key::Token(hash), Row::Token(token)));
        writes
    }

    pub(crate) fn token(&self, hash: TokenHash) -> Option<&OAuthToken> {
        self.tokens.get(&hash)
    }

    /// The token that another one of the application renews.
    pub(crate) fn by_refresh(
        &self,
        refresh: TokenHash,
        client_id: &str,
    ) -> Option<(TokenHash, &OAuthToken)> {
        let hash = *self.by_refresh.get(&refresh)?;
        let token = self.tokens.get(&hash)?;
        (token.client_id == client_id).then_some((hash, token))
    }

    pub(crate) fn tokens_of(&self, user_dn: &str) -> Vec<OAuthToken> {
        let begin = (user_dn.to_owned(), String::new());
        let of_user = self.by_user.range(begin..);
        let of_user = of_user.take_while(|((dn, _), _)| dn == user_dn);
        let hashes = of_user.flat_map(|(_, hashes)| hashes.iter());
        hashes
            .filter_map(|(_, hash)| self.tokens.get(hash))
            .cloned()
            .collect()
    }

    /// Without the tokens of a user for an application.
    pub(crate) fn without_tokens(&self, client_id: &str, user_dn: &str) -> Vec<Write> {
        let key = (user_dn.to_owned(), client_id.to_owned());
        let hashes = self.by_user.get(&key).into_iter().flatten();
        hashes
            .map(|(_, hash)| Write::Delete(Key::Token(*hash)))
            .collect()
    }

    /// Some of what has expired, the oldest first.
    fn expired(&self, now: Timestamp) -> Vec<Write> {
        let over = self.ends.iter().take_while(|(end, _)| *end <= now);
        over.take(FORGET)
            .map(|(_, key)| Write::Delete(key.clone()))
            .collect()
    }
}

fn user_key(token: &OAuthToken) -> (String, String) {
    (token.user.user_dn.clone(), token.client_id.clone())
}

#[cfg(test)]
mod tests;
