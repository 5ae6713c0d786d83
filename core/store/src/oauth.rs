//! Applications and the codes and tokens they hold, sealed in the vault's database.
//!
//! There are few rows and each request with a token needs one, so all of them are in memory and the
//! disk is only written. Of codes and tokens the hash alone is known here; an application's secret
//! is sealed like a credential.
//!
//! # Invariants
//! - What is seen was made durable before; a code or a refresh token is given out once, also to
//!   many who ask at the same time: `tests/oauth.rs`.

use std::sync::Arc;

use async_trait::async_trait;
use causeway_model::Timestamp;
use causeway_model::oauth::{OAuthApp, OAuthCode, OAuthStore, OAuthToken, TokenHash};
use causeway_model::ports::StoreError;
use parking_lot::RwLock;
use sled::Tree;
use tokio::sync::Mutex;

use crate::oauth_table::{Key, OAuthTable, Row, Write};
use crate::readers::Readers;
use crate::vault::{EncryptedVault, Inner, failed};

/// Applications, codes and tokens.
pub struct OAuthRows {
    table: RwLock<OAuthTable>,
    /// Held from looking to the moment at which the change can be seen.
    turn: Mutex<()>,
    disk: Option<Disk>,
}

/// The database of a vault.
struct Disk {
    vault: Arc<Inner>,
    rows: Tree,
    thread: Readers,
}

impl std::fmt::Debug for OAuthRows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OAuthRows").finish_non_exhaustive()
    }
}

impl Disk {
    async fn keep(&self, writes: &[Write]) -> Result<(), StoreError> {
        let mut sealed = Vec::with_capacity(writes.len());
        for write in writes {
            sealed.push(match write {
                Write::Put(key, row) => {
                    let key = on_disk(key);
                    let value = self.vault.sealer.seal(&key, row)?;
                    (key, Some(value))
                }
                Write::Delete(key) => (on_disk(key), None),
            });
        }
        let (vault, rows) = (self.vault.clone(), self.rows.clone());
        let write = move || {
            for (key, value) in sealed {
                let done = match value {
                    Some(value) => rows.insert(key, value),
                    None => rows.remove(key),
                };
                done.map_err(|e| failed("write to", e))?;
            }
            vault.sync()
        };
        self.thread.run(write).await
    }
}

fn on_disk(key: &Key) -> Vec<u8> {
    let (kind, name) = match key {
        Key::App(id) => (b'a', id.as_bytes()),
        Key::Code(hash) => (b'c', hash.0.as_slice()),
        Key::Token(hash) => (b't', hash.0.as_slice()),
    };
    let mut key = vec![kind];
    key.extend(name);
    key
}

fn from_disk(key: &[u8]) -> Option<Key> {
    let (kind, name) = key.split_first()?;
    let hash = || Some(TokenHash(name.try_into().ok()?));
    match kind {
        b'a' => Some(Key::App(std::str::from_utf8(name).ok()?.to_owned())),
        b'c' => Some(Key::Code(hash()?)),
        b't' => Some(Key::Token(hash()?)),
        _ => None,
    }
}

impl OAuthRows {
    /// Without anything, and forgotten in the end: for tests.
    pub fn in_memory() -> Self {
        Self::with(OAuthTable::default(), None)
    }

    /// Reads what a vault has of them.
    ///
    /// # Errors
    /// A database that cannot be read, or rows that do not open.
    pub fn open(vault: &EncryptedVault) -> Result<Self, StoreError> {
        let vault = vault.inner.clone();
        let rows = vault.tree("oauth")?;
        let mut table = OAuthTable::default();
        for entry in rows.iter() {
            let (key, sealed) = entry.map_err(|e| failed("read", e))?;
            let row: Row = vault.sealer.open(&key, &sealed)?;
            let key = from_disk(&key).ok_or_else(|| failed("read", "a key of another kind"))?;
            table.apply(Write::Put(key, row));
        }
        let thread = Readers::start("oauth", 1)?;
        let disk = Disk {
            vault,
            rows,
            thread,
        };
        Ok(Self::with(table, Some(disk)))
    }

    fn with(table: OAuthTable, disk: Option<Disk>) -> Self {
        Self {
            table: RwLock::new(table),
            turn: Mutex::new(()),
            disk,
        }
    }

    /// Works a change out, makes it durable, shows it. One at a time.
    async fn change<T: Send>(
        &self,
        work: impl FnOnce(&OAuthTable) -> (Vec<Write>, T) + Send,
    ) -> Result<T, StoreError> {
        let _turn = self.turn.lock().await;
        let (writes, answer) = work(&self.table.read());
        if writes.is_empty() {
            return Ok(answer);
        }
        if let Some(disk) = &self.disk {
            disk.keep(&writes).await?;
        }
        let mut table = self.table.write();
        writes.into_iter().for_each(|it| table.apply(it));
        Ok(answer)
    }
}

fn put_app(app: OAuthApp) -> Vec<Write> {
    vec![Write::Put(Key::App(app.client_id.clone()), Row::App(app))]
}

#[async_trait]
impl OAuthStore for OAuthRows {
    async fn app(&self, client_id: &str) -> Result<Option<OAuthApp>, StoreError> {
        Ok(self.table.read().app(client_id).cloned())
    }

    async fn apps_of(&self, owner: &str) -> Result<Vec<OAuthApp>, StoreError> {
        Ok(self.table.read().apps_of(owner))
    }

    async fn add_app(&self, app: OAuthApp) -> Result<bool, StoreError> {
        self.change(|table| {
            let is_free = !table.is_taken(&app.name, "") && table.app(&app.client_id).is_none();
            let writes = if is_free { put_app(app) } else { Vec::new() };
            (writes, is_free)
        })
        .await
    }

    async fn change_app(&self, app: OAuthApp) -> Result<bool, StoreError> {
        self.change(|table| match table.app(&app.client_id) {
            Some(_) => (put_app(app), true),
            None => (Vec::new(), false),
        })
        .await
    }

    async fn delete_app(&self, client_id: &str) -> Result<bool, StoreError> {
        self.change(|table| match table.app(client_id) {
            Some(_) => (table.without_app(client_id), true),
            None => (Vec::new(), false),
        })
        .await
    }

    async fn put_code(
        &self,
        code: TokenHash,
        row: OAuthCode,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.change(|table| (table.with_code(code, row, now), ()))
            .await
    }

    async fn take_code(
        &self,
        code: TokenHash,
        client_id: &str,
    ) -> Result<Option<OAuthCode>, StoreError> {
        self.change(|table| match table.code(code, client_id) {
            Some(row) => (vec![Write::Delete(Key::Code(code))], Some(row.clone())),
            None => (Vec::new(), None),
        })
        .await
    }

    async fn put_token(
        &self,
        access: TokenHash,
        row: OAuthToken,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.change(|table| (table.with_token(access, row, now), ()))
            .await
    }

    async fn token(&self, access: TokenHash) -> Result<Option<OAuthToken>, StoreError> {
        Ok(self.table.read().token(access).cloned())
    }

    async fn take_refresh(
        &self,
        refresh: TokenHash,
        client_id: &str,
    ) -> Result<Option<OAuthToken>, StoreError> {
        self.change(|table| match table.by_refresh(refresh, client_id) {
            Some((access, row)) => (vec![Write::Delete(Key::Token(access))], Some(row.clone())),
            None => (Vec::new(), None),
        })
        .await
    }

    async fn tokens_of(&self, user_dn: &str) -> Result<Vec<OAuthToken>, StoreError> {
        Ok(self.table.read().tokens_of(user_dn))
    }

    async fn revoke(&self, client_id: &str, user_dn: &str) -> Result<usize, StoreError> {
        self.change(|table| {
            let writes = table.without_tokens(client_id, user_dn);
            let count = writes.len();
            (writes, count)
        })
        .await
    }
}
