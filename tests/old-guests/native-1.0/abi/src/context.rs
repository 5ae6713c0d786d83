//! The context of a call seen from the other side: shared, never copied.
//!
//! The caller's context stays where it is. What crosses is a counted pointer to it with the
//! functions that read it, so a plugin pays for what it looks at, a secret that it does not look at
//! never leaves the caller's memory, and a raised flag reaches work that outlives the call.

use std::fmt;
use std::sync::Arc;

use abi_stable::StableAbi;
use abi_stable::std_types::{ROption, RStr, RVec};
use async_ffi::FfiFuture;

use crate::call::{Credential, Pair};
use crate::values::LogLevel;

/// A context that can be handed over. It never changes, except that its flag may be raised.
///
/// No method may panic.
pub trait CtxSource: Send + Sync + 'static {
    /// Id of the request or attempt.
    fn request_id(&self) -> &str;
    /// W3C trace context, or nothing.
    fn trace_parent(&self) -> &str;
    /// Nanoseconds left; `None` means no limit. Never a wall-clock instant.
    fn remaining_ns(&self) -> Option<u64>;
    /// With what the storage may be approached.
    fn credential(&self) -> Credential<'_>;
    /// Options, sorted by name.
    fn options(&self) -> RVec<Pair<'_>>;
    /// Takes a log line of the call.
    fn log(&self, level: LogLevel, text: &str);
    /// True once the caller has given up.
    fn is_cancelled(&self) -> bool;
    /// Ready once the caller has given up.
    fn cancelled(self: Arc<Self>) -> FfiFuture<()>;
    /// A value that was not foreseen, by name.
    fn ext(&self, key: &str) -> Option<&str> {
        let _ = key;
        None
    }
}

/// Functions of a [`CtxHandle`]. Texts they return live as long as the handle.
#[repr(C)]
#[derive(StableAbi)]
pub struct CtxVtable {
    request_id: unsafe extern "C" fn(*const ()) -> RStr<'static>,
    trace_parent: unsafe extern "C" fn(*const ()) -> RStr<'static>,
    remaining_ns: unsafe extern "C" fn(*const ()) -> ROption<u64>,
    credential: unsafe extern "C" fn(*const ()) -> Credential<'static>,
    options: unsafe extern "C" fn(*const ()) -> RVec<Pair<'static>>,
    log: unsafe extern "C" fn(*const (), LogLevel, RStr<'_>),
    is_cancelled: unsafe extern "C" fn(*const ()) -> bool,
    cancelled: unsafe extern "C" fn(*const ()) -> FfiFuture<()>,
    ext: unsafe extern "C" fn(*const (), RStr<'_>) -> ROption<RStr<'static>>,
    clone: unsafe extern "C" fn(*const ()),
    drop: unsafe extern "C" fn(*const ()),
}

/// A counted pointer to a context of the other side.
#[repr(C)]
#[derive(StableAbi)]
pub struct CtxHandle {
    source: *const (),
    vtable: &'static CtxVtable,
}

// SAFETY: it is an `Arc<T>` with `T: Send + Sync` in other clothes; every function of the table only
// does what `Arc` allows from any thread.
unsafe impl Send for CtxHandle {}
// SAFETY: as above.
unsafe impl Sync for CtxHandle {}

struct Table<T>(std::marker::PhantomData<T>);

impl<T: CtxSource> Table<T> {
    const VTABLE: &'static CtxVtable = &CtxVtable {
        request_id: request_id::<T>,
        trace_parent: trace_parent::<T>,
        remaining_ns: remaining_ns::<T>,
        credential: credential::<T>,
        options: options::<T>,
        log: log::<T>,
        is_cancelled: is_cancelled::<T>,
        cancelled: cancelled::<T>,
        ext: ext::<T>,
        clone: clone::<T>,
        drop: release::<T>,
    };
}

/// # Safety
/// `source` is what `Arc::into_raw` gave in `CtxHandle::new` for the same `T`, and the handle that
/// passes it owns one count of it and outlives what is borrowed. That is so for all functions below.
unsafe fn source<T: CtxSource>(source: *const ()) -> &'static T {
    // SAFETY: the handle's count keeps it alive, and the handle's methods shorten the lifetime.
    unsafe { &*source.cast::<T>() }
}

unsafe extern "C" fn request_id<T: CtxSource>(at: *const ()) -> RStr<'static> {
    // SAFETY: see `source`.
    unsafe { source::<T>(at) }.request_id().into()
}

unsafe extern "C" fn trace_parent<T: CtxSource>(at: *const ()) -> RStr<'static> {
    // SAFETY: see `source`.
    unsafe { source::<T>(at) }.trace_parent().into()
}

unsafe extern "C" fn remaining_ns<T: CtxSource>(at: *const ()) -> ROption<u64> {
    // SAFETY: see `source`.
    unsafe { source::<T>(at) }.remaining_ns().into()
}

unsafe extern "C" fn credential<T: CtxSource>(at: *const ()) -> Credential<'static> {
    // SAFETY: see `source`.
    unsafe { source::<T>(at) }.credential()
}

unsafe extern "C" fn options<T: CtxSource>(at: *const ()) -> RVec<Pair<'static>> {
    // SAFETY: see `source`.
    unsafe { source::<T>(at) }.options()
}

unsafe extern "C" fn log<T: CtxSource>(at: *const (), level: LogLevel, text: RStr<'_>) {
    // SAFETY: see `source`.
    unsafe { source::<T>(at) }.log(level, text.as_str());
}

unsafe extern "C" fn is_cancelled<T: CtxSource>(at: *const ()) -> bool {
    // SAFETY: see `source`.
    unsafe { source::<T>(at) }.is_cancelled()
}

unsafe extern "C" fn cancelled<T: CtxSource>(at: *const ()) -> FfiFuture<()> {
    // SAFETY: see `source`; the count taken here belongs to the `Arc` made from it.
    let source = unsafe {
        Arc::increment_strong_count(at.cast::<T>());
        Arc::from_raw(at.cast::<T>())
    };
    source.cancelled()
}

unsafe extern "C" fn ext<T: CtxSource>(at: *const (), key: RStr<'_>) -> ROption<RStr<'static>> {
    // SAFETY: see `source`.
    let value = unsafe { source::<T>(at) }.ext(key.as_str());
    value.map(RStr::from).into()
}

unsafe extern "C" fn clone<T: CtxSource>(at: *const ()) {
    // SAFETY: see `source`.
    unsafe { Arc::increment_strong_count(at.cast::<T>()) }
}

unsafe extern "C" fn release<T: CtxSource>(at: *const ()) {
    // SAFETY: see `source`; called once, by the drop of the handle that owns the count.
    unsafe { Arc::decrement_strong_count(at.cast::<T>()) }
}

// SAFETY of all blocks below: `source` belongs to the table, and we own a count of it. What is
// borrowed from it is borrowed from `self`.
impl CtxHandle {
    /// A handle to a context.
    pub fn new<T: CtxSource>(source: Arc<T>) -> Self {
        Self {
            source: Arc::into_raw(source).cast(),
            vtable: Table::<T>::VTABLE,
        }
    }

    /// Id of the request or attempt.
    pub fn request_id(&self) -> &str {
        // SAFETY: see above.
        unsafe { (self.vtable.request_id)(self.source) }.as_str()
    }

    /// W3C trace context, or nothing.
    pub fn trace_parent(&self) -> &str {
        // SAFETY: see above.
        unsafe { (self.vtable.trace_parent)(self.source) }.as_str()
    }

    /// Nanoseconds left; `None` means no limit.
    pub fn remaining_ns(&self) -> Option<u64> {
        // SAFETY: see above.
        unsafe { (self.vtable.remaining_ns)(self.source) }.into_option()
    }

    /// With what the storage may be approached.
    pub fn credential(&self) -> Credential<'_> {
        // SAFETY: see above.
        unsafe { (self.vtable.credential)(self.source) }
    }

    /// Options, sorted by name.
    pub fn options(&self) -> RVec<Pair<'_>> {
        // SAFETY: see above.
        unsafe { (self.vtable.options)(self.source) }
    }

    /// Hands a log line of the call over.
    pub fn log(&self, level: LogLevel, text: &str) {
        // SAFETY: see above.
        unsafe { (self.vtable.log)(self.source, level, text.into()) }
    }

    /// True once the caller has given up.
    pub fn is_cancelled(&self) -> bool {
        // SAFETY: see above.
        unsafe { (self.vtable.is_cancelled)(self.source) }
    }

    /// Ready once the caller has given up.
    pub fn cancelled(&self) -> FfiFuture<()> {
        // SAFETY: see above.
        unsafe { (self.vtable.cancelled)(self.source) }
    }

    /// A value that was not foreseen, by name.
    pub fn ext(&self, key: &str) -> Option<&str> {
        // SAFETY: see above.
        let value = unsafe { (self.vtable.ext)(self.source, key.into()) };
        value.into_option().map(|it| it.as_str())
    }
}

impl Clone for CtxHandle {
    fn clone(&self) -> Self {
        // SAFETY: `source` belongs to this table, and we own a count.
        unsafe { (self.vtable.clone)(self.source) };
        Self {
            source: self.source,
            vtable: self.vtable,
        }
    }
}

impl Drop for CtxHandle {
    fn drop(&mut self) {
        // SAFETY: the count we own is given back, once.
        unsafe { (self.vtable.drop)(self.source) }
    }
}

impl fmt::Debug for CtxHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CtxHandle")
            .field(&self.request_id())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::CredentialKind;
    use crate::ext::Ext;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[derive(Default)]
    struct Caller(AtomicBool);

    impl CtxSource for Caller {
        fn request_id(&self) -> &str {
            "7"
        }
        fn trace_parent(&self) -> &str {
            ""
        }
        fn remaining_ns(&self) -> Option<u64> {
            Some(1)
        }
        fn credential(&self) -> Credential<'_> {
            Credential {
                kind: CredentialKind::BEARER,
                access: RStr::empty(),
                secret: "s".into(),
                token: ROption::RNone,
                region: ROption::RNone,
                ext: Ext::NONE,
            }
        }
        fn options(&self) -> RVec<Pair<'_>> {
            RVec::new()
        }
        fn log(&self, _: LogLevel, _: &str) {}
        fn is_cancelled(&self) -> bool {
            self.0.load(Ordering::SeqCst)
        }
        fn cancelled(self: Arc<Self>) -> FfiFuture<()> {
            FfiFuture::new(async move { drop(self) })
        }
    }

    #[test]
    fn it_is_read_where_it_is_and_counts_are_given_back() {
        let caller = Arc::new(Caller::default());
        let one = CtxHandle::new(Arc::clone(&caller));
        let two = one.clone();
        let waiting = two.cancelled();
        assert_eq!(Arc::strong_count(&caller), 4);
        assert_eq!((one.request_id(), one.remaining_ns()), ("7", Some(1)));
        assert_eq!(one.credential().secret.as_str(), "s");
        assert_eq!(one.ext("new"), None);
        assert!(!one.is_cancelled());
        caller.0.store(true, Ordering::SeqCst);
        assert!(one.is_cancelled() && two.is_cancelled());
        drop((one, two, waiting));
        assert_eq!(Arc::strong_count(&caller), 1);
    }
}
