//! In place of `lent.rs` in a component: the caller's context is a resource of the gateway.
//!
//! It is asked when somebody looks, and never if nobody does: each question crosses the boundary.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::{CancelToken, Credential, Ctx, Inner, LogFn, LogLevel};
use crate::component::{CallContext, credential, level, wait_until_cancelled};

/// What a token asks whether the caller has given up.
#[derive(Clone)]
pub(super) struct Above(Arc<CallContext>);

impl Above {
    pub(super) fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }

    pub(super) fn cancelled(&self) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(wait_until_cancelled(&self.0))
    }
}

impl fmt::Debug for Above {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Above")
    }
}

/// What a component knows of its caller's context.
pub(super) struct Lent {
    caller: Arc<CallContext>,
    request_id: OnceLock<String>,
    trace_parent: OnceLock<String>,
    credential: OnceLock<Box<Credential>>,
    options: OnceLock<BTreeMap<String, String>>,
    cancel: OnceLock<CancelToken>,
}

impl Lent {
    pub(super) fn request_id(&self) -> &str {
        self.request_id.get_or_init(|| self.caller.request_id())
    }

    pub(super) fn trace_parent(&self) -> &str {
        self.trace_parent.get_or_init(|| self.caller.trace_parent())
    }

    pub(super) fn remaining(&self) -> Option<Duration> {
        self.caller.remaining_ms().map(Duration::from_millis)
    }

    pub(super) fn credential(&self) -> &Credential {
        self.credential
            .get_or_init(|| Box::new(credential(self.caller.credential())))
    }

    pub(super) fn options(&self) -> &BTreeMap<String, String> {
        self.options
            .get_or_init(|| self.caller.options().into_iter().collect())
    }

    pub(super) fn cancel(&self) -> &CancelToken {
        self.cancel
            .get_or_init(|| CancelToken::below(Above(Arc::clone(&self.caller))))
    }

    pub(super) fn log(&self, grave: LogLevel, text: &str) {
        self.caller.log(level(grave), text);
    }

    /// Writes into the caller's log.
    pub(super) fn pen(&self) -> Arc<LogFn> {
        let caller = Arc::clone(&self.caller);
        Arc::new(move |grave, text: &str| caller.log(level(grave), text))
    }
}

impl Ctx {
    /// The context of a caller on the other side.
    pub(crate) fn lent(caller: Arc<CallContext>) -> Self {
        Self(Arc::new(Inner::Lent(Lent {
            caller,
            request_id: OnceLock::new(),
            trace_parent: OnceLock::new(),
            credential: OnceLock::new(),
            options: OnceLock::new(),
            cancel: OnceLock::new(),
        })))
    }
}
