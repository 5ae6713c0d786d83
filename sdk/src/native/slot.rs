//! A place for something that one call at a time may use, and that never waits.
//!
//! Lighter than an asynchronous mutex: who finds it held gets an error.

use std::cell::UnsafeCell;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::{Error, ErrorKind, Result};

pub(super) struct Slot<T> {
    held: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: `value` is reached through `Held` only, of which there is one at a time.
unsafe impl<T: Send> Sync for Slot<T> {}

impl<T> Slot<T> {
    pub(super) fn shared(value: T) -> Arc<Self> {
        Arc::new(Self {
            held: AtomicBool::new(false),
            value: UnsafeCell::new(value),
        })
    }

    /// Takes hold of it until the guard is dropped.
    pub(super) fn hold(slot: Arc<Self>) -> Result<Held<T>> {
        if slot.held.swap(true, Ordering::Acquire) {
            return Err(Error::new(ErrorKind::Internal, "use a body that is in use"));
        }
        Ok(Held(slot))
    }
}

pub(super) struct Held<T>(Arc<Slot<T>>);

impl<T> Deref for Held<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: `held` was false when we set it, so no other guard is there.
        unsafe { &*self.0.value.get() }
    }
}

impl<T> DerefMut for Held<T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above, and we are borrowed mutably.
        unsafe { &mut *self.0.value.get() }
    }
}

impl<T> Drop for Held<T> {
    fn drop(&mut self) {
        self.0.held.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let slot = Slot::shared(1);
        let mut held = Slot::hold(Arc::clone(&slot)).unwrap();
        *held += 1;
        let second = Slot::hold(Arc::clone(&slot)).map(|_| ());
        assert_eq!(second.unwrap_err().kind(), ErrorKind::Internal);
        drop(held);
        assert_eq!(Slot::hold(slot).map(|held| *held), Ok(2));
    }
}
