//! Room to grow: what a struct of the boundary may carry besides its frozen fields.
//!
//! Nearly always there is nothing, and then it is one null pointer that nobody has to free.

use std::fmt;

use abi_stable::StableAbi;
use abi_stable::std_types::RVec;

use crate::values::KeyValue;

/// Pairs of texts that were not foreseen.
#[repr(C)]
#[derive(StableAbi)]
pub struct Ext {
    // Null, or a box of the image that made it.
    list: *mut List,
}

#[repr(C)]
#[derive(StableAbi)]
struct List {
    drop: unsafe extern "C" fn(*mut ()),
    pairs: RVec<KeyValue>,
}

// SAFETY: it owns its list like a box, and the pairs are `Send + Sync`.
unsafe impl Send for Ext {}
// SAFETY: as above.
unsafe impl Sync for Ext {}

unsafe extern "C" fn drop_list(list: *mut ()) {
    // SAFETY: `Ext::from` made it from a box of this image and calls this once, when it is dropped.
    drop(unsafe { Box::from_raw(list.cast::<List>()) });
}

impl Ext {
    /// Nothing.
    pub const NONE: Self = Self {
        list: std::ptr::null_mut(),
    };

    /// The pairs.
    pub fn pairs(&self) -> &[KeyValue] {
        // SAFETY: null, or a list that we own.
        unsafe { self.list.as_ref() }.map_or(&[], |list| list.pairs.as_slice())
    }

    /// The value of a name.
    pub fn get(&self, key: &str) -> Option<&str> {
        let found = self.pairs().iter().find(|it| it.key == key);
        found.map(|it| it.value.as_str())
    }
}

impl Default for Ext {
    fn default() -> Self {
        Self::NONE
    }
}

impl From<Vec<KeyValue>> for Ext {
    fn from(pairs: Vec<KeyValue>) -> Self {
        if pairs.is_empty() {
            return Self::NONE;
        }
        let list = Box::new(List {
            drop: drop_list,
            pairs: pairs.into(),
        });
        Self {
            list: Box::into_raw(list),
        }
    }
}

impl Clone for Ext {
    fn clone(&self) -> Self {
        self.pairs().to_vec().into()
    }
}

impl Drop for Ext {
    fn drop(&mut self) {
        // SAFETY: null, or a list that we own and that knows who frees it.
        if let Some(list) = unsafe { self.list.as_ref() } {
            // SAFETY: as above; called once.
            unsafe { (list.drop)(self.list.cast()) }
        }
    }
}

impl fmt::Debug for Ext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.pairs()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_found_and_cloned() {
        let pair = KeyValue {
            key: "a".into(),
            value: "b".into(),
        };
        let one = Ext::from(vec![pair]);
        let two = one.clone();
        drop(one);
        assert_eq!((two.get("a"), two.get("b")), (Some("b"), None));
        assert!(Ext::from(Vec::new()).list.is_null() && Ext::NONE.pairs().is_empty());
    }
}
