//! A cancellation flag seen from the other side: shared, never copied.
//!
//! The caller's flag stays where it is. What crosses is a counted pointer to it with the functions
//! that read it, so raising it costs nothing per call and reaches work that outlives the call.

use std::fmt;
use std::sync::Arc;

use abi_stable::StableAbi;
use async_ffi::FfiFuture;

/// A flag that can be handed over.
pub trait CancelSource: Send + Sync + 'static {
    /// True once it is raised. Must not panic.
    fn is_raised(&self) -> bool;
    /// Ready once it is raised.
    fn raised(self: Arc<Self>) -> FfiFuture<()>;
}

/// Functions of a [`CancelHandle`].
#[repr(C)]
#[derive(StableAbi)]
pub struct CancelVtable {
    is_raised: unsafe extern "C" fn(*const ()) -> bool,
    raised: unsafe extern "C" fn(*const ()) -> FfiFuture<()>,
    clone: unsafe extern "C" fn(*const ()),
    drop: unsafe extern "C" fn(*const ()),
}

/// A counted pointer to a flag of the other side.
#[repr(C)]
#[derive(StableAbi)]
pub struct CancelHandle {
    source: *const (),
    vtable: &'static CancelVtable,
}

// SAFETY: it is an `Arc<T>` with `T: Send + Sync` in other clothes; every function of the table only
// does what `Arc` allows from any thread.
unsafe impl Send for CancelHandle {}
// SAFETY: as above.
unsafe impl Sync for CancelHandle {}

struct Table<T>(std::marker::PhantomData<T>);

impl<T: CancelSource> Table<T> {
    const VTABLE: &'static CancelVtable = &CancelVtable {
        is_raised: is_raised::<T>,
        raised: raised::<T>,
        clone: clone::<T>,
        drop: release::<T>,
    };
}

// SAFETY (all four): `source` is what `Arc::into_raw` gave in `CancelHandle::new` for the same `T`,
// and the handle that passes it owns one count of it.
unsafe extern "C" fn is_raised<T: CancelSource>(source: *const ()) -> bool {
    // SAFETY: see above; the count keeps it alive for the length of the call.
    unsafe { &*source.cast::<T>() }.is_raised()
}

unsafe extern "C" fn raised<T: CancelSource>(source: *const ()) -> FfiFuture<()> {
    // SAFETY: see above; the count taken here belongs to the `Arc` made from it.
    let source = unsafe {
        Arc::increment_strong_count(source.cast::<T>());
        Arc::from_raw(source.cast::<T>())
    };
    source.raised()
}

unsafe extern "C" fn clone<T: CancelSource>(source: *const ()) {
    // SAFETY: see above.
    unsafe { Arc::increment_strong_count(source.cast::<T>()) }
}

unsafe extern "C" fn release<T: CancelSource>(source: *const ()) {
    // SAFETY: see above; called once, by the drop of the handle that owns the count.
    unsafe { Arc::decrement_strong_count(source.cast::<T>()) }
}

impl CancelHandle {
    /// A handle to a flag.
    pub fn new<T: CancelSource>(source: Arc<T>) -> Self {
        Self {
            source: Arc::into_raw(source).cast(),
            vtable: Table::<T>::VTABLE,
        }
    }

    /// True once the flag is raised.
    pub fn is_raised(&self) -> bool {
        // SAFETY: `source` belongs to this table, and we own a count.
        unsafe { (self.vtable.is_raised)(self.source) }
    }

    /// Ready once the flag is raised.
    pub fn raised(&self) -> FfiFuture<()> {
        // SAFETY: `source` belongs to this table, and we own a count.
        unsafe { (self.vtable.raised)(self.source) }
    }
}

impl Clone for CancelHandle {
    fn clone(&self) -> Self {
        // SAFETY: `source` belongs to this table, and we own a count.
        unsafe { (self.vtable.clone)(self.source) };
        Self {
            source: self.source,
            vtable: self.vtable,
        }
    }
}

impl Drop for CancelHandle {
    fn drop(&mut self) {
        // SAFETY: the count we own is given back, once.
        unsafe { (self.vtable.drop)(self.source) }
    }
}

impl fmt::Debug for CancelHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CancelHandle")
            .field(&self.is_raised())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[derive(Default)]
    struct Flag(AtomicBool);

    impl CancelSource for Flag {
        fn is_raised(&self) -> bool {
            self.0.load(Ordering::SeqCst)
        }
        fn raised(self: Arc<Self>) -> FfiFuture<()> {
            FfiFuture::new(std::future::poll_fn(move |_| {
                if self.is_raised() {
                    std::task::Poll::Ready(())
                } else {
                    std::task::Poll::Pending
                }
            }))
        }
    }

    #[test]
    fn counts_are_given_back() {
        let flag = Arc::new(Flag::default());
        let one = CancelHandle::new(flag.clone());
        let two = one.clone();
        let waiting = two.raised();
        assert_eq!(Arc::strong_count(&flag), 4);
        flag.0.store(true, Ordering::SeqCst);
        assert!(one.is_raised() && two.is_raised());
        drop((one, two, waiting));
        assert_eq!(Arc::strong_count(&flag), 1);
    }
}
