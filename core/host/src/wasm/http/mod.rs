//! Outgoing HTTP of components: the gateway opens the connection, does TLS, puts the credential in
//! and looks at every step whether the plugin may go there.
//!
//! [`allow`] knows where a plugin may go, by [`hosts`] and [`networks`]; [`headers`] what it may not write;
//! [`client`] makes connections, [`sign`] signs with pairs of keys, [`upload`] sends bodies, [`wire`] lets a
//! check of a plugin look on. Which servers are believed is decided by the same code as for native plugins.
//! What is a request in the types of a published version is its module's business.
//!
//! # Invariants
//! - A plugin reaches what it was granted, also after a redirect, and by name only what does not
//!   resolve to a private address (`tests/wasm_http.rs`).
//! - A secret is in the request and nowhere a plugin can look.

mod allow;
mod client;
mod headers;
mod hosts;
mod networks;
mod sign;
mod upload;
mod wire;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use causeway_sdk::{Credential, Error, ErrorKind, Result};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder, Url};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::grants::Grants;
use allow::Allowed;
use client::Clients;
use jiff::Timestamp;
use sign::Keys;
use upload::with_body;

pub use wire::{Body, Onwards, Reply, Sent, Wire};

/// Most redirects that are followed.
const REDIRECTS: u32 = 10;
/// The head of an answer has to come within this.
const PATIENCE: Duration = Duration::from_secs(300);

/// A request of a plugin.
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) uri: String,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) redirects: u32,
}

/// Body of an answer that a plugin takes piece by piece.
// Public because code of the binding macro names it; the module is not.
#[allow(unreachable_pub)]
pub struct Incoming {
    pub(crate) body: BoxStream<'static, Result<Bytes>>,
    pub(crate) rest: Bytes,
}

/// A request whose body a plugin gives piece by piece. Dropped, it is given up.
// Public because code of the binding macro names it; the module is not.
#[allow(unreachable_pub)]
pub struct Outgoing {
    pub(crate) chunks: Option<mpsc::Sender<Bytes>>,
    sending: JoinHandle<Result<Reply>>,
}

impl Outgoing {
    pub(crate) fn new(chunks: mpsc::Sender<Bytes>, sending: JoinHandle<Result<Reply>>) -> Self {
        Self {
            chunks: Some(chunks),
            sending,
        }
    }

    /// The answer, once the body has ended.
    pub(crate) async fn answer(&mut self) -> Result<Reply> {
        let ended = (&mut self.sending).await;
        ended.unwrap_or_else(|_| Err(invalid("it was given up")))
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        self.sending.abort();
    }
}

/// The way out of one plugin.
pub(crate) struct Outbound {
    plugin: String,
    allowed: Allowed,
    clients: Clients,
    wire: OnceLock<Arc<dyn Wire>>,
}

impl Outbound {
    pub(crate) fn new(plugin: &str, grants: &Grants) -> Result<Self, String> {
        let allowed = Allowed::new(grants)?;
        Ok(Self {
            plugin: plugin.to_owned(),
            clients: Clients::new(grants, allowed.clone()),
            allowed,
            wire: OnceLock::new(),
        })
    }

    /// Sends a request, follows redirects as far as the plugin wants and may.
    pub(crate) async fn send(
        &self,
        request: Request,
        credential: &Credential,
        body: Body,
    ) -> Result<Reply> {
        let denied = |reason: String| self.denied(&request.uri, &reason);
        let method = Method::from_bytes(request.method.as_bytes())
            .map_err(|_| invalid("the method is none"))?;
        self.allowed.method(&method).map_err(denied)?;
        self.allowed.credential(credential).map_err(denied)?;
        let own = *credential == Credential::None;
        let headers = headers::checked(&request.headers, own).map_err(|why| invalid(&why))?;
        let first = Url::parse(&request.uri).map_err(|_| invalid("the URI is none"))?;
        let limit = request.timeout.unwrap_or(PATIENCE).min(PATIENCE);
        let sending = self.exchange(&request, method, headers, first, credential, body);
        match tokio::time::timeout(limit, sending).await {
            Ok(result) => result,
            Err(_) => {
                let text = format!("call {}: no answer in time", place(&request.uri));
                Err(Error::new(ErrorKind::Timeout, text))
            }
        }
    }

    fn may_go(&self, at: &Url) -> Result<()> {
        let granted = self.allowed.place(at);
        granted.map_err(|reason| self.denied(at.as_str(), &reason))
    }

    /// Where a plugin wanted to go, and what it lacks for that.
    fn denied(&self, uri: &str, reason: &str) -> Error {
        let text = format!("call {}: plugin {} {reason}", place(uri), self.plugin);
        Error::new(ErrorKind::Denied, text).with("plugin", &self.plugin)
    }

    async fn follow(
        &self,
        request: &Request,
        method: Method,
        mut headers: HeaderMap,
        first: Url,
        credential: &Credential,
        body: Body,
    ) -> Result<Reply> {
        let mut left = request.redirects.min(REDIRECTS);
        let repeatable = matches!(body, Body::Empty);
        let (mut at, mut body) = (first.clone(), Some(body));
        loop {
            self.may_go(&at)?;
            // What was meant for one server is not shown to another.
            let home = at.origin() == first.origin();
            if !home {
                headers::leave_secrets(&mut headers);
            }
            let shown = if home { credential } else { &Credential::None };
            let client = self.clients.client(shown)?;
            let asked = client.request(method.clone(), at.clone());
            let asked = with_credential(asked, &method, &at, headers.clone(), shown)?;
            let asked = with_body(asked, body.take().unwrap_or(Body::Empty));
            let answer = asked
                .send()
                .await
                .map_err(|source| self.failed(&at, &source))?;
            let next = headers::location(&answer).filter(|_| left > 0 && repeatable);
            let Some(next) = next else {
                return Ok(reply(answer));
            };
            left -= 1;
            at = at.join(&next).map_err(|_| {
                let text = format!("follow a redirect of {}", place(at.as_str()));
                Error::new(ErrorKind::Remote, text)
            })?;
        }
    }

    /// What a failed exchange means. The client's text may hold the query, so it is not used.
    fn failed(&self, at: &Url, source: &reqwest::Error) -> Error {
        let where_to = place(at.as_str());
        let mut cause: Option<&dyn std::error::Error> = Some(source);
        while let Some(it) = cause {
            if let Some(private) = it.downcast_ref::<client::Private>() {
                return self.denied(at.as_str(), &private.to_string());
            }
            if let Some(body) = it.downcast_ref::<Error>() {
                return body.clone();
            }
            cause = it.source();
        }
        let (kind, what) = match source {
            it if it.is_timeout() => (ErrorKind::Timeout, "no answer in time"),
            it if it.is_connect() => (ErrorKind::Network, "no connection"),
            it if it.is_body() => (ErrorKind::Network, "the body was not taken"),
            _ => (ErrorKind::Network, "the exchange failed"),
        };
        Error::new(kind, format!("call {where_to}: {what}")).with("cause", root(source))
    }
}

fn root(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

fn reply(answer: reqwest::Response) -> Reply {
    let at = place(answer.url().as_str());
    let headers = answer.headers().iter();
    let broken = move |source: reqwest::Error| {
        let text = format!("read the answer of {at}");
        Error::new(ErrorKind::Network, text).with("cause", root(&source))
    };
    Reply {
        status: answer.status().as_u16(),
        headers: headers
            .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
            .collect(),
        uri: answer.url().to_string(),
        body: answer
            .bytes_stream()
            .filter(|it| std::future::ready(!it.as_ref().is_ok_and(Bytes::is_empty)))
            .map(move |it| it.map_err(&broken))
            .boxed(),
    }
}

/// Headers, and what says on whose behalf they are sent.
fn with_credential(
    asked: RequestBuilder,
    method: &Method,
    at: &Url,
    mut headers: HeaderMap,
    credential: &Credential,
) -> Result<RequestBuilder> {
    match credential {
        Credential::Bearer(token) => Ok(asked.headers(headers).bearer_auth(token.expose())),
        Credential::Keys {
            access,
            secret,
            token,
            region,
        } => {
            let keys = Keys {
                access,
                secret,
                token: token.as_ref(),
                region: region.as_deref(),
            };
            sign::sign(&keys, method, at, &mut headers, Timestamp::now())?;
            Ok(asked.headers(headers))
        }
        // A certificate is the connection's.
        Credential::None | Credential::X509(_) => Ok(asked.headers(headers)),
    }
}

fn invalid(why: &str) -> Error {
    Error::new(
        ErrorKind::Invalid,
        format!("send the plugin's request: {why}"),
    )
}

/// A URI for messages: without user, query and fragment.
fn place(uri: &str) -> String {
    match Url::parse(uri) {
        Ok(url) if url.origin().is_tuple() => {
            format!("{}{}", url.origin().ascii_serialization(), url.path())
        }
        Ok(url) => format!("a URI of the scheme {}", url.scheme()),
        Err(_) => "a URI that is none".to_owned(),
    }
}
