//! Cloud storages that users reach with keys instead of certificates: which there are, and who may
//! use them with which keys.
//!
//! Operators and users write these rows, the API reads and writes them through
//! [`CloudStorageStore`], and whoever keeps them does so encrypted. [`CloudProviders`] is how a
//! provider is asked, in a user's name, for a grant and for what can be done with one. Nothing here
//! knows how a provider is spoken to, nor the name of any.

use async_trait::async_trait;
use causeway_sdk::Secret;
use serde::{Deserialize, Serialize};

use crate::ports::StoreError;
use crate::{JsonText, Timestamp};

/// A provider of storage, under the name by which operators know it: `S3:host` for example.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloudStorage {
    /// Name, unique.
    pub name: String,
    /// Names this service at the provider.
    pub app_key: String,
    /// Proves it.
    pub app_secret: Secret,
    /// Where the provider's API is.
    pub service_api_url: String,
}

impl CloudStorage {
    /// A provider of which only the name is known.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            app_key: String::new(),
            app_secret: Secret::default(),
            service_api_url: String::new(),
        }
    }
}

/// Who may use a provider with a grant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum CloudHolder {
    /// A user, by DN.
    User(String),
    /// Everybody of a VO.
    Vo(String),
}

impl CloudHolder {
    /// The DN or the VO.
    pub fn name(&self) -> &str {
        match self {
            Self::User(name) | Self::Vo(name) => name,
        }
    }

    /// The DN of a user.
    pub fn user_dn(&self) -> Option<&str> {
        match self {
            Self::User(dn) => Some(dn),
            Self::Vo(_) => None,
        }
    }

    /// The name of a VO.
    pub fn vo_name(&self) -> Option<&str> {
        match self {
            Self::Vo(name) => Some(name),
            Self::User(_) => None,
        }
    }
}

/// The keys with which somebody uses a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloudGrant {
    /// Name of the provider.
    pub storage: String,
    /// Whose they are.
    pub holder: CloudHolder,
    /// Names the holder at the provider.
    pub access_token: Secret,
    /// Proves it.
    pub access_token_secret: Secret,
}

/// A token with which a user is about to allow the use of a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloudRequestToken {
    /// Name of the provider.
    pub storage: String,
    /// Who asked for it.
    pub user_dn: String,
    /// The token.
    pub token: Secret,
    /// Proves that it is ours.
    pub token_secret: Secret,
    /// When it is worth nothing any more; whoever takes it compares.
    pub expires: Timestamp,
}

/// A token of a provider, with its other half.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloudToken {
    /// Names it.
    pub token: Secret,
    /// Proves that it is ours.
    pub secret: Secret,
}

/// Why a provider did not do what it was asked. What it said itself is not told on: it may have the
/// request in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CloudTrouble {
    /// It does not accept our keys, or the token.
    #[error("ask the provider: it refuses with status {0}")]
    Refused(u16),
    /// It has nothing there.
    #[error("ask the provider: it has nothing of that name")]
    NotFound,
    /// It cannot be reached, or is not understood.
    #[error("ask the provider: {0}")]
    Unavailable(String),
}

/// How providers are asked. Where each of them is, and our keys there, is in its row.
#[async_trait]
pub trait CloudProviders: Send + Sync {
    /// A token with which a user can be sent to the provider's page, to agree there.
    async fn request_token(&self, cloud: &CloudStorage) -> Result<CloudToken, CloudTrouble>;

    /// The token to go on with, when the user has agreed; the one that is given is worth nothing
    /// afterwards.
    async fn access_token(
        &self,
        cloud: &CloudStorage,
        request: &CloudToken,
    ) -> Result<CloudToken, CloudTrouble>;

    /// What is in a directory, in the provider's own form.
    async fn content(
        &self,
        cloud: &CloudStorage,
        access: &CloudToken,
        path: &str,
    ) -> Result<JsonText, CloudTrouble>;

    /// A URL at which anybody may read a file for a while, in the provider's own form.
    async fn link(
        &self,
        cloud: &CloudStorage,
        access: &CloudToken,
        path: &str,
    ) -> Result<JsonText, CloudTrouble>;
}

/// Providers, grants and request tokens, kept encrypted. A write is durable when it returns.
#[async_trait]
pub trait CloudStorageStore: Send + Sync {
    /// All providers, by name.
    async fn clouds(&self) -> Result<Vec<CloudStorage>, StoreError>;

    /// One provider.
    async fn cloud(&self, name: &str) -> Result<Option<CloudStorage>, StoreError>;

    /// Adds a provider, or takes the place of the one with this name.
    async fn put_cloud(&self, cloud: &CloudStorage) -> Result<(), StoreError>;

    /// Forgets a provider with its grants and request tokens; false when there was none.
    async fn delete_cloud(&self, name: &str) -> Result<bool, StoreError>;

    /// All grants for a provider, users before VOs, each by name.
    async fn cloud_grants(&self, storage: &str) -> Result<Vec<CloudGrant>, StoreError>;

    /// The grant of one holder.
    async fn cloud_grant(
        &self,
        storage: &str,
        holder: &CloudHolder,
    ) -> Result<Option<CloudGrant>, StoreError>;

    /// With which keys a user of a VO reaches a provider: the user's own, else those of the VO.
    ///
    /// This is where a transfer finds what `GET /cs/access_grant` brought, and what operators gave
    /// with `POST /config/cloud_storage/{storage_name}`: both are kept as a [`CloudGrant`]. What
    /// goes with it, the keys of this service and the URL, is in [`CloudStorageStore::cloud`].
    async fn cloud_grant_for(
        &self,
        storage: &str,
        user_dn: &str,
        vo_name: &str,
    ) -> Result<Option<CloudGrant>, StoreError> {
        let user = CloudHolder::User(user_dn.to_owned());
        match self.cloud_grant(storage, &user).await? {
            Some(grant) => Ok(Some(grant)),
            None => {
                let vo = CloudHolder::Vo(vo_name.to_owned());
                self.cloud_grant(storage, &vo).await
            }
        }
    }

    /// Keeps a grant in place of the one its holder had.
    async fn put_cloud_grant(&self, grant: &CloudGrant) -> Result<(), StoreError>;

    /// Forgets a grant; false when there was none.
    async fn delete_cloud_grant(
        &self,
        storage: &str,
        holder: &CloudHolder,
    ) -> Result<bool, StoreError>;

    /// The request token of a user.
    async fn cloud_request(
        &self,
        storage: &str,
        user_dn: &str,
    ) -> Result<Option<CloudRequestToken>, StoreError>;

    /// Keeps a request token in place of the one its user had.
    async fn put_cloud_request(&self, request: &CloudRequestToken) -> Result<(), StoreError>;

    /// Gives a request token out for the last time.
    async fn take_cloud_request(
        &self,
        storage: &str,
        user_dn: &str,
    ) -> Result<Option<CloudRequestToken>, StoreError>;
}
