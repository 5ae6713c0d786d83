//! One request and its answer: what every verb goes through, with patience for busy services.

use std::time::Duration;

use bytes::Bytes;
use causeway_sdk::http_client::retry_after;
use causeway_sdk::{Error, ErrorKind, Result, Retry};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use reqwest::Response;
use serde::de::DeserializeOwned;
use url::Url;

use crate::azure;
use crate::caller::Caller;
use crate::error::{Asked, from_reqwest, from_status, internal};
use crate::place::Service;

/// Longest error document read from a server, in bytes.
const MAX_ERROR: usize = 16 << 10;
/// Longest answer read whole: a page of thousands of the longest names.
const MAX_ANSWER: usize = 32 << 20;

/// Bytes in pieces, and how many they are in sum.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pieces {
    pub(crate) list: Vec<Bytes>,
    pub(crate) len: u64,
}

impl Pieces {
    pub(crate) fn push(&mut self, piece: Bytes) {
        self.len += piece.len() as u64;
        self.list.push(piece);
    }

    /// The same without its first bytes.
    pub(crate) fn skip(self, mut bytes: u64) -> Self {
        let mut rest = Self::default();
        for mut piece in self.list {
            let cut = usize::try_from(bytes)
                .unwrap_or(usize::MAX)
                .min(piece.len());
            bytes -= cut as u64;
            let piece = piece.split_off(cut);
            if !piece.is_empty() {
                rest.push(piece);
            }
        }
        rest
    }
}

impl From<String> for Pieces {
    fn from(text: String) -> Self {
        let mut pieces = Self::default();
        pieces.push(text.into());
        pieces
    }
}

/// A request.
#[derive(Debug)]
pub(crate) struct Request {
    method: Method,
    url: Url,
    pub(crate) headers: HeaderMap,
    body: Pieces,
    /// Trying it again does no harm.
    is_repeatable: bool,
}

impl Request {
    pub(crate) fn new(method: Method, url: Url) -> Self {
        let is_repeatable = method.is_idempotent();
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: Pieces::default(),
            is_repeatable,
        }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl AsRef<str>) -> Result<Self> {
        let value = HeaderValue::from_str(value.as_ref())
            .map_err(|_| internal("make a request", format!("bad value of header {name}")))?;
        self.headers.insert(HeaderName::from_static(name), value);
        Ok(self)
    }

    pub(crate) fn body(mut self, body: impl Into<Pieces>) -> Self {
        self.body = body.into();
        self
    }

    /// JSON to be read by the service.
    pub(crate) fn json(self, value: &serde_json::Value) -> Result<Self> {
        self.with("content-type", "application/json")
            .map(|it| it.body(value.to_string()))
    }

    /// A second time would find what the first has done.
    pub(crate) fn once(mut self) -> Self {
        self.is_repeatable = false;
        self
    }

    /// It only asks, whatever its method.
    pub(crate) fn asks(mut self) -> Self {
        self.is_repeatable = true;
        self
    }
}

/// An answer, and what was asked.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) response: Response,
    pub(crate) asked: Asked,
}

/// Sends a request. Any final status is an answer.
pub(crate) async fn send(caller: &Caller, doing: &'static str, request: Request) -> Result<Answer> {
    let asked = Asked {
        service: caller.place.service,
        doing,
        what: caller.place.to_string(),
        host: request.url.host_str().unwrap_or_default().to_owned(),
        login: caller.login.clone(),
    };
    let config = &caller.inner.config;
    let mut attempt = 1;
    loop {
        let answer = send_once(caller, &asked, &request).await;
        let wait = wait_after(&answer, attempt).filter(|wait| {
            request.is_repeatable && attempt < config.attempts && *wait <= config.longest_pause()
        });
        let Some(wait) = wait else {
            return answer;
        };
        // Its connection is given back before the pause.
        drop(answer);
        tokio::time::sleep(wait).await;
        attempt += 1;
    }
}

/// What is waited where the service names no time.
pub(crate) fn own_pause(attempt: u32) -> Duration {
    Duration::from_millis(200 << attempt.min(6))
}

/// How long to wait before the next attempt; `None` when there is no use in one.
fn wait_after(answer: &Result<Answer>, attempt: u32) -> Option<Duration> {
    let own = own_pause(attempt);
    match answer {
        Ok(answer) => {
            let is_busy = matches!(answer.status().as_u16(), 408 | 429 | 500 | 502 | 503 | 504);
            let said = retry_after(answer.response.headers());
            is_busy.then(|| said.unwrap_or(own))
        }
        Err(error) => {
            let is_passing = matches!(error.kind(), ErrorKind::Network | ErrorKind::Timeout);
            (is_passing && error.retry() != Retry::Never).then_some(own)
        }
    }
}

async fn send_once(caller: &Caller, asked: &Asked, request: &Request) -> Result<Answer> {
    let (mut url, mut headers) = (request.url.clone(), request.headers.clone());
    if !request.body.list.is_empty() || matches!(request.method, Method::PUT | Method::POST) {
        headers.insert(header::CONTENT_LENGTH, request.body.len.into());
    }
    if caller.place.service == Service::Azure {
        // Without it tokens are refused, and what is asked for is understood as it was in 2009.
        let version = HeaderValue::from_static(azure::VERSION);
        headers.entry("x-ms-version").or_insert(version);
    }
    caller.login.sign(
        &caller.place.account,
        &request.method,
        &mut url,
        &mut headers,
    )?;
    let client = caller.inner.client.get()?;
    let asking = client.request(request.method.clone(), url).headers(headers);
    let asking = match request.body.list.is_empty() {
        true => asking,
        false => asking.body(body_of(&request.body)),
    };
    let response = asking
        .send()
        .await
        .map_err(|source| from_reqwest(asked, source))?;
    Ok(Answer {
        response,
        asked: asked.clone(),
    })
}

fn body_of(pieces: &Pieces) -> reqwest::Body {
    match pieces.list.as_slice() {
        [one] => one.clone().into(),
        _ => {
            let many = pieces.list.clone().into_iter().map(Ok::<_, std::io::Error>);
            reqwest::Body::wrap_stream(futures_util::stream::iter(many))
        }
    }
}

impl Answer {
    pub(crate) fn status(&self) -> StatusCode {
        self.response.status()
    }

    pub(crate) fn header(&self, name: impl header::AsHeaderName) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }

    /// This answer if the status is one of success, else the failure.
    pub(crate) async fn success(self) -> Result<Self> {
        if self.status().is_success() {
            Ok(self)
        } else {
            Err(self.into_error().await)
        }
    }

    /// The failure this answer stands for.
    pub(crate) async fn into_error(self) -> Error {
        self.into_fault().await.0
    }

    /// The failure this answer stands for, and what the server wrote.
    pub(crate) async fn into_fault(mut self) -> (Error, String) {
        // What a broken body would have said is not known; the status is.
        let (text, _) = self.read(MAX_ERROR).await;
        let error = from_status(&self.asked, self.status(), self.response.headers(), &text);
        (error, text)
    }

    /// The document of a success.
    pub(crate) async fn text(self) -> Result<String> {
        let mut answer = self.success().await?;
        let (text, broken) = answer.read(MAX_ANSWER).await;
        match broken {
            Some(error) => Err(error),
            None if text.len() >= MAX_ANSWER => Err(answer.garbled("it is too long")),
            None => Ok(text),
        }
    }

    /// The document of a success, as JSON.
    pub(crate) async fn json<T: DeserializeOwned>(self) -> Result<T> {
        let asked = self.asked.clone();
        let text = self.text().await?;
        // The parser's own words may quote the document.
        serde_json::from_str(&text).map_err(|_| garbled(&asked, "it is not the JSON expected"))
    }

    pub(crate) fn garbled(&self, why: &str) -> Error {
        garbled(&self.asked, why)
    }

    /// The first bytes of the body, and how it broke if it did.
    async fn read(&mut self, limit: usize) -> (String, Option<Error>) {
        let (mut bytes, mut broken) = (Vec::new(), None);
        while bytes.len() < limit {
            match self.response.chunk().await {
                Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(source) => {
                    broken = Some(from_reqwest(&self.asked, source));
                    break;
                }
            }
        }
        bytes.truncate(limit);
        (String::from_utf8_lossy(&bytes).into_owned(), broken)
    }
}

fn garbled(asked: &Asked, why: &str) -> Error {
    let text = format!("{} {}: read the answer: {why}", asked.doing, asked.what);
    Error::new(ErrorKind::Remote, text).with("host", &asked.host)
}
