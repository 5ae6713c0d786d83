//! What may stand between a plugin and the network while the plugin is checked: it sees each request as
//! the plugin made it, before a credential is put in, and answers itself or lets it go on.
//!
//! A gateway that serves has none; [`Host::load_file_through`](crate::Host::load_file_through) is the only
//! way to have one. Whether the plugin may send the request was decided before. Redirects are followed behind
//! it: it sees the first request and the last answer.

use std::sync::Arc;

use bytes::Bytes;
use causeway_sdk::{BoxFuture, Credential, Result};
use futures_util::stream::BoxStream;
use reqwest::header::HeaderMap;
use reqwest::{Method, Url};

use super::{Outbound, Request};

/// What goes with a request.
pub enum Body {
    /// Nothing.
    Empty,
    /// All of it.
    Bytes(Bytes),
    /// Bytes as they come, and how many, when that is known.
    Stream(BoxStream<'static, Result<Bytes>>, Option<u64>),
}

/// What came back.
pub struct Reply {
    /// Status of HTTP.
    pub status: u16,
    /// Its headers.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Where it came from in the end.
    pub uri: String,
    /// Its body.
    pub body: BoxStream<'static, Result<Bytes>>,
}

/// A request as the plugin made it.
pub struct Sent {
    /// Its method.
    pub method: String,
    /// Where it goes.
    pub uri: String,
    /// The headers that the plugin wrote.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Its body.
    pub body: Body,
}

/// The way on: sends the request with this body.
pub type Onwards<'a> = Box<dyn FnOnce(Body) -> BoxFuture<'a, Result<Reply>> + Send + 'a>;

/// Stands between a plugin and the network.
pub trait Wire: Send + Sync {
    /// Answers a request, or lets it go on.
    fn exchange<'a>(&'a self, sent: Sent, onwards: Onwards<'a>) -> BoxFuture<'a, Result<Reply>>;
}

impl Outbound {
    /// Puts something between the plugin and the network. It stays there.
    pub(crate) fn through(&self, wire: Arc<dyn Wire>) {
        // A second one would see what the first one made of it; there is one, and it is the first.
        drop(self.wire.set(wire));
    }

    /// The exchange of an admitted request.
    pub(super) async fn exchange(
        &self,
        request: &Request,
        method: Method,
        headers: HeaderMap,
        first: Url,
        credential: &Credential,
        body: Body,
    ) -> Result<Reply> {
        let Some(wire) = self.wire.get() else {
            let follow = self.follow(request, method, headers, first, credential, body);
            return follow.await;
        };
        self.may_go(&first)?;
        let sent = Sent {
            method: request.method.clone(),
            uri: request.uri.clone(),
            headers: request.headers.clone(),
            body,
        };
        let onwards: Onwards<'_> = Box::new(move |body| {
            Box::pin(self.follow(request, method, headers, first, credential, body))
        });
        wire.exchange(sent, onwards).await
    }
}
