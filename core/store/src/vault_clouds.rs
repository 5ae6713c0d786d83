//! Providers of cloud storage, grants and request tokens in the vault, sealed like credentials.
//!
//! A key is a kind and hashes of names, so that all grants of a provider stand together and no name
//! is on disk in the clear.

use async_trait::async_trait;
use aws_lc_rs::digest::{SHA256, digest};
use causeway_model::clouds::{
    CloudGrant, CloudHolder, CloudRequestToken, CloudStorage, CloudStorageStore,
};
use causeway_model::ports::StoreError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sled::Tree;

use crate::vault::{EncryptedVault, Inner, failed};

const PROVIDER: u8 = 0;
const GRANT: u8 = 1;
const REQUEST: u8 = 2;

/// All keys of one kind that belong to a provider begin so; that of the provider itself is that.
fn of_provider(kind: u8, name: &str) -> Vec<u8> {
    let mut key = vec![kind];
    key.extend(digest(&SHA256, name.as_bytes()).as_ref());
    key
}

fn grant_key(storage: &str, holder: &CloudHolder) -> Vec<u8> {
    let tag = match holder {
        CloudHolder::User(_) => b"u",
        CloudHolder::Vo(_) => b"v",
    };
    let holder = [tag.as_slice(), holder.name().as_bytes()].concat();
    let mut key = of_provider(GRANT, storage);
    key.extend(digest(&SHA256, &holder).as_ref());
    key
}

fn request_key(storage: &str, user_dn: &str) -> Vec<u8> {
    let mut key = of_provider(REQUEST, storage);
    key.extend(digest(&SHA256, user_dn.as_bytes()).as_ref());
    key
}

impl Inner {
    fn clouds(&self) -> &Tree {
        &self.clouds
    }

    fn cloud_row<T: DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, StoreError> {
        let sealed = self.clouds().get(key).map_err(|e| failed("read", e))?;
        sealed.map(|it| self.sealer.open(key, &it)).transpose()
    }

    fn cloud_rows<T: DeserializeOwned>(&self, prefix: &[u8]) -> Result<Vec<T>, StoreError> {
        let rows = self.clouds().scan_prefix(prefix).map(|entry| {
            let (key, sealed) = entry.map_err(|e| failed("read", e))?;
            self.sealer.open(&key, &sealed)
        });
        rows.collect()
    }

    fn put_cloud_row(&self, key: &[u8], sealed: Vec<u8>) -> Result<(), StoreError> {
        let kept = self.clouds().insert(key, sealed);
        kept.map_err(|e| failed("write to", e))?;
        self.sync()
    }

    /// True when there was one.
    fn delete_cloud_row(&self, key: &[u8]) -> Result<bool, StoreError> {
        let old = self.clouds().remove(key);
        let old = old.map_err(|e| failed("write to", e))?;
        self.sync()?;
        Ok(old.is_some())
    }

    /// The provider goes last, so that a crash in between leaves none without its grants unseen.
    fn delete_provider(&self, name: &str) -> Result<bool, StoreError> {
        for kind in [REQUEST, GRANT] {
            for key in self.clouds().scan_prefix(of_provider(kind, name)).keys() {
                let key = key.map_err(|e| failed("read", e))?;
                let gone = self.clouds().remove(key);
                gone.map_err(|e| failed("write to", e))?;
            }
        }
        self.delete_cloud_row(&of_provider(PROVIDER, name))
    }
}

impl EncryptedVault {
    async fn cloud_row<T: DeserializeOwned + Send + 'static>(
        &self,
        key: Vec<u8>,
    ) -> Result<Option<T>, StoreError> {
        let inner = self.inner.clone();
        self.thread.run(move || inner.cloud_row(&key)).await
    }

    async fn put_cloud_row(
        &self,
        key: Vec<u8>,
        value: &(impl Serialize + Sync),
    ) -> Result<(), StoreError> {
        let sealed = self.inner.sealer.seal(&key, value)?;
        let inner = self.inner.clone();
        self.thread
            .run(move || inner.put_cloud_row(&key, sealed))
            .await
    }
}

#[async_trait]
impl CloudStorageStore for EncryptedVault {
    async fn clouds(&self) -> Result<Vec<CloudStorage>, StoreError> {
        let inner = self.inner.clone();
        let rows = self.thread.run(move || inner.cloud_rows(&[PROVIDER])).await;
        let mut rows: Vec<CloudStorage> = rows?;
        rows.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(rows)
    }

    async fn cloud(&self, name: &str) -> Result<Option<CloudStorage>, StoreError> {
        self.cloud_row(of_provider(PROVIDER, name)).await
    }

    async fn put_cloud(&self, cloud: &CloudStorage) -> Result<(), StoreError> {
        let key = of_provider(PROVIDER, &cloud.name);
        self.put_cloud_row(key, cloud).await
    }

    async fn delete_cloud(&self, name: &str) -> Result<bool, StoreError> {
        let (inner, name) = (self.inner.clone(), name.to_owned());
        self.thread.run(move || inner.delete_provider(&name)).await
    }

    async fn cloud_grants(&self, storage: &str) -> Result<Vec<CloudGrant>, StoreError> {
        let inner = self.inner.clone();
        let prefix = of_provider(GRANT, storage);
        let rows = self.thread.run(move || inner.cloud_rows(&prefix)).await;
        let mut rows: Vec<CloudGrant> = rows?;
        rows.sort_by(|a, b| a.holder.cmp(&b.holder));
        Ok(rows)
    }

    async fn cloud_grant(
        &self,
        storage: &str,
        holder: &CloudHolder,
    ) -> Result<Option<CloudGrant>, StoreError> {
        self.cloud_row(grant_key(storage, holder)).await
    }

    async fn put_cloud_grant(&self, grant: &CloudGrant) -> Result<(), StoreError> {
        let key = grant_key(&grant.storage, &grant.holder);
        self.put_cloud_row(key, grant).await
    }

    async fn delete_cloud_grant(
        &self,
        storage: &str,
        holder: &CloudHolder,
    ) -> Result<bool, StoreError> {
        let inner = self.inner.clone();
        let key = grant_key(storage, holder);
        self.thread.run(move || inner.delete_cloud_row(&key)).await
    }

    async fn cloud_request(
        &self,
        storage: &str,
        user_dn: &str,
    ) -> Result<Option<CloudRequestToken>, StoreError> {
        self.cloud_row(request_key(storage, user_dn)).await
    }

    async fn put_cloud_request(&self, request: &CloudRequestToken) -> Result<(), StoreError> {
        let key = request_key(&request.storage, &request.user_dn);
        self.put_cloud_row(key, request).await
    }

    async fn take_cloud_request(
        &self,
        storage: &str,
        user_dn: &str,
    ) -> Result<Option<CloudRequestToken>, StoreError> {
        let inner = self.inner.clone();
        let key = request_key(storage, user_dn);
        self.thread
            .run(move || {
                let found = inner.cloud_row(&key)?;
                inner.delete_cloud_row(&key)?;
                Ok(found)
            })
            .await
    }
}
