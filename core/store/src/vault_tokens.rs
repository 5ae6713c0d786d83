//! Tokens of transfers in the vault: sealed like credentials, forgotten when they can be used no
//! more. There may be one for each side of each queued transfer, so they stay on disk.

use std::collections::HashMap;

use async_trait::async_trait;
use causeway_model::Timestamp;
use causeway_model::oauth::{TokenId, TransferToken, TransferTokens};
use causeway_model::ports::StoreError;
use parking_lot::Mutex;

use crate::vault::{EncryptedVault, Kind, Name};

fn name(id: TokenId) -> Name {
    Name::new(Kind::TransferToken, &id.to_string(), "")
}

#[async_trait]
impl TransferTokens for EncryptedVault {
    async fn add_tokens(&self, tokens: Vec<TransferToken>) -> Result<(), StoreError> {
        let inner = self.inner.clone();
        let add = move || {
            for token in tokens {
                let name = name(token.id);
                if inner.get::<TransferToken>(&name)?.is_none() {
                    inner.put_ending(&name, inner.seal(&name, &token)?, token.expires)?;
                }
            }
            inner.sync()
        };
        self.thread.run(add).await
    }

    async fn transfer_token(&self, id: TokenId) -> Result<Option<TransferToken>, StoreError> {
        let inner = self.inner.clone();
        self.thread.run(move || inner.get(&name(id))).await
    }

    async fn renew_token(&self, token: TransferToken, until: Timestamp) -> Result<(), StoreError> {
        let inner = self.inner.clone();
        let put = move || {
            let name = name(token.id);
            let end = until.max(token.expires);
            inner.put_ending(&name, inner.seal(&name, &token)?, end)?;
            inner.sync()
        };
        self.thread.run(put).await
    }
}

/// Tokens of transfers without a disk, for tests.
#[derive(Debug, Default)]
pub struct MemoryTokens(Mutex<HashMap<TokenId, TransferToken>>);

#[async_trait]
impl TransferTokens for MemoryTokens {
    async fn add_tokens(&self, tokens: Vec<TransferToken>) -> Result<(), StoreError> {
        let mut kept = self.0.lock();
        for token in tokens {
            kept.entry(token.id).or_insert(token);
        }
        Ok(())
    }

    async fn transfer_token(&self, id: TokenId) -> Result<Option<TransferToken>, StoreError> {
        Ok(self.0.lock().get(&id).cloned())
    }

    async fn renew_token(&self, token: TransferToken, _until: Timestamp) -> Result<(), StoreError> {
        self.0.lock().insert(token.id, token);
        Ok(())
    }
}
