//! One streamed PUT, up to the answer.
//!
//! The body is held back until the server has seen the head: `Expect: 100-continue`. So a refusal
//! and a redirect to a disk server come before any byte is spent, and the redirect can be
//! followed. A server that keeps silent gets the body after a second, as RFC 9110 section 10.1.1
//! allows.
//!
//! # Invariants
//! - A body that is not ended on purpose breaks the connection; it never looks complete.
//! - At most [`QUEUE`] chunks wait here; the rest is back-pressure.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use causeway_sdk::{Credential, Error, ErrorKind, Result};
use futures_util::stream;
use http::{HeaderMap, HeaderValue, Method, Response, header};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Frame, Incoming};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use url::Url;

use crate::client::{PlainBody, Pool, user_agent};
use crate::error::{from_status, from_transport, internal};
use crate::exchange::authorization;
use crate::redirect;

const QUEUE: usize = 2;
/// A server that has not answered to `Expect` by then gets the body.
const SILENCE: Duration = Duration::from_secs(1);
const MAX_ERROR_TEXT: usize = 4096;

/// A PUT whose head was accepted.
pub(crate) struct Upload {
    feed: mpsc::Sender<Piece>,
    answer: Pending,
    url: Url,
}

enum Piece {
    Data(Bytes),
    End,
}

type Answer = Result<Response<Incoming>, hyper_util::client::legacy::Error>;

/// The running request. Dropped, it ends, and the connection with it.
struct Pending(JoinHandle<Answer>);

impl Drop for Pending {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What the task of a request tells.
#[derive(Default)]
struct Signals {
    /// The server wants the body.
    accepted: Notify,
    /// The head is out.
    head_sent: Notify,
}

/// Sends the head of a PUT, following redirects, and waits until the body may come.
pub(crate) async fn begin(
    pool: &Pool,
    credential: &Credential,
    url: Url,
    headers: HeaderMap,
    size: Option<u64>,
) -> Result<Upload> {
    let (mut url, mut credential) = (url, credential);
    for hops in 0..=redirect::MAX_HOPS {
        let (mut upload, signals) = start(pool, credential, &url, &headers, size)?;
        let Some(answer) = upload.wait(&signals, size).await? else {
            return Ok(upload);
        };
        let hop = redirect::next(&url, answer.status(), answer.headers(), hops)?;
        let Some(hop) = hop.filter(|it| !it.see_other) else {
            return Err(refusal(&url, answer).await);
        };
        if !hop.same_origin {
            credential = &Credential::None;
        }
        url = hop.url;
    }
    Err(internal("follow redirects", "the policy let too many pass"))
}

fn start(
    pool: &Pool,
    credential: &Credential,
    url: &Url,
    headers: &HeaderMap,
    size: Option<u64>,
) -> Result<(Upload, Arc<Signals>)> {
    let signals = Arc::new(Signals::default());
    let (feed, pieces) = mpsc::channel(QUEUE);
    let mut request = http::Request::builder()
        .method(Method::PUT)
        .uri(url.as_str())
        .body(body(pieces, signals.clone()))
        .map_err(|source| internal("make a request", source))?;
    *request.headers_mut() = head(credential, headers, size)?;
    let told = signals.clone();
    hyper::ext::on_informational(&mut request, move |interim| {
        if interim.status() == http::StatusCode::CONTINUE {
            told.accepted.notify_one();
        }
    });
    let client = pool.client(url, credential)?;
    let answer = Pending(tokio::spawn(
        async move { client.put.request(request).await },
    ));
    let url = url.clone();
    Ok((Upload { feed, answer, url }, signals))
}

fn head(credential: &Credential, more: &HeaderMap, size: Option<u64>) -> Result<HeaderMap> {
    let mut headers = more.clone();
    headers.insert(header::USER_AGENT, user_agent());
    match size {
        Some(size) => headers.insert(header::CONTENT_LENGTH, HeaderValue::from(size)),
        // What follows such a body cannot be told from it by `records`.
        None => headers.insert(header::CONNECTION, HeaderValue::from_static("close")),
    };
    // RFC 9110 section 10.1.1: not without content.
    if size != Some(0) {
        headers.insert(header::EXPECT, HeaderValue::from_static("100-continue"));
    }
    if let Some(value) = authorization(credential)? {
        headers.insert(header::AUTHORIZATION, value);
    }
    Ok(headers)
}

fn body(pieces: mpsc::Receiver<Piece>, signals: Arc<Signals>) -> PlainBody {
    let frames = stream::unfold(Some(pieces), move |pieces| {
        let signals = signals.clone();
        async move {
            let mut pieces = pieces?;
            // The body is looked at as soon as the head is written.
            signals.head_sent.notify_one();
            match pieces.recv().await {
                Some(Piece::Data(chunk)) => Some((Ok(Frame::data(chunk)), Some(pieces))),
                Some(Piece::End) => None,
                None => Some((Err(io::ErrorKind::ConnectionAborted.into()), None)),
            }
        }
    });
    StreamBody::new(frames).boxed_unsync()
}

impl Upload {
    /// Waits until the body may come; an answer instead means that it must not.
    async fn wait(
        &mut self,
        signals: &Signals,
        size: Option<u64>,
    ) -> Result<Option<Response<Incoming>>> {
        if size == Some(0) {
            return Ok(None);
        }
        let silence = async {
            signals.head_sent.notified().await;
            tokio::time::sleep(SILENCE).await;
        };
        tokio::select! {
            biased;
            answer = self.answer() => answer.map(Some),
            () = signals.accepted.notified() => Ok(None),
            () = silence => Ok(None),
        }
    }

    async fn answer(&mut self) -> Result<Response<Incoming>> {
        match (&mut self.answer.0).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(source)) => Err(from_transport("write", &self.url, &source, false)),
            Err(source) => Err(internal("write", source)),
        }
    }

    /// Takes the next chunk. Reports a failure as soon as the server tells of it.
    pub(crate) async fn send(&mut self, chunk: Bytes) -> Result<()> {
        let feed = self.feed.clone();
        tokio::select! {
            biased;
            answer = self.answer() => return Err(too_early(&self.url, answer).await),
            sent = feed.send(Piece::Data(chunk)) => if sent.is_ok() { return Ok(()) },
        }
        let answer = self.answer().await;
        Err(too_early(&self.url, answer).await)
    }

    /// Ends the body and waits for the answer.
    pub(crate) async fn finish(mut self) -> Result<HeaderMap> {
        let feed = self.feed.clone();
        tokio::select! {
            biased;
            answer = self.answer() => return settled(&self.url, answer?).await,
            // Refused when the request is over already; then the answer says why.
            _ = feed.send(Piece::End) => {}
        }
        let answer = self.answer().await?;
        settled(&self.url, answer).await
    }
}

async fn settled(url: &Url, answer: Response<Incoming>) -> Result<HeaderMap> {
    // 202 would be a promise only.
    if matches!(answer.status().as_u16(), 200 | 201 | 204) {
        return Ok(answer.headers().clone());
    }
    Err(refusal(url, answer).await)
}

/// An answer in the middle of the body: never a good one.
async fn too_early(url: &Url, answer: Result<Response<Incoming>>) -> Error {
    match answer {
        Ok(answer) => refusal(url, answer).await,
        Err(error) => error,
    }
}

async fn refusal(url: &Url, answer: Response<Incoming>) -> Error {
    let (head, mut body) = answer.into_parts();
    let mut text = Vec::new();
    while text.len() < MAX_ERROR_TEXT
        && let Some(Ok(frame)) = body.frame().await
    {
        text.extend_from_slice(frame.data_ref().map_or(&[][..], |it| it));
    }
    let text = String::from_utf8_lossy(&text);
    if head.status.is_success() || head.status.is_redirection() {
        let said = format!(
            "write {}: unexpected answer HTTP {}",
            url.path(),
            head.status.as_u16()
        );
        return Error::new(ErrorKind::Remote, said).with_remote_status(head.status.as_u16().into());
    }
    let error = from_status("write", url, head.status, &head.headers, &text);
    if head.status == http::StatusCode::PRECONDITION_FAILED {
        let text = format!("write {}: something is there already", url.path());
        return Error::new(ErrorKind::Exists, text).with_remote_status(412);
    }
    error
}
