//! Tokens and who may hold them: applications that act for users, the codes and tokens they were
//! given, and the tokens that transfers bring for their storages.
//!
//! Ports and plain rows. How a token is made, judged or kept secret is not known here: of tokens
//! that this service gives out only a hash is ever in a row.

use std::fmt;

use async_trait::async_trait;
use causeway_sdk::Secret;
use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};

use crate::Timestamp;
use crate::ports::StoreError;

/// Hash of a code or token that this service gave out.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TokenHash(pub [u8; 32]);

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash")
    }
}

/// An application that may ask users to act for them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OAuthApp {
    /// Its name towards this service.
    pub client_id: String,
    /// With what it proves that.
    pub client_secret: Secret,
    /// DN of who registered it.
    pub owner: String,
    /// Its name towards people; no two have the same.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Where to read more.
    pub website: String,
    /// Where users may be sent back to, one URL a line.
    pub redirect_to: String,
    /// Operations it may ask for.
    pub scope: Vec<String>,
}

/// The user an application acts for, as they were known when they agreed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OAuthUser {
    /// Their DN.
    pub user_dn: String,
    /// Names the proxy they left with us.
    pub delegation_id: String,
    /// FQANs.
    pub voms_cred: Vec<String>,
}

/// What a code stands for. It is good once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OAuthCode {
    /// For which application.
    pub client_id: String,
    /// Who agreed.
    pub user: OAuthUser,
    /// Where the user was sent back to.
    pub redirect_uri: String,
    /// To what they agreed.
    pub scope: Vec<String>,
    /// Until when it can be traded in.
    pub expires: Timestamp,
    /// Hash of what whoever trades it in must know (PKCE).
    pub challenge: Option<String>,
}

/// What an access token stands for, and the token that renews it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OAuthToken {
    /// Which application has it.
    pub client_id: String,
    /// For whom it acts.
    pub user: OAuthUser,
    /// What it may be used for.
    pub scope: Vec<String>,
    /// Until when it is good.
    pub expires: Timestamp,
    /// The token that renews it.
    pub refresh: TokenHash,
    /// Until when it can be renewed.
    pub refresh_expires: Timestamp,
}

/// Applications, codes and tokens. Whatever is changed is durable when the call returns.
#[async_trait]
pub trait OAuthStore: Send + Sync {
    /// An application.
    async fn app(&self, client_id: &str) -> Result<Option<OAuthApp>, StoreError>;

    /// The applications that somebody registered, by name.
    async fn apps_of(&self, owner: &str) -> Result<Vec<OAuthApp>, StoreError>;

    /// Takes a new one; false when another has its name.
    async fn add_app(&self, app: OAuthApp) -> Result<bool, StoreError>;

    /// Changes one; false when it is not there.
    async fn change_app(&self, app: OAuthApp) -> Result<bool, StoreError>;

    /// Forgets one with its codes and tokens; false when it is not there.
    async fn delete_app(&self, client_id: &str) -> Result<bool, StoreError>;

    /// Keeps a code. What has expired by now may be forgotten.
    async fn put_code(
        &self,
        code: TokenHash,
        row: OAuthCode,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Takes a code of an application out: nobody gets it twice.
    async fn take_code(
        &self,
        code: TokenHash,
        client_id: &str,
    ) -> Result<Option<OAuthCode>, StoreError>;

    /// Keeps a token. What has expired by now may be forgotten.
    async fn put_token(
        &self,
        access: TokenHash,
        row: OAuthToken,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// What an access token stands for.
    async fn token(&self, access: TokenHash) -> Result<Option<OAuthToken>, StoreError>;

    /// Takes the token of an application out that this one renews: nobody gets it twice.
    async fn take_refresh(
        &self,
        refresh: TokenHash,
        client_id: &str,
    ) -> Result<Option<OAuthToken>, StoreError>;

    /// Every token that acts for somebody.
    async fn tokens_of(&self, user_dn: &str) -> Result<Vec<OAuthToken>, StoreError>;

    /// Forgets the tokens with which an application acts for somebody; tells how many.
    async fn revoke(&self, client_id: &str, user_dn: &str) -> Result<usize, StoreError>;
}

/// Names a token of a transfer, and follows from its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TokenId(pub u64);

impl TokenId {
    /// The id of a token: it makes a name, it protects nothing.
    pub fn of(token: &str) -> Self {
        let digest = Sha1::digest(token.as_bytes());
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        Self(u64::from_be_bytes(first))
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// A token with which one side of a transfer is approached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferToken {
    /// Its name, that of the token the user sent.
    pub id: TokenId,
    /// The token as it is now.
    pub access_token: Secret,
    /// When that ends.
    pub expires: Timestamp,
    /// What renews it.
    pub refresh_token: Option<Secret>,
    /// Who made it.
    pub issuer: String,
    /// What it allows.
    pub scope: String,
    /// For whom it is.
    pub audience: Vec<String>,
}

/// Tokens of transfers, kept encrypted.
#[async_trait]
pub trait TransferTokens: Send + Sync {
    /// Keeps new ones; those that are known stay as they are.
    async fn add_tokens(&self, tokens: Vec<TransferToken>) -> Result<(), StoreError>;

    /// One of them.
    async fn transfer_token(&self, id: TokenId) -> Result<Option<TransferToken>, StoreError>;

    /// Changes one that was renewed, and keeps it at least until then.
    async fn renew_token(&self, token: TransferToken, until: Timestamp) -> Result<(), StoreError>;
}

/// A token that can be used now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bearer {
    /// The token.
    pub token: Secret,
    /// When it ends.
    pub until: Timestamp,
}

/// Why a token cannot be had. The texts hold no secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenTrouble {
    /// It may work later.
    #[error("{0}")]
    Later(String),
    /// It will not.
    #[error("{0}")]
    Never(String),
}

/// Where the engine gets the tokens of transfers from.
#[async_trait]
pub trait TokenSource: Send + Sync {
    /// Sees to it that a token can be renewed from now on.
    async fn prepare(&self, id: TokenId) -> Result<(), TokenTrouble>;

    /// A token that is good for a while, renewed if it has to be.
    async fn bearer(&self, id: TokenId) -> Result<Bearer, TokenTrouble>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_ids_match_the_published_vector() {
        assert_eq!(TokenId::of("abc.def.ghi").to_string(), "40a0949132171aa9");
        assert_eq!(TokenId(1).to_string(), "0000000000000001");
    }

    #[test]
    fn rows_show_no_secrets() {
        let token = TransferToken {
            id: TokenId(1),
            access_token: Secret::new("hunter2"),
            expires: Timestamp(0),
            refresh_token: Some(Secret::new("hunter2")),
            issuer: "i".into(),
            scope: "s".into(),
            audience: vec![],
        };
        let bearer = Bearer {
            token: Secret::new("hunter2"),
            until: Timestamp(0),
        };
        let app = OAuthApp {
            client_id: "c".into(),
            client_secret: Secret::new("hunter2"),
            owner: "o".into(),
            name: "n".into(),
            description: String::new(),
            website: "w".into(),
            redirect_to: "r".into(),
            scope: vec![],
        };
        let shown = format!("{token:?} {bearer:?} {app:?} {:?}", TokenHash([7; 32]));
        assert!(
            !shown.contains("hunter2") && !shown.contains('7'),
            "{shown}"
        );
    }
}
