//! One signed request and its answer: what every verb goes through.

use bytes::Bytes;
use causeway_sdk::{Error, ErrorKind, Result};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use reqwest::Response;

use crate::caller::Caller;
use crate::error::{at, from_reqwest, from_status, internal};
use crate::place::Place;
use crate::xml;

/// Longest error document read from a server, in bytes.
const MAX_ERROR: usize = 8 << 10;
/// Longest answer read whole: a page of a thousand of the longest keys, thrice encoded.
const MAX_ANSWER: usize = 16 << 20;

/// What a request carries.
#[derive(Debug, Default)]
pub(crate) enum Body {
    #[default]
    Empty,
    /// Pieces of a known length in sum. They can be sent again.
    Pieces(Vec<Bytes>, u64),
    /// What comes from elsewhere, once.
    Stream(reqwest::Body, u64),
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        let len = text.len() as u64;
        Self::Pieces(vec![Bytes::from(text)], len)
    }
}

/// A request for a place.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    query: Vec<(&'static str, String)>,
    pub(crate) headers: HeaderMap,
    body: Body,
}

impl Request {
    pub(crate) fn new(method: Method) -> Self {
        Self {
            method,
            query: Vec::new(),
            headers: HeaderMap::new(),
            body: Body::Empty,
        }
    }

    pub(crate) fn query(mut self, name: &'static str, value: impl ToString) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl AsRef<str>) -> Result<Self> {
        let value = HeaderValue::from_str(value.as_ref())
            .map_err(|_| internal("make a request", format!("bad value of header {name}")))?;
        self.headers.insert(HeaderName::from_static(name), value);
        Ok(self)
    }

    pub(crate) fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    /// The same request once more; `None` when its body comes only once.
    pub(crate) fn again(&self) -> Option<Self> {
        let body = match &self.body {
            Body::Empty => Body::Empty,
            Body::Pieces(pieces, len) => Body::Pieces(pieces.clone(), *len),
            Body::Stream(..) => return None,
        };
        Some(Self {
            method: self.method.clone(),
            query: self.query.clone(),
            headers: self.headers.clone(),
            body,
        })
    }
}

/// An answer, and what was asked.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) response: Response,
    place: Place,
    signed: bool,
}

/// Sends a request. Any final status is an answer.
pub(crate) async fn send(caller: &Caller, place: &Place, mut request: Request) -> Result<Answer> {
    let mut place = caller.at_home(place);
    let response = match send_once(caller, &place, &mut request).await {
        Err(error) if request.method.is_safe() && was_hung_up_on(&error) => {
            send_once(caller, &place, &mut request).await
        }
        answer => answer,
    };
    let response = response.map_err(|source| source.into_error(&request.method, &place))?;
    let region = wrong_region(&response).filter(|_| !matches!(request.body, Body::Stream(..)));
    let Some(region) = region.filter(|it| caller.learn_region(&place, it)) else {
        return Ok(caller.answer(response, place));
    };
    caller.note(&format!("bucket {} is in region {region}", place.bucket));
    place = caller.at_home(&place);
    let response = send_once(caller, &place, &mut request).await;
    let response = response.map_err(|source| source.into_error(&request.method, &place))?;
    Ok(caller.answer(response, place))
}

/// Where a bucket is, when the server says that it is not where we asked.
fn wrong_region(response: &Response) -> Option<String> {
    let is_it = matches!(response.status().as_u16(), 301 | 307 | 400 | 403);
    let region = response.headers().get("x-amz-bucket-region")?;
    is_it.then(|| region.to_str().ok().map(str::to_owned))?
}

/// A request that was not answered.
enum Lost {
    Ours(Error),
    Wire(reqwest::Error),
}

impl Lost {
    fn into_error(self, method: &Method, place: &Place) -> Error {
        match self {
            Self::Ours(error) => error,
            Self::Wire(source) => from_reqwest(&doing(method), place, source),
        }
    }
}

async fn send_once(
    caller: &Caller,
    place: &Place,
    request: &mut Request,
) -> Result<Response, Lost> {
    let url = place.url(&request.query).map_err(Lost::Ours)?;
    let mut headers = request.headers.clone();
    caller
        .sign(place, &request.method, &url, &mut headers)
        .map_err(Lost::Ours)?;
    let client = caller.client().map_err(Lost::Ours)?;
    let mut asked = client.request(request.method.clone(), url);
    asked = match &mut request.body {
        Body::Empty if matches!(request.method, Method::PUT | Method::POST) => {
            asked.header(header::CONTENT_LENGTH, 0)
        }
        Body::Empty => asked,
        Body::Pieces(pieces, len) => asked
            .header(header::CONTENT_LENGTH, *len)
            .body(body_of(pieces.clone())),
        Body::Stream(body, len) => asked
            .header(header::CONTENT_LENGTH, *len)
            .body(std::mem::take(body)),
    };
    asked.headers(headers).send().await.map_err(Lost::Wire)
}

fn body_of(mut pieces: Vec<Bytes>) -> reqwest::Body {
    match pieces.len() {
        0 => reqwest::Body::default(),
        1 => pieces.remove(0).into(),
        _ => {
            let pieces = pieces.into_iter().map(Ok::<_, std::io::Error>);
            reqwest::Body::wrap_stream(futures_util::stream::iter(pieces))
        }
    }
}

/// True when the server closed a connection just as the request went out on it, as servers do with
/// those that were idle for long (RFC 9112, section 9.6).
fn was_hung_up_on(lost: &Lost) -> bool {
    let Lost::Wire(error) = lost else {
        return false;
    };
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(it) = cause {
        if let Some(hyper) = it.downcast_ref::<hyper::Error>() {
            return hyper.is_incomplete_message();
        }
        cause = it.source();
    }
    false
}

fn doing(method: &Method) -> String {
    method.as_str().to_ascii_lowercase()
}

impl Answer {
    pub(crate) fn new(response: Response, place: Place, signed: bool) -> Self {
        Self {
            response,
            place,
            signed,
        }
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.response.status()
    }

    pub(crate) fn header(&self, name: impl header::AsHeaderName) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }

    /// This answer if the status is one of success, else the failure.
    pub(crate) async fn success(self, doing: &str) -> Result<Self> {
        if self.status().is_success() {
            Ok(self)
        } else {
            Err(self.into_error(doing).await)
        }
    }

    /// The failure this answer stands for.
    pub(crate) async fn into_error(mut self, doing: &str) -> Error {
        let (text, _) = self.read(MAX_ERROR).await;
        self.failure(doing, &text)
    }

    fn failure(&self, doing: &str, text: &str) -> Error {
        let headers = self.response.headers();
        from_status(
            doing,
            &self.place,
            self.status(),
            headers,
            text,
            self.signed,
        )
    }

    /// The document of a success. S3 answers some calls with 200 before it knows how they end, and
    /// says in the document that they failed.
    pub(crate) async fn document(self, doing: &str) -> Result<String> {
        let mut answer = self.success(doing).await?;
        let (text, broken) = answer.read(MAX_ANSWER).await;
        if let Some(error) = broken {
            return Err(error);
        }
        if text.len() >= MAX_ANSWER {
            return Err(at(
                ErrorKind::Remote,
                doing,
                &answer.place,
                "the answer is too long",
            ));
        }
        if text.contains("<Error") && xml::fault(&text).is_some() {
            // One of the server's own, unless the code says another thing.
            let (headers, status) = (HeaderMap::new(), StatusCode::INTERNAL_SERVER_ERROR);
            let (place, signed) = (&answer.place, answer.signed);
            return Err(from_status(doing, place, status, &headers, &text, signed));
        }
        Ok(text)
    }

    /// The first bytes of the body, and how it broke if it did.
    async fn read(&mut self, limit: usize) -> (String, Option<Error>) {
        let (mut bytes, mut broken) = (Vec::new(), None);
        while bytes.len() < limit {
            match self.response.chunk().await {
                Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(source) => {
                    broken = Some(from_reqwest("read the answer of", &self.place, source));
                    break;
                }
            }
        }
        bytes.truncate(limit);
        (String::from_utf8_lossy(&bytes).into_owned(), broken)
    }
}
