//! A context whose caller is on the other side of the native boundary, and the way there.
//!
//! It is read where it is. Credential and options are copied when they are first looked at, and
//! never if nobody does.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use causeway_abi::abi_stable::std_types::RVec;
use causeway_abi::async_ffi::FfiFuture;
use causeway_abi::values::LogLevel as Level;
use causeway_abi::{self as abi, CtxHandle, CtxSource, Pair};

use super::{CancelToken, Credential, Ctx, Inner, LogFn, LogLevel};
use crate::native::convert::{contained, credential, credential_ref, level_code, level_of};

/// What a token asks whether the caller has given up.
pub(super) type Above = CtxHandle;

/// What a plugin knows of its caller's context.
pub(super) struct Lent {
    caller: CtxHandle,
    credential: OnceLock<Box<Credential>>,
    options: OnceLock<BTreeMap<String, String>>,
    cancel: OnceLock<CancelToken>,
}

impl Lent {
    pub(super) fn request_id(&self) -> &str {
        self.caller.request_id()
    }

    pub(super) fn trace_parent(&self) -> &str {
        self.caller.trace_parent()
    }

    pub(super) fn remaining(&self) -> Option<Duration> {
        self.caller.remaining_ns().map(Duration::from_nanos)
    }

    pub(super) fn credential(&self) -> &Credential {
        self.credential
            .get_or_init(|| Box::new(credential(&self.caller.credential())))
    }

    pub(super) fn options(&self) -> &BTreeMap<String, String> {
        let copy = |it: &Pair<'_>| (it.key.to_string(), it.value.to_string());
        self.options
            .get_or_init(|| self.caller.options().iter().map(copy).collect())
    }

    /// Raised with the caller's, and by the glue when the call is given up.
    pub(super) fn cancel(&self) -> &CancelToken {
        self.cancel
            .get_or_init(|| CancelToken::below(self.caller.clone()))
    }

    pub(super) fn log(&self, level: LogLevel, text: &str) {
        self.caller.log(level_code(level), text);
    }

    /// Writes into the caller's log.
    pub(super) fn pen(&self) -> Arc<LogFn> {
        let caller = self.caller.clone();
        Arc::new(move |level, text: &str| caller.log(level_code(level), text))
    }
}

impl Ctx {
    /// The context of a caller on the other side.
    pub(crate) fn lent(caller: CtxHandle) -> Self {
        Self(Arc::new(Inner::Lent(Lent {
            caller,
            credential: OnceLock::new(),
            options: OnceLock::new(),
            cancel: OnceLock::new(),
        })))
    }

    /// The context as it is handed to the other side.
    pub(crate) fn handle(&self) -> CtxHandle {
        CtxHandle::new(Arc::clone(&self.0))
    }
}

impl CtxSource for Inner {
    fn request_id(&self) -> &str {
        Self::request_id(self)
    }

    fn trace_parent(&self) -> &str {
        Self::trace_parent(self)
    }

    fn remaining_ns(&self) -> Option<u64> {
        let left = self.remaining()?;
        Some(u64::try_from(left.as_nanos()).unwrap_or(u64::MAX))
    }

    fn credential(&self) -> abi::Credential<'_> {
        credential_ref(Self::credential(self))
    }

    fn options(&self) -> RVec<Pair<'_>> {
        let pairs = Self::options(self).iter().map(|(key, value)| Pair {
            key: key.as_str().into(),
            value: value.as_str().into(),
        });
        pairs.collect()
    }

    fn log(&self, code: Level, text: &str) {
        contained(|| Self::log(self, level_of(code), &crate::secret::mask(text)));
    }

    fn is_cancelled(&self) -> bool {
        match self {
            Self::Own(own) => own.cancel.is_cancelled(),
            Self::Lent(lent) => match lent.cancel.get() {
                Some(token) => token.is_cancelled(),
                None => lent.caller.is_cancelled(),
            },
        }
    }

    fn cancelled(self: Arc<Self>) -> FfiFuture<()> {
        FfiFuture::new(async move { self.cancel().cancelled().await })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;
    use std::sync::Mutex;

    fn lent(cx: &Ctx) -> Ctx {
        Ctx::lent(cx.handle())
    }

    #[test]
    fn a_secret_is_copied_when_it_is_looked_at() {
        let cx = Ctx::new("1").with_credential(Credential::Bearer(Secret::new("t")));
        let below = lent(&cx);
        let Inner::Lent(inner) = &*below.0 else {
            panic!("it is lent")
        };
        assert!(inner.credential.get().is_none());
        assert_eq!(below.credential(), cx.credential());
        assert!(inner.credential.get().is_some());
    }

    #[test]
    fn it_is_the_same_two_borders_further() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let cx = Ctx::new("1")
            .with_trace_parent("00")
            .with_option("a", "b")
            .with_timeout(Duration::from_secs(60))
            .with_log({
                let lines = Arc::clone(&lines);
                move |_, text| lines.lock().unwrap().push(text.to_owned())
            });
        let below = lent(&lent(&cx));
        assert_eq!((below.request_id(), below.trace_parent()), ("1", "00"));
        assert_eq!(below.option("a"), Some("b"));
        assert!(below.remaining().is_some_and(|left| left.as_secs() > 50));
        below.log(LogLevel::Info, "one");
        below.with_option("c", "d").log(LogLevel::Info, "two");
        assert_eq!(*lines.lock().unwrap(), ["one", "two"]);
    }

    #[test]
    fn a_change_below_leaves_the_caller_alone() {
        let cx = Ctx::new("1").with_option("a", "b");
        let below = lent(&cx);
        let changed = below.clone().with_option("a", "c").with_trace_parent("00");
        assert_eq!((cx.option("a"), below.option("a")), (Some("b"), Some("b")));
        assert_eq!(
            (changed.option("a"), changed.request_id()),
            (Some("c"), "1")
        );
        below.cancel().cancel();
        assert!(changed.cancel().is_cancelled() && !cx.cancel().is_cancelled());
    }
}
