//! Providers of cloud storage, grants and request tokens in the vault without a disk.

use std::collections::BTreeMap;

use async_trait::async_trait;
use causeway_model::clouds::{
    CloudGrant, CloudHolder, CloudRequestToken, CloudStorage, CloudStorageStore,
};
use causeway_model::ports::StoreError;
use parking_lot::Mutex;

use crate::MemoryVault;

/// Rows by provider, then by whom they belong to.
#[derive(Debug, Default)]
pub(crate) struct Clouds {
    providers: BTreeMap<String, CloudStorage>,
    grants: BTreeMap<(String, CloudHolder), CloudGrant>,
    requests: BTreeMap<(String, String), CloudRequestToken>,
}

impl MemoryVault {
    fn rows<T>(&self, work: impl FnOnce(&mut Clouds) -> T) -> Result<T, StoreError> {
        let clouds: &Mutex<Clouds> = &self.clouds;
        Ok(work(&mut clouds.lock()))
    }
}

#[async_trait]
impl CloudStorageStore for MemoryVault {
    async fn clouds(&self) -> Result<Vec<CloudStorage>, StoreError> {
        self.rows(|it| it.providers.values().cloned().collect())
    }

    async fn cloud(&self, name: &str) -> Result<Option<CloudStorage>, StoreError> {
        self.rows(|it| it.providers.get(name).cloned())
    }

    async fn put_cloud(&self, cloud: &CloudStorage) -> Result<(), StoreError> {
        self.rows(|it| it.providers.insert(cloud.name.clone(), cloud.clone()))
            .map(drop)
    }

    async fn delete_cloud(&self, name: &str) -> Result<bool, StoreError> {
        self.rows(|it| {
            it.grants.retain(|(storage, _), _| storage != name);
            it.requests.retain(|(storage, _), _| storage != name);
            it.providers.remove(name).is_some()
        })
    }

    async fn cloud_grants(&self, storage: &str) -> Result<Vec<CloudGrant>, StoreError> {
        self.rows(|it| {
            let rows = it.grants.values().filter(|row| row.storage == storage);
            rows.cloned().collect()
        })
    }

    async fn cloud_grant(
        &self,
        storage: &str,
        holder: &CloudHolder,
    ) -> Result<Option<CloudGrant>, StoreError> {
        let key = (storage.to_owned(), holder.clone());
        self.rows(|it| it.grants.get(&key).cloned())
    }

    async fn put_cloud_grant(&self, grant: &CloudGrant) -> Result<(), StoreError> {
        let key = (grant.storage.clone(), grant.holder.clone());
        self.rows(|it| it.grants.insert(key, grant.clone()))
            .map(drop)
    }

    async fn delete_cloud_grant(
        &self,
        storage: &str,
        holder: &CloudHolder,
    ) -> Result<bool, StoreError> {
        let key = (storage.to_owned(), holder.clone());
        self.rows(|it| it.grants.remove(&key).is_some())
    }

    async fn cloud_request(
        &self,
        storage: &str,
        user_dn: &str,
    ) -> Result<Option<CloudRequestToken>, StoreError> {
        let key = (storage.to_owned(), user_dn.to_owned());
        self.rows(|it| it.requests.get(&key).cloned())
    }

    async fn put_cloud_request(&self, request: &CloudRequestToken) -> Result<(), StoreError> {
        let key = (request.storage.clone(), request.user_dn.clone());
        self.rows(|it| it.requests.insert(key, request.clone()))
            .map(drop)
    }

    async fn take_cloud_request(
        &self,
        storage: &str,
        user_dn: &str,
    ) -> Result<Option<CloudRequestToken>, StoreError> {
        let key = (storage.to_owned(), user_dn.to_owned());
        self.rows(|it| it.requests.remove(&key))
    }
}
