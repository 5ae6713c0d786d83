//! What accompanies a call: who asks, how long it may take, where to log.

mod cancel;
mod clock;
mod host;
#[cfg_attr(target_family = "wasm", path = "context/lent_component.rs")]
mod lent;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Secret;
use crate::capability::CredentialKind;

pub use cancel::CancelToken;
use clock::Moment;
pub use host::{Host, parse_config};
use lent::Lent;

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
    /// Something that the gateway keeps: a component names it in a request, and the gateway puts
    /// the secret in.
    #[cfg(target_family = "wasm")]
    #[serde(skip)]
    Held(crate::component::Held),
}

impl Credential {
    /// Its kind.
    pub fn kind(&self) -> CredentialKind {
        match self {
            Self::None => CredentialKind::None,
            Self::Bearer(_) => CredentialKind::Bearer,
            Self::X509(_) => CredentialKind::X509,
            Self::Keys { .. } => CredentialKind::Keys,
            #[cfg(target_family = "wasm")]
            Self::Held(held) => held.kind(),
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

enum Inner {
    /// Made here. Boxed, because one of the others is made for every call.
    Own(Box<Own>),
    /// Made on the other side of the boundary.
    Lent(Lent),
}

#[derive(Clone)]
struct Own {
    request_id: String,
    trace_parent: String,
    deadline: Option<Moment>,
    credential: Credential,
    options: BTreeMap<String, String>,
    cancel: CancelToken,
    log: Option<Arc<LogFn>>,
}

impl Own {
    /// What a caller lent, to be changed.
    fn of(lent: &Lent) -> Self {
        let left = lent.remaining();
        Self {
            request_id: lent.request_id().to_owned(),
            trace_parent: lent.trace_parent().to_owned(),
            deadline: left.and_then(|left| Moment::now().checked_add(left)),
            credential: lent.credential().clone(),
            options: lent.options().clone(),
            cancel: lent.cancel().clone(),
            log: Some(lent.pen()),
        }
    }
}

impl Inner {
    fn request_id(&self) -> &str {
        match self {
            Self::Own(own) => &own.request_id,
            Self::Lent(lent) => lent.request_id(),
        }
    }

    fn trace_parent(&self) -> &str {
        match self {
            Self::Own(own) => &own.trace_parent,
            Self::Lent(lent) => lent.trace_parent(),
        }
    }

    fn remaining(&self) -> Option<Duration> {
        match self {
            Self::Own(own) => {
                let deadline = own.deadline?;
                Some(deadline.saturating_duration_since(Moment::now()))
            }
            Self::Lent(lent) => lent.remaining(),
        }
    }

    fn has_deadline(&self) -> bool {
        match self {
            Self::Own(own) => own.deadline.is_some(),
            Self::Lent(lent) => lent.remaining().is_some(),
        }
    }

    fn credential(&self) -> &Credential {
        match self {
            Self::Own(own) => &own.credential,
            Self::Lent(lent) => lent.credential(),
        }
    }

    fn options(&self) -> &BTreeMap<String, String> {
        match self {
            Self::Own(own) => &own.options,
            Self::Lent(lent) => lent.options(),
        }
    }

    fn cancel(&self) -> &CancelToken {
        match self {
            Self::Own(own) => &own.cancel,
            Self::Lent(lent) => lent.cancel(),
        }
    }

    fn log(&self, level: LogLevel, text: &str) {
        match self {
            Self::Own(own) => {
                if let Some(log) = &own.log {
                    log(level, text);
                }
            }
            Self::Lent(lent) => lent.log(level, text),
        }
    }
}

impl Ctx {
    /// A context with an id that appears in logs. Add the rest with the `with_` methods.
    pub fn new(request_id: impl Into<String>) -> Self {
        Self(Arc::new(Inner::Own(Box::new(Own {
            request_id: request_id.into(),
            trace_parent: String::new(),
            deadline: None,
            credential: Credential::None,
            options: BTreeMap::new(),
            cancel: CancelToken::default(),
            log: None,
        }))))
    }

    fn change(mut self, change: impl FnOnce(&mut Own)) -> Self {
        if let Some(Inner::Own(own)) = Arc::get_mut(&mut self.0) {
            change(own);
            return self;
        }
        let mut own = match &*self.0 {
            Inner::Own(own) => own.clone(),
            Inner::Lent(lent) => Box::new(Own::of(lent)),
        };
        change(&mut own);
        Self(Arc::new(Inner::Own(own)))
    }

    /// Sets the W3C trace context.
    #[must_use]
    pub fn with_trace_parent(self, trace_parent: impl Into<String>) -> Self {
        self.change(|it| it.trace_parent = trace_parent.into())
    }

    /// Limits the time the call may take, from now.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        self.change(|it| it.deadline = Moment::now().checked_add(timeout))
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
        self.0.request_id()
    }

    /// W3C trace context, empty when there is none.
    pub fn trace_parent(&self) -> &str {
        self.0.trace_parent()
    }

    /// Time left; `None` when there is no limit. The host enforces it; this is for planning.
    pub fn remaining(&self) -> Option<Duration> {
        self.0.remaining()
    }

    /// True when there is a limit, which costs less to ask than how much is left.
    pub fn has_deadline(&self) -> bool {
        self.0.has_deadline()
    }

    /// The credential.
    pub fn credential(&self) -> &Credential {
        self.0.credential()
    }

    /// An option of the call.
    pub fn option(&self, key: &str) -> Option<&str> {
        self.0.options().get(key).map(String::as_str)
    }

    /// All options of the call.
    pub fn options(&self) -> &BTreeMap<String, String> {
        self.0.options()
    }

    /// Tripped when the caller gives up.
    pub fn cancel(&self) -> &CancelToken {
        self.0.cancel()
    }

    /// Writes a line into the log of the transfer. Never put a secret into it.
    pub fn log(&self, level: LogLevel, text: &str) {
        self.0.log(level, text);
    }
}

impl fmt::Debug for Ctx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ctx")
            .field("request_id", &self.request_id())
            .field("remaining", &self.remaining())
            .field("credential", &self.credential().kind())
            .finish_non_exhaustive()
    }
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
}
