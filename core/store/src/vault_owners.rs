//! Whose credentials the vault has: their DNs, sorted, in memory and (sealed) on disk.
//!
//! A credential's own value does not open without its owner's name, so the names stand beside, each
//! sealed, at the hash under which the credential stands. Credentials from before names were kept
//! are not known here until they are renewed.
//!
//! # Invariants
//! - A name is known for exactly as long as a credential of it: `tests/vault.rs`.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use causeway_model::names::beginning;
use causeway_model::ports::StoreError;
use parking_lot::RwLock;
use sled::{IVec, Tree};

use crate::vault::failed;
use crate::vault_seal::Sealer;

#[derive(Default)]
struct Known {
    at: HashMap<IVec, Arc<str>>,
    /// Number of credentials by DN.
    counts: BTreeMap<Arc<str>, usize>,
}

impl Known {
    fn add(&mut self, key: &[u8], dn: &str) {
        let dn = match self.counts.get_key_value(dn) {
            Some((dn, _)) => Arc::clone(dn),
            None => dn.into(),
        };
        if self.at.insert(key.into(), Arc::clone(&dn)).is_none() {
            *self.counts.entry(dn).or_default() += 1;
        }
    }

    fn remove(&mut self, key: &[u8]) {
        let Some(dn) = self.at.remove(key) else {
            return;
        };
        if let Some(count) = self.counts.get_mut(&dn) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&dn);
            }
        }
    }
}

/// The names. See the module.
pub(crate) struct Owners {
    tree: Tree,
    known: RwLock<Known>,
}

impl Owners {
    pub(crate) fn new(tree: Tree) -> Self {
        Self {
            tree,
            known: RwLock::default(),
        }
    }

    /// Reads them, and drops those whose credential is gone.
    pub(crate) fn read(&self, values: &Tree, sealer: &Sealer) -> Result<(), StoreError> {
        let mut known = self.known.write();
        for entry in self.tree.iter() {
            let (key, sealed) = entry.map_err(|e| failed("read", e))?;
            if !values.contains_key(&key).map_err(|e| failed("read", e))? {
                self.tree.remove(&key).map_err(|e| failed("write to", e))?;
                continue;
            }
            let dn: String = sealer.open(&aad(&key), &sealed)?;
            known.add(&key, &dn);
        }
        Ok(())
    }

    /// A credential of somebody stands at this key. Durable with the vault's next sync.
    pub(crate) fn add(&self, key: &[u8], dn: &str, sealer: &Sealer) -> Result<(), StoreError> {
        let sealed = sealer.seal(&aad(key), &dn)?;
        let kept = self.tree.insert(key, sealed);
        kept.map_err(|e| failed("write to", e))?;
        self.known.write().add(key, dn);
        Ok(())
    }

    /// The credential at this key is gone.
    pub(crate) fn remove(&self, key: &[u8]) -> Result<(), StoreError> {
        self.tree.remove(key).map_err(|e| failed("write to", e))?;
        self.known.write().remove(key);
        Ok(())
    }

    /// DNs that begin so.
    pub(crate) fn names(&self, prefix: &str, limit: usize) -> Vec<String> {
        let known = self.known.read();
        let from = (Bound::Included(prefix), Bound::Unbounded);
        let names = known.counts.range::<str, _>(from).map(|(dn, _)| dn);
        beginning(names, prefix, limit)
    }
}

/// Says that a value is a name, so that it opens nowhere else.
fn aad(key: &[u8]) -> Vec<u8> {
    [b"owner".as_slice(), key].concat()
}
