//! HTTP for components. The gateway opens the connection, does TLS and puts the credential in; a
//! host that the plugin's manifest does not grant answers [`ErrorKind::Denied`].
//!
//! Here stands what is asked; an [answer](Response) and a body [on its way](Upload) have files of their own.
//!
//! ```no_run
//! # use causeway_sdk::{Ctx, Result};
//! use causeway_sdk::http::Request;
//!
//! # async fn example(cx: &Ctx) -> Result<()> {
//! let answer = Request::get("https://data.example.org/api/records")
//!     .header("accept", "application/json")
//!     .credential(cx.credential())
//!     .send()
//!     .await?;
//! let page = answer.read_all(1 << 20).await?;
//! # Ok(())
//! # }
//! ```

mod response;
mod upload;

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;

use super::bindings::causeway::storage::http::{Body, send};
use super::bindings::causeway::storage::http_types as wit;
use super::bindings::wit_stream;
use super::convert::error_back;
use crate::{Credential, Error, ErrorKind, Result};

pub use response::Response;
pub use upload::Upload;

/// A request. The gateway sets host, length and authorization itself.
#[derive(Clone, Debug)]
pub struct Request {
    head: wit::Request,
    credential: Credential,
}

impl Request {
    /// A request with a method and an absolute `http` or `https` URI.
    pub fn new(method: &str, uri: impl Into<String>) -> Self {
        Self {
            head: wit::Request {
                method: method.to_owned(),
                uri: uri.into(),
                headers: Vec::new(),
                timeout_ms: None,
                redirects: 0,
            },
            credential: Credential::None,
        }
    }

    /// A `GET` that follows up to five redirects.
    pub fn get(uri: impl Into<String>) -> Self {
        Self::new("GET", uri).redirects(5)
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref().to_vec();
        self.head.headers.push((name.to_owned(), value));
        self
    }

    /// Lets a credential go with it: that of the call, or one that the plugin has in its options.
    #[must_use]
    pub fn credential(mut self, credential: &Credential) -> Self {
        self.credential = credential.clone();
        self
    }

    /// The longest wait for the head of the answer; that of the call unless told.
    #[must_use]
    pub fn timeout(mut self, time: Duration) -> Self {
        let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.head.timeout_ms = Some(ms);
        self
    }

    /// Redirects to follow, at most 10. With 0 they are handed back like any answer.
    #[must_use]
    pub fn redirects(mut self, most: u32) -> Self {
        self.head.redirects = most;
        self
    }

    /// Sends it without a body.
    ///
    /// # Errors
    /// When no answer came. Every answer is one, whatever its status.
    pub async fn send(self) -> Result<Response> {
        let sent = self.start(Body::Empty)?;
        sent.await
    }

    /// Sends it with a body.
    ///
    /// # Errors
    /// When no answer came.
    pub async fn send_bytes(self, body: impl Into<Bytes>) -> Result<Response> {
        let sent = self.start(Body::Bytes(body.into().into()))?;
        sent.await
    }

    /// Begins to send it with a body that is yet to come, and its length when that is known.
    ///
    /// # Errors
    /// When it cannot be sent at all.
    pub fn upload(self, len: Option<u64>) -> Result<Upload> {
        let (data, body) = wit_stream::new();
        let sending = self.start(Body::Streamed((body, len)))?;
        Ok(Upload::begin(data, sending))
    }

    fn start(self, body: Body) -> Result<impl Future<Output = Result<Response>> + 'static> {
        let mut head = self.head;
        let held = match self.credential {
            Credential::None => None,
            Credential::Held(held) => Some(held),
            Credential::Bearer(token) => {
                let value = format!("Bearer {}", token.expose());
                head.headers.push(("authorization".into(), value.into()));
                None
            }
            Credential::X509(_) | Credential::Keys { .. } => {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    "send a credential of this kind that the gateway does not keep",
                ));
            }
        };
        Ok(async move {
            let handle = held.as_ref().map(crate::component::Held::handle);
            let exchange = send(head, handle, body).await.map_err(error_back)?;
            Ok(Response::new(exchange))
        })
    }
}
