//! A vault without a disk, for tests.

use std::collections::HashMap;

use async_trait::async_trait;

use causeway_model::Timestamp;
use causeway_model::cloud_keys::Errand;
use causeway_model::names::{NameIndex, beginning};
use causeway_model::ports::{CredentialVault, PendingDelegation, StoreError, StoredCredential};
use causeway_sdk::Credential;

use parking_lot::Mutex;

use crate::vault_memory_clouds::Clouds;

type Owner = (String, String);

/// A vault that forgets everything when it is dropped.
#[derive(Debug, Default)]
pub struct MemoryVault {
    pending: Mutex<HashMap<Owner, PendingDelegation>>,
    credentials: Mutex<HashMap<Owner, StoredCredential>>,
    pub(crate) clouds: Mutex<Clouds>,
}

impl MemoryVault {
    /// An empty vault.
    pub fn new() -> Self {
        Self::default()
    }
}

fn owner(dlg_id: &str, dn: &str) -> Owner {
    (dlg_id.to_owned(), dn.to_owned())
}

#[async_trait]
impl CredentialVault for MemoryVault {
    async fn pending(
        &self,
        dlg_id: &str,
        dn: &str,
    ) -> Result<Option<PendingDelegation>, StoreError> {
        Ok(self.pending.lock().get(&owner(dlg_id, dn)).cloned())
    }

    async fn put_pending(
        &self,
        dlg_id: &str,
        dn: &str,
        pending: &PendingDelegation,
    ) -> Result<(), StoreError> {
        self.pending
            .lock()
            .insert(owner(dlg_id, dn), pending.clone());
        Ok(())
    }

    async fn credential(
        &self,
        dlg_id: &str,
        dn: &str,
    ) -> Result<Option<StoredCredential>, StoreError> {
        Ok(self.credentials.lock().get(&owner(dlg_id, dn)).cloned())
    }

    async fn put_credential(
        &self,
        dlg_id: &str,
        dn: &str,
        credential: &StoredCredential,
    ) -> Result<(), StoreError> {
        self.credentials
            .lock()
            .insert(owner(dlg_id, dn), credential.clone());
        Ok(())
    }

    async fn delete_credential(&self, dlg_id: &str, dn: &str) -> Result<bool, StoreError> {
        Ok(self.credentials.lock().remove(&owner(dlg_id, dn)).is_some())
    }

    async fn keys(&self, errand: Errand<'_>) -> Result<Option<Credential>, StoreError> {
        errand.keys(self).await
    }

    async fn delete_expired(&self, before: Timestamp) -> Result<usize, StoreError> {
        let mut credentials = self.credentials.lock();
        let all = credentials.len();
        credentials.retain(|_, it| it.termination_time >= before);
        Ok(all - credentials.len())
    }
}

#[async_trait]
impl NameIndex for MemoryVault {
    async fn names(&self, prefix: &str, limit: usize) -> Result<Vec<String>, StoreError> {
        let credentials = self.credentials.lock();
        let dns = credentials.keys().map(|(_, dn)| dn.as_str());
        let mut dns: Vec<&str> = dns.filter(|it| it.starts_with(prefix)).collect();
        dns.sort_unstable();
        Ok(beginning(dns.into_iter(), prefix, limit))
    }
}
