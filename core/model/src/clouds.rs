//! Cloud storages that users reach with keys instead of certificates: which there are, and who may
//! use them with which keys.
//!
//! Operators and users write these rows, the API reads and writes them through
//! [`CloudStorageStore`], and whoever keeps them does so encrypted. Nothing here knows how a
//! provider is spoken to.

use async_trait::async_trait;
use causeway_sdk::Secret;
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::ports::StoreError;

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
