//! Delegated credentials, encrypted on disk.
//!
//! Each value is sealed under the key file's key ([`vault_seal`](crate::vault_seal)) together with
//! what it belongs to (kind, delegation id, DN); on disk that name is a hash only. A write is synced
//! when it returns. It knows nothing of certificates: what it keeps is text to it.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use aws_lc_rs::digest::{SHA256, digest};

use causeway_model::Timestamp;
use causeway_model::cloud_keys::Errand;
use causeway_model::names::NameIndex;
use causeway_model::ports::{CredentialVault, PendingDelegation, StoreError, StoredCredential};

use causeway_sdk::Credential;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sled::{Db, Tree};

use crate::frame::{io_failed, sync_dir};
use crate::readers::Readers;
use crate::vault_key;
use crate::vault_owners::Owners;
use crate::vault_seal::Sealer;

const CACHE: u64 = 8 << 20;

/// What may be kept here; the order is on disk.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Pending,
    Credential,
    /// Says whether the key is the right one.
    Check,
    TransferToken,
}

/// What a value belongs to.
pub(crate) struct Name(Vec<u8>);

impl Name {
    pub(crate) fn new(kind: Kind, dlg_id: &str, dn: &str) -> Self {
        let mut name = vec![kind as u8];
        for part in [dlg_id, dn] {
            name.extend((part.len() as u64).to_be_bytes());
            name.extend(part.as_bytes());
        }
        Self(name)
    }

    fn key(&self) -> impl AsRef<[u8]> {
        digest(&SHA256, &self.0)
    }
}

pub(crate) struct Inner {
    db: Db,
    values: Tree,
    /// When each credential ends, by the same key: the value itself does not open without its
    /// owner's name.
    ends: Tree,
    owners: Owners,
    pub(crate) clouds: Tree,
    file: File,
    pub(crate) sealer: Sealer,
}

/// Credentials in a directory of their own. See the module.
pub struct EncryptedVault {
    pub(crate) inner: Arc<Inner>,
    pub(crate) thread: Readers,
}

impl std::fmt::Debug for EncryptedVault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EncryptedVault").finish_non_exhaustive()
    }
}

impl EncryptedVault {
    /// Opens or creates a vault; makes the key file when both are new.
    pub fn open(dir: &Path, key_file: &Path) -> Result<Self, StoreError> {
        let config = sled::Config::new()
            .path(dir)
            .cache_capacity(CACHE)
            .flush_every_ms(None);
        let db = config.open().map_err(|e| {
            StoreError::Failed(format!(
                "open the credential vault at {}: {e}. It can be moved away; users then delegate \
                 again",
                dir.display()
            ))
        })?;
        let values = db.open_tree("values").map_err(|e| failed("open", e))?;
        let key = vault_key::load(key_file, !values.is_empty())?;
        let sealer = Sealer::new(key.as_slice())?;
        let tree = |name: &str| db.open_tree(name).map_err(|e| failed("open", e));
        let path = dir.join("db");
        let inner = Inner {
            file: File::open(&path).map_err(|e| io_failed("open", &path, &e))?,
            owners: Owners::new(tree("owners")?),
            ends: tree("ends")?,
            clouds: tree("clouds")?,
            values,
            sealer,
            db,
        };
        inner.check_key(key_file)?;
        inner.owners.read(&inner.values, &inner.sealer)?;
        sync_dir(&path)?;
        Ok(Self {
            inner: Arc::new(inner),
            thread: Readers::start("vault", 1)?,
        })
    }

    async fn get<T: DeserializeOwned + Send + 'static>(
        &self,
        name: Name,
    ) -> Result<Option<T>, StoreError> {
        let inner = self.inner.clone();
        self.thread.run(move || inner.get(&name)).await
    }

    async fn put(&self, name: Name, value: &(impl Serialize + Sync)) -> Result<(), StoreError> {
        let sealed = self.inner.seal(&name, value)?;
        let inner = self.inner.clone();
        self.thread.run(move || inner.put(&name, sealed)).await
    }
}

impl Inner {
    fn check_key(&self, key_file: &Path) -> Result<(), StoreError> {
        let name = Name::new(Kind::Check, "", "");
        if self.values.is_empty() {
            let sealed = self.seal(&name, &())?;
            return self.put(&name, sealed);
        }
        match self.get::<()>(&name) {
            Ok(Some(())) => Ok(()),
            Ok(None) | Err(_) => Err(StoreError::Failed(format!(
                "open the credential vault: it was written with another key than that in {}. Put \
                 the right key file back, or move the vault away to start with an empty one",
                key_file.display()
            ))),
        }
    }

    pub(crate) fn seal(&self, name: &Name, value: &impl Serialize) -> Result<Vec<u8>, StoreError> {
        self.sealer.seal(&name.0, value)
    }

    pub(crate) fn get<T: DeserializeOwned>(&self, name: &Name) -> Result<Option<T>, StoreError> {
        let stored = self.values.get(name.key()).map_err(|e| failed("read", e))?;
        stored.map(|it| self.sealer.open(&name.0, &it)).transpose()
    }

    fn put(&self, name: &Name, sealed: Vec<u8>) -> Result<(), StoreError> {
        self.values
            .insert(name.key(), sealed)
            .map_err(|e| failed("write to", e))?;
        self.sync()
    }

    fn put_credential(
        &self,
        name: &Name,
        dn: &str,
        sealed: Vec<u8>,
        end: Timestamp,
    ) -> Result<(), StoreError> {
        let noted = self.ends.insert(name.key(), &end.0.to_be_bytes());
        noted.map_err(|e| failed("write to", e))?;
        self.owners.add(name.key().as_ref(), dn, &self.sealer)?;
        self.put(name, sealed)
    }

    /// Keeps a value that can be forgotten after a time; not synced.
    pub(crate) fn put_ending(
        &self,
        name: &Name,
        sealed: Vec<u8>,
        end: Timestamp,
    ) -> Result<(), StoreError> {
        let kept = self.ends.insert(name.key(), &end.0.to_be_bytes());
        let kept = kept.and_then(|_| self.values.insert(name.key(), sealed));
        kept.map(drop).map_err(|e| failed("write to", e))
    }

    /// A place of its own for rows of another kind.
    pub(crate) fn tree(&self, name: &str) -> Result<Tree, StoreError> {
        self.db.open_tree(name).map_err(|e| failed("open", e))
    }

    /// Forgets what ended before a time. Values from before ends were noted stay.
    fn delete_expired(&self, before: Timestamp) -> Result<usize, StoreError> {
        let mut deleted = 0;
        for entry in self.ends.iter() {
            let (key, end) = entry.map_err(|e| failed("read", e))?;
            let end = end.as_ref().try_into().map_err(|e| failed("read", e))?;
            if Timestamp(i64::from_be_bytes(end)) >= before {
                continue;
            }
            let old = self.values.remove(&key);
            let old = old.and_then(|old| self.ends.remove(&key).map(|_| old));
            self.owners.remove(&key)?;
            deleted += usize::from(old.map_err(|e| failed("write to", e))?.is_some());
        }
        self.sync()?;
        Ok(deleted)
    }

    fn delete(&self, name: &Name) -> Result<bool, StoreError> {
        let old = self
            .values
            .remove(name.key())
            .and_then(|old| self.ends.remove(name.key()).map(|_| old))
            .map_err(|e| failed("write to", e))?;
        self.owners.remove(name.key().as_ref())?;
        self.sync()?;
        Ok(old.is_some())
    }

    /// `flush()` of sled does not sync its file on Linux.
    pub(crate) fn sync(&self) -> Result<(), StoreError> {
        self.db.flush().map_err(|e| failed("flush", e))?;
        self.file.sync_data().map_err(|e| failed("sync", e))
    }
}

pub(crate) fn failed(what: &str, e: impl std::fmt::Display) -> StoreError {
    StoreError::Failed(format!("{what} the credential vault: {e}"))
}

#[async_trait]
impl CredentialVault for EncryptedVault {
    async fn pending(
        &self,
        dlg_id: &str,
        dn: &str,
    ) -> Result<Option<PendingDelegation>, StoreError> {
        self.get(Name::new(Kind::Pending, dlg_id, dn)).await
    }

    async fn put_pending(
        &self,
        dlg_id: &str,
        dn: &str,
        pending: &PendingDelegation,
    ) -> Result<(), StoreError> {
        self.put(Name::new(Kind::Pending, dlg_id, dn), pending)
            .await
    }

    async fn credential(
        &self,
        dlg_id: &str,
        dn: &str,
    ) -> Result<Option<StoredCredential>, StoreError> {
        self.get(Name::new(Kind::Credential, dlg_id, dn)).await
    }

    async fn put_credential(
        &self,
        dlg_id: &str,
        dn: &str,
        credential: &StoredCredential,
    ) -> Result<(), StoreError> {
        let name = Name::new(Kind::Credential, dlg_id, dn);
        let sealed = self.inner.seal(&name, credential)?;
        let (inner, end) = (self.inner.clone(), credential.termination_time);
        let dn = dn.to_owned();
        self.thread
            .run(move || inner.put_credential(&name, &dn, sealed, end))
            .await
    }

    async fn delete_credential(&self, dlg_id: &str, dn: &str) -> Result<bool, StoreError> {
        let name = Name::new(Kind::Credential, dlg_id, dn);
        let inner = self.inner.clone();
        self.thread.run(move || inner.delete(&name)).await
    }

    async fn keys(&self, errand: Errand<'_>) -> Result<Option<Credential>, StoreError> {
        errand.keys(self).await
    }

    async fn delete_expired(&self, before: Timestamp) -> Result<usize, StoreError> {
        let inner = self.inner.clone();
        self.thread.run(move || inner.delete_expired(before)).await
    }
}

/// DNs of those who have a credential here.
#[async_trait]
impl NameIndex for EncryptedVault {
    async fn names(&self, prefix: &str, limit: usize) -> Result<Vec<String>, StoreError> {
        Ok(self.inner.owners.names(prefix, limit))
    }
}
