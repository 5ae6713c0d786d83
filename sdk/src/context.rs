//! What accompanies a call: who asks, how long it may take, where to log.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use causeway_abi::{CancelHandle, CancelSource};
use serde::{Deserialize, Serialize};

use crate::capability::CredentialKind;
use crate::{Result, Secret};

/// With what a storage may be approached on the user's behalf.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Credential {
    /// Nothing: anonymous.
    #[default]
    None,
    /// A bearer token (RFC 6750).
    Bearer(Secret),
    /// PEM: certificate, key, chain, in the order of a proxy file (RFC 3820).
    X509(Secret),
    /// Access key and secret key.
    Keys {
        /// Access key.
        access: String,
        /// Secret key.
        secret: Secret,
        /// Session token.
        token: Option<Secret>,
        /// Region to sign for.
        region: Option<String>,
    },
}

impl Credential {
    /// Its kind.
    pub fn kind(&self) -> CredentialKind {
        match self {
            Self::None => CredentialKind::None,
            Self::Bearer(_) => CredentialKind::Bearer,
            Self::X509(_) => CredentialKind::X509,
            Self::Keys { .. } => CredentialKind::Keys,
        }
    }
}

/// How grave a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// For authors.
    Debug,
    /// Worth knowing.
    Info,
    /// Odd, but it goes on.
    Warn,
    /// It failed.
    Error,
}

pub(crate) type LogFn = dyn Fn(LogLevel, &str) + Send + Sync;

/// Context of one call. Cheap to clone.
///
/// Dropping the future of a call is cancellation. The token is for work that a plugin spawned and
/// that would outlive the drop.
#[derive(Clone)]
pub struct Ctx(Arc<Inner>);

struct Inner {
    request_id: String,
    trace_parent: String,
    deadline: Option<Instant>,
    credential: Credential,
    options: BTreeMap<String, String>,
    cancel: CancelToken,
    log: Option<Arc<LogFn>>,
}

impl Ctx {
    /// A context with an id that appears in logs. Add the rest with the `with_` methods.
    pub fn new(request_id: impl Into<String>) -> Self {
        Self::under(CancelToken::default(), request_id.into())
    }

    /// A context whose token is there already, for the glue that makes one per call.
    pub(crate) fn under(cancel: CancelToken, request_id: String) -> Self {
        Self(Arc::new(Inner {
            request_id,
            trace_parent: String::new(),
            deadline: None,
            credential: Credential::None,
            options: BTreeMap::new(),
            cancel,
            log: None,
        }))
    }

    fn change(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        if Arc::get_mut(&mut self.0).is_none() {
            let it = &self.0;
            self.0 = Arc::new(Inner {
                request_id: it.request_id.clone(),
                trace_parent: it.trace_parent.clone(),
                deadline: it.deadline,
                credential: it.credential.clone(),
                options: it.options.clone(),
                cancel: it.cancel.clone(),
                log: it.log.clone(),
            });
        }
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            change(inner);
        }
        self
    }

    /// Sets the W3C trace context.
    #[must_use]
    pub fn with_trace_parent(self, trace_parent: impl Into<String>) -> Self {
        self.change(|it| it.trace_parent = trace_parent.into())
    }

    /// Limits the time the call may take, from now.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        self.change(|it| it.deadline = Instant::now().checked_add(timeout))
    }

    /// Sets the credential.
    #[must_use]
    pub fn with_credential(self, credential: Credential) -> Self {
        self.change(|it| it.credential = credential)
    }

    /// Sets an option, for instance `ipv6` to `true` or `space_token` to a name.
    #[must_use]
    pub fn with_option(self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.change(|it| {
            it.options.insert(key.into(), value.into());
        })
    }

    /// Sets the token that is tripped when the caller gives up.
    #[must_use]
    pub fn with_cancel(self, cancel: CancelToken) -> Self {
        self.change(|it| it.cancel = cancel)
    }

    /// Sets where log lines of this call go.
    #[must_use]
    pub fn with_log(self, log: impl Fn(LogLevel, &str) + Send + Sync + 'static) -> Self {
        self.change(|it| it.log = Some(Arc::new(log)))
    }

    /// Id of the request or attempt. Calls with the same id belong together.
    pub fn request_id(&self) -> &str {
        &self.0.request_id
    }

    /// W3C trace context, empty when there is none.
    pub fn trace_parent(&self) -> &str {
        &self.0.trace_parent
    }

    /// Time left; `None` when there is no limit. The host enforces it; this is for planning.
    pub fn remaining(&self) -> Option<Duration> {
        self.0
            .deadline
            .map(|at| at.saturating_duration_since(Instant::now()))
    }

    /// The credential.
    pub fn credential(&self) -> &Credential {
        &self.0.credential
    }

    /// An option of the call.
    pub fn option(&self, key: &str) -> Option<&str> {
        self.0.options.get(key).map(String::as_str)
    }

    /// All options of the call.
    pub fn options(&self) -> &BTreeMap<String, String> {
        &self.0.options
    }

    /// Tripped when the caller gives up.
    pub fn cancel(&self) -> &CancelToken {
        &self.0.cancel
    }

    /// Where log lines go, for the glue that hands a context over.
    pub(crate) fn log_fn(&self) -> Option<&Arc<LogFn>> {
        self.0.log.as_ref()
    }

    /// Writes a line into the log of the transfer. Never put a secret into it.
    pub fn log(&self, level: LogLevel, text: &str) {
        if let Some(log) = &self.0.log {
            log(level, text);
        }
    }
}

impl fmt::Debug for Ctx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ctx")
            .field("request_id", &self.0.request_id)
            .field("remaining", &self.remaining())
            .field("credential", &self.0.credential.kind())
            .finish_non_exhaustive()
    }
}

/// A flag that is raised once, and can be waited for.
#[derive(Clone, Debug, Default)]
pub struct CancelToken(Arc<CancelState>);

#[derive(Debug, Default)]
struct CancelState {
    raised: AtomicBool,
    notify: tokio::sync::Notify,
    // The caller's flag, when the caller is on the other side of a boundary.
    above: Option<CancelHandle>,
}

impl CancelSource for CancelState {
    fn is_raised(&self) -> bool {
        self.raised.load(Ordering::SeqCst)
            || self.above.as_ref().is_some_and(CancelHandle::is_raised)
    }

    fn raised(self: Arc<Self>) -> async_ffi::FfiFuture<()> {
        async_ffi::FfiFuture::new(async move { CancelToken(self).cancelled().await })
    }
}

impl CancelToken {
    /// A token that is also raised when the flag above it is.
    pub(crate) fn below(above: CancelHandle) -> Self {
        Self(Arc::new(CancelState {
            above: Some(above),
            ..CancelState::default()
        }))
    }

    /// The token as it is handed to the other side of a boundary.
    pub(crate) fn handle(&self) -> CancelHandle {
        CancelHandle::new(Arc::clone(&self.0))
    }

    /// Raises the flag and wakes all that wait for it.
    pub fn cancel(&self) {
        self.0.raised.store(true, Ordering::SeqCst);
        self.0.notify.notify_waiters();
    }

    /// True once the flag is raised.
    pub fn is_cancelled(&self) -> bool {
        self.0.is_raised()
    }

    /// Waits until the flag is raised.
    pub async fn cancelled(&self) {
        let mut waiting = std::pin::pin!(self.0.notify.notified());
        // Registered before the flag is read, so a raise in between is not missed.
        waiting.as_mut().enable();
        if self.is_cancelled() {
            return;
        }
        match &self.0.above {
            Some(above) => {
                futures_util::future::select(waiting, above.raised()).await;
            }
            None => waiting.await,
        }
    }
}

/// What the gateway gives a plugin when it is created.
#[derive(Clone)]
pub struct Host {
    log: Arc<LogFn>,
}

impl Host {
    /// A host whose log lines go to `log`.
    pub fn new(log: impl Fn(LogLevel, &str) + Send + Sync + 'static) -> Self {
        Self { log: Arc::new(log) }
    }

    /// A host that writes nothing, for tests.
    pub fn silent() -> Self {
        Self::new(|_, _| {})
    }

    /// Where log lines go, for the glue that hands a host over.
    pub(crate) fn log_fn(&self) -> &Arc<LogFn> {
        &self.log
    }

    /// Writes a line into the gateway's log under the plugin's name.
    pub fn log(&self, level: LogLevel, text: &str) {
        (self.log)(level, text);
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Host")
    }
}

/// Reads a plugin's options from the JSON text that [`Storage::create`](crate::Storage::create) gets.
///
/// # Errors
/// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) that names the field, when the text does not fit.
pub fn parse_config<T: for<'de> Deserialize<'de>>(config: &str) -> Result<T> {
    let text = if config.trim().is_empty() {
        "{}"
    } else {
        config
    };
    serde_json::from_str(text).map_err(|source| {
        crate::Error::new(
            crate::ErrorKind::Invalid,
            format!("read the plugin's options: {source}"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let cx = Ctx::new("1").with_credential(Credential::Bearer(Secret::new("hunter2")));
        assert!(!format!("{cx:?} {:?}", cx.credential()).contains("hunter2"));
    }

    #[test]
    fn changing_a_clone_leaves_the_first_alone() {
        let one = Ctx::new("1");
        let two = one.clone().with_option("a", "b");
        assert_eq!((one.option("a"), two.option("a")), (None, Some("b")));
    }

    #[tokio::test]
    async fn a_raise_wakes_and_stays() {
        let token = CancelToken::default();
        let waiter = tokio::spawn({
            let token = token.clone();
            async move { token.cancelled().await }
        });
        tokio::task::yield_now().await;
        token.cancel();
        waiter.await.unwrap();
        token.cancelled().await;
    }
}
