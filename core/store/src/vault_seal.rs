//! Sealing what the vault keeps: AES-256-GCM under the vault's key and a random nonce.
//!
//! What a value belongs to is authenticated with it, so a value that was moved to another place does
//! not open there.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use causeway_model::ports::StoreError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::vault::failed;

/// First byte of each value, so that another cipher can come later.
const VERSION: u8 = 1;
/// Room for a value, so that no copy of it is left behind by a growing buffer.
const ROOM: usize = 64 << 10;

/// Seals and opens.
pub(crate) struct Sealer(RandomizedNonceKey);

impl Sealer {
    pub(crate) fn new(key: &[u8]) -> Result<Self, StoreError> {
        let key = RandomizedNonceKey::new(&AES_256_GCM, key);
        key.map(Self)
            .map_err(|_| failed("open", "the key is not accepted"))
    }

    /// A value for the place with this name.
    pub(crate) fn seal(&self, name: &[u8], value: &impl Serialize) -> Result<Vec<u8>, StoreError> {
        let plain = postcard::to_extend(value, Vec::with_capacity(ROOM));
        // The text of an encoding error could quote the value.
        let plain = plain.map_err(|_| failed("write to", "the value cannot be encoded"))?;
        let mut buffer = Zeroizing::new(plain);
        let nonce = self
            .0
            .seal_in_place_append_tag(Aad::from(name), &mut *buffer)
            .map_err(|_| failed("write to", "encryption failed"))?;
        let mut sealed = vec![VERSION];
        sealed.extend(nonce.as_ref());
        sealed.extend_from_slice(&buffer);
        Ok(sealed)
    }

    /// The value that stood at the place with this name.
    pub(crate) fn open<T: DeserializeOwned>(
        &self,
        name: &[u8],
        sealed: &[u8],
    ) -> Result<T, StoreError> {
        let Some((&VERSION, rest)) = sealed.split_first() else {
            return Err(failed("read", "a value of another version"));
        };
        let (nonce, sealed) = rest
            .split_at_checked(NONCE_LEN)
            .ok_or_else(|| failed("read", "a value is cut short"))?;
        let nonce = Nonce::try_assume_unique_for_key(nonce);
        let nonce = nonce.map_err(|_| failed("read", "a value is cut short"))?;
        let mut buffer = Zeroizing::new(sealed.to_vec());
        let plain = self
            .0
            .open_in_place(nonce, Aad::from(name), &mut buffer)
            .map_err(|_| failed("read", "a value is damaged or was written with another key"))?;
        postcard::from_bytes(plain).map_err(|_| failed("read", "a value cannot be decoded"))
    }
}
