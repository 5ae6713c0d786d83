//! One request with its redirects: what every verb but the streamed PUT goes through.

use bytes::Bytes;
use causeway_sdk::{Credential, Error, Result};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use reqwest::Response;
use url::Url;

use crate::client::{Client, Pool, user_agent};
use crate::error::{from_reqwest, from_status, from_transport, internal, parse_date};
use crate::redirect::{self, same_site};

/// Longest error text read from a server, in bytes.
const MAX_ERROR_TEXT: usize = 4096;

/// A request that can be sent again to where a redirect leads.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// An answer, and who gave it in the end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) response: Response,
    pub(crate) url: Url,
}

impl Request {
    pub(crate) fn new(method: Method) -> Self {
        Self {
            method,
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }

    /// A method of WebDAV or another extension.
    pub(crate) fn extension(method: &'static str) -> Self {
        Self::new(Method::from_bytes(method.as_bytes()).expect("extension methods are tokens"))
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl AsRef<str>) -> Result<Self> {
        let value = HeaderValue::from_bytes(value.as_ref().as_bytes())
            .map_err(|_| internal("make a request", format!("bad value of header {name}")))?;
        self.headers.insert(HeaderName::from_static(name), value);
        Ok(self)
    }

    pub(crate) fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// What is being done, for messages: `get`, `propfind`.
    pub(crate) fn doing(&self) -> String {
        self.method.as_str().to_ascii_lowercase()
    }
}

/// Header with the user's token; nothing for other credentials.
pub(crate) fn authorization(credential: &Credential) -> Result<Option<HeaderValue>> {
    let Credential::Bearer(token) = credential else {
        return Ok(None);
    };
    let text = format!("Bearer {}", token.expose().trim());
    let mut value = HeaderValue::from_str(&text).map_err(|_| {
        Error::new(
            causeway_sdk::ErrorKind::AuthRequired,
            "use the token: it has characters a token cannot have",
        )
    })?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// Sends a request and follows redirects. Any final status is an answer.
pub(crate) async fn send(
    pool: &Pool,
    credential: &Credential,
    url: &Url,
    mut request: Request,
) -> Result<Answer> {
    let mut credential = credential;
    let mut url = url.clone();
    for hops in 0..=redirect::MAX_HOPS {
        let response = send_once(pool, credential, &url, &request).await?;
        let Some(hop) = redirect::next(&url, response.status(), response.headers(), hops)? else {
            return Ok(Answer { response, url });
        };
        if !hop.same_origin {
            credential = &Credential::None;
        }
        if !same_site(&url, &hop.url) {
            drop_transfer_headers(&mut request.headers);
        }
        if hop.see_other && request.method != Method::HEAD {
            request.method = Method::GET;
            request.body = Bytes::new();
        }
        url = hop.url;
    }
    Err(internal("follow redirects", "the policy let too many pass"))
}

/// What a third-party copy tells the active side to send to the passive one.
fn drop_transfer_headers(headers: &mut HeaderMap) {
    let names: Vec<_> = headers
        .keys()
        .filter(|name| name.as_str().starts_with("transferheader"))
        .cloned()
        .collect();
    for name in names {
        headers.remove(name);
    }
}

async fn send_once(
    pool: &Pool,
    credential: &Credential,
    url: &Url,
    request: &Request,
) -> Result<Response> {
    let client = pool.client(url, credential)?;
    let mut headers = request.headers.clone();
    if let Some(value) = authorization(credential)? {
        headers.insert(header::AUTHORIZATION, value);
    }
    if request.method.as_str() == "COPY" {
        return send_copy(&client, url, request, headers).await;
    }
    let ask = || {
        let asked = client.web.request(request.method.clone(), url.clone());
        asked
            .headers(headers.clone())
            .body(request.body.clone())
            .send()
    };
    let answer = match ask().await {
        Err(error) if only_looks(&request.method) && was_hung_up_on(&error) => ask().await,
        answer => answer,
    };
    answer.map_err(|source| from_reqwest(&request.doing(), url, source))
}

/// Requests that may be sent twice: they change nothing (RFC 9110, section 9.2.1; RFC 4918, 9.1).
fn only_looks(method: &Method) -> bool {
    method.is_safe() || method.as_str() == "PROPFIND"
}

/// True when the server closed a connection just as the request went out on it, as servers do with
/// those that were idle for long (RFC 9112, section 9.6).
fn was_hung_up_on(error: &reqwest::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(it) = cause {
        if let Some(hyper) = it.downcast_ref::<hyper::Error>() {
            return hyper.is_incomplete_message();
        }
        cause = it.source();
    }
    false
}

/// The way for requests whose header names need capitals.
async fn send_copy(
    client: &Client,
    url: &Url,
    request: &Request,
    mut headers: HeaderMap,
) -> Result<Response> {
    headers.insert(header::USER_AGENT, user_agent());
    let body = Full::new(request.body.clone()).map_err(|never| match never {});
    let mut plain = http::Request::builder()
        .method(request.method.clone())
        .uri(url.as_str())
        .body(body.boxed_unsync())
        .map_err(|source| internal("make a request", source))?;
    *plain.headers_mut() = headers;
    let response = client.copy.request(plain).await;
    let response =
        response.map_err(|source| from_transport(&request.doing(), url, &source, false))?;
    Ok(response.map(reqwest::Body::wrap).into())
}

impl Answer {
    pub(crate) fn status(&self) -> StatusCode {
        self.response.status()
    }

    pub(crate) fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }

    /// The server's clock, else ours; seconds since 1970.
    pub(crate) fn date(&self) -> i64 {
        self.header(header::DATE)
            .and_then(parse_date)
            .unwrap_or_else(|| jiff::Timestamp::now().as_second())
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
        let status = self.status();
        let headers = self.response.headers().clone();
        let text = self.text(MAX_ERROR_TEXT).await;
        from_status(doing, &self.url, status, &headers, &text)
    }

    /// The first bytes of the body. A body that breaks is as long as it is: it serves messages.
    pub(crate) async fn text(&mut self, limit: usize) -> String {
        let mut bytes = Vec::new();
        while bytes.len() < limit {
            match self.response.chunk().await {
                Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
                Ok(None) | Err(_) => break,
            }
        }
        bytes.truncate(limit);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// Hangs up on the first connection, answers on the next; tells how many came.
    async fn moody() -> (Url, std::sync::Arc<AtomicUsize>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let came = std::sync::Arc::new(AtomicUsize::new(0));
        let seen = came.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 4096];
                let read = stream.read(&mut request).await.unwrap_or(0);
                if read > 0 && seen.fetch_add(1, Ordering::SeqCst) > 0 {
                    let answer = b"HTTP/1.1 204 No Content\r\n\r\n";
                    stream.write_all(answer).await.unwrap();
                }
            }
        });
        (url.parse().unwrap(), came)
    }

    #[tokio::test]
    async fn a_hang_up_is_forgiven_once_to_those_who_only_look() {
        let config: crate::config::Config = serde_json::from_str("{}").unwrap();
        let pool = Pool::new(config.into(), &causeway_sdk::Host::silent());
        for (method, forgiven) in [("PROPFIND", true), ("HEAD", true), ("MKCOL", false)] {
            let (url, came) = moody().await;
            let request = Request::extension(method);
            let answer = send(&pool, &Credential::None, &url, request).await;
            assert_eq!(answer.is_ok(), forgiven, "{method}: {answer:?}");
            assert_eq!(came.load(Ordering::SeqCst), 1 + usize::from(forgiven));
        }
    }
}
