//! HTTP for components. The gateway opens the connection, does TLS and puts the credential in; a
//! host that the plugin's manifest does not grant answers [`ErrorKind::Denied`].
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

use std::fmt;
use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};
use tokio::sync::oneshot;
use wit_bindgen::{FutureReader, StreamReader, StreamResult, StreamWriter};

use super::bindings::causeway::storage::http::{Body, Exchange, send};
use super::bindings::causeway::storage::{http_types as wit, types};
use super::bindings::wit_stream;
use super::convert::error_back;
use crate::{Credential, Error, ErrorKind, Result};

/// Bytes of an answer that are asked for at a time.
const CHUNK: usize = 256 << 10;

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
        let (tell, answer) = oneshot::channel();
        let (give_up, given_up) = oneshot::channel();
        // In a task of its own, since calls that write come and go.
        wit_bindgen::spawn_local(async move {
            let answer = match select(Box::pin(sending), given_up).await {
                Either::Left((answer, _)) => answer,
                // The body is whole.
                Either::Right((Err(_), sending)) => sending.await,
                Either::Right((Ok(data), sending)) => {
                    // In this order: without its request nobody takes the end of the body for its end.
                    drop(sending);
                    drop::<StreamWriter<u8>>(data);
                    return;
                }
            };
            // Nobody waits for it when the upload was dropped meanwhile.
            drop(tell.send(answer));
        });
        Ok(Upload {
            answer,
            give_up: Some(give_up),
            data: Some(data),
        })
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

/// An answer, its body still on the way. Dropped early, it closes the connection.
pub struct Response {
    head: wit::Response,
    data: Option<StreamReader<u8>>,
    end: Option<FutureReader<Result<(), types::Error>>>,
}

impl Response {
    fn new(exchange: Exchange) -> Self {
        Self {
            head: exchange.response,
            data: Some(exchange.data),
            end: Some(exchange.end),
        }
    }

    /// The status.
    pub fn status(&self) -> u16 {
        self.head.status
    }

    /// True from 200 to 299.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.head.status)
    }

    /// The first header of that name, if it is a text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let named = |it: &&(String, Vec<u8>)| it.0.eq_ignore_ascii_case(name);
        let (_, value) = self.head.headers.iter().find(named)?;
        std::str::from_utf8(value).ok()
    }

    /// Where it came from in the end.
    pub fn uri(&self) -> &str {
        &self.head.uri
    }

    /// The next bytes of the body; `None` at its end.
    ///
    /// # Errors
    /// When the body broke off.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        if let Some(data) = &mut self.data {
            let (status, bytes) = data.read(Vec::with_capacity(CHUNK)).await;
            if !bytes.is_empty() {
                return Ok(Some(bytes.into()));
            }
            if matches!(status, StreamResult::Complete(_)) {
                return Err(Error::new(
                    ErrorKind::Internal,
                    "read an answer: no bytes came",
                ));
            }
            self.data = None;
        }
        match self.end.take() {
            Some(end) => end.await.map(|()| None).map_err(error_back),
            None => Ok(None),
        }
    }

    /// The whole body.
    ///
    /// # Errors
    /// When it broke off, or is longer than `most` bytes.
    pub async fn read_all(mut self, most: usize) -> Result<Bytes> {
        let mut all = Vec::new();
        while let Some(chunk) = self.next().await? {
            if all.len() + chunk.len() > most {
                return Err(Error::new(
                    ErrorKind::Remote,
                    format!("read an answer of more than {most} bytes"),
                ));
            }
            all.extend_from_slice(&chunk);
        }
        Ok(all.into())
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({})", self.head.status)
    }
}

/// A request whose body is being sent. Dropped before [`Upload::finish`], it gives the request up.
pub struct Upload {
    answer: oneshot::Receiver<Result<Response>>,
    /// Takes the body's sender when the request is given up.
    give_up: Option<oneshot::Sender<StreamWriter<u8>>>,
    data: Option<StreamWriter<u8>>,
}

impl Upload {
    /// Sends the next bytes. False when the server has answered without waiting for them, and
    /// takes no more: [`Upload::finish`] tells what it said.
    pub async fn write(&mut self, chunk: Bytes) -> bool {
        let Some(data) = &mut self.data else {
            return false;
        };
        let rest = data.write_all(chunk.into()).await;
        if !rest.is_empty() {
            self.data = None;
        }
        rest.is_empty()
    }

    /// Ends the body and waits for the answer.
    ///
    /// # Errors
    /// When no answer came.
    pub async fn finish(mut self) -> Result<Response> {
        self.give_up = None;
        self.data = None;
        match (&mut self.answer).await {
            Ok(answer) => answer,
            Err(_) => Err(Error::new(
                ErrorKind::Canceled,
                "wait for the answer: the request was given up",
            )),
        }
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let (Some(give_up), Some(data)) = (self.give_up.take(), self.data.take()) {
            // It comes back when there is an answer already, and then nothing is to be stopped.
            drop(give_up.send(data));
        }
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Upload")
    }
}
