//! Delegated credentials, encrypted on disk.
//!
//! Each value is sealed with AES-256-GCM under the key file's key and a random nonce. What it
//! belongs to (kind, delegation id, DN) is authenticated with it, so a value moved to another
//! owner's place does not open; on disk that name is a hash only. A write is synced when it
//! returns. It knows nothing of certificates: what it keeps is text to it.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::digest::{SHA256, digest};
use causeway_model::Timestamp;
use causeway_model::ports::{CredentialVault, PendingDelegation, StoreError, StoredCredential};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sled::{Db, Tree};
use zeroize::Zeroizing;

use crate::frame::{io_failed, sync_dir};
use crate::readers::Readers;
use crate::vault_key;

/// First byte of each value, so that another cipher can come later.
const VERSION: u8 = 1;
/// Room for a value, so that no copy of it is left behind by a growing buffer.
const ROOM: usize = 64 << 10;
const CACHE: u64 = 8 << 20;

/// Which of the two things an owner may have here.
#[derive(Clone, Copy)]
enum Kind {
    Pending,
    Credential,
    /// Says whether the key is the right one.
    Check,
}

/// What a value belongs to.
struct Name(Vec<u8>);

impl Name {
    fn new(kind: Kind, dlg_id: &str, dn: &str) -> Self {
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

struct Inner {
    db: Db,
    values: Tree,
    /// When each credential ends, by the same key: the value itself does not open without its
    /// owner's name.
    ends: Tree,
    file: File,
    key: RandomizedNonceKey,
}

/// Credentials in a directory of their own. See the module.
pub struct EncryptedVault {
    inner: Arc<Inner>,
    thread: Readers,
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
        let key = RandomizedNonceKey::new(&AES_256_GCM, key.as_slice());
        let path = dir.join("db");
        let inner = Inner {
            file: File::open(&path).map_err(|e| io_failed("open", &path, &e))?,
            key: key.map_err(|_| failed("open", "the key is not accepted"))?,
            values,
            ends: db.open_tree("ends").map_err(|e| failed("open", e))?,
            db,
        };
        inner.check_key(key_file)?;
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

    fn seal(&self, name: &Name, value: &impl Serialize) -> Result<Vec<u8>, StoreError> {
        let plain = postcard::to_extend(value, Vec::with_capacity(ROOM));
        // The text of an encoding error could quote the value.
        let plain = plain.map_err(|_| failed("write to", "the value cannot be encoded"))?;
        let mut buffer = Zeroizing::new(plain);
        let nonce = self
            .key
            .seal_in_place_append_tag(Aad::from(&name.0), &mut *buffer)
            .map_err(|_| failed("write to", "encryption failed"))?;
        let mut sealed = vec![VERSION];
        sealed.extend(nonce.as_ref());
        sealed.extend_from_slice(&buffer);
        Ok(sealed)
    }

    fn get<T: DeserializeOwned>(&self, name: &Name) -> Result<Option<T>, StoreError> {
        let stored = self.values.get(name.key()).map_err(|e| failed("read", e))?;
        let Some(stored) = stored else {
            return Ok(None);
        };
        let Some((&VERSION, rest)) = stored.split_first() else {
            return Err(failed("read", "a value of another version"));
        };
        let (nonce, sealed) = rest
            .split_at_checked(NONCE_LEN)
            .ok_or_else(|| failed("read", "a value is cut short"))?;
        let nonce = Nonce::try_assume_unique_for_key(nonce);
        let nonce = nonce.map_err(|_| failed("read", "a value is cut short"))?;
        let mut buffer = Zeroizing::new(sealed.to_vec());
        let plain = self
            .key
            .open_in_place(nonce, Aad::from(&name.0), &mut buffer)
            .map_err(|_| failed("read", "a value is damaged or was written with another key"))?;
        let value = postcard::from_bytes(plain);
        value
            .map(Some)
            .map_err(|_| failed("read", "a value cannot be decoded"))
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
        sealed: Vec<u8>,
        end: Timestamp,
    ) -> Result<(), StoreError> {
        let noted = self.ends.insert(name.key(), &end.0.to_be_bytes());
        noted.map_err(|e| failed("write to", e))?;
        self.put(name, sealed)
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
        self.sync()?;
        Ok(old.is_some())
    }

    /// `flush()` of sled does not sync its file on Linux.
    fn sync(&self) -> Result<(), StoreError> {
        self.db.flush().map_err(|e| failed("flush", e))?;
        self.file.sync_data().map_err(|e| failed("sync", e))
    }
}

fn failed(what: &str, e: impl std::fmt::Display) -> StoreError {
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
        self.thread
            .run(move || inner.put_credential(&name, sealed, end))
            .await
    }

    async fn delete_credential(&self, dlg_id: &str, dn: &str) -> Result<bool, StoreError> {
        let name = Name::new(Kind::Credential, dlg_id, dn);
        let inner = self.inner.clone();
        self.thread.run(move || inner.delete(&name)).await
    }

    async fn delete_expired(&self, before: Timestamp) -> Result<usize, StoreError> {
        let inner = self.inner.clone();
        self.thread.run(move || inner.delete_expired(before)).await
    }
}
