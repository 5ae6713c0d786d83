//! What native plugins that speak HTTP through reqwest have in common: connections with fresh trust,
//! failures of the transport, times to wait, ranges. For native plugins (feature `http-client`); a
//! component has its host do this.
//!
//! It knows no service: what a status or an error document means is for the plugin to say.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ::http::{HeaderMap, header};
use reqwest::ClientBuilder;

use crate::trust::{Trust, tls_error};
use crate::{Error, ErrorKind, Result, Retry};

/// Longest text of a server that gets into a message, in characters.
const MAX_TEXT: usize = 200;
/// Longest time a server may ask us to wait.
const MAX_WAIT: Duration = Duration::from_secs(3600);
/// A client is made anew after this, so that changed trust takes effect. Running requests go on.
const MAX_AGE: Duration = Duration::from_secs(600);
const MAX_IDLE_PER_HOST: usize = 64;

type Shape = dyn Fn(ClientBuilder) -> ClientBuilder + Send + Sync;

/// Connections that all callers share: who asks is told by each request, not by the connection.
///
/// HTTP/1.1, since HTTP/2 would put many files on one connection and share its window. Redirects are
/// not followed and proxies not used.
pub struct Client {
    trust: Trust,
    shape: Box<Shape>,
    made: Mutex<Option<(Instant, reqwest::Client)>>,
}

impl Client {
    /// Clients that believe whom `trust` says; `shape` adds what is particular.
    pub fn new(
        trust: Trust,
        shape: impl Fn(ClientBuilder) -> ClientBuilder + Send + Sync + 'static,
    ) -> Self {
        Self {
            trust,
            shape: Box::new(shape),
            made: Mutex::new(None),
        }
    }

    /// The client, made when it is first wanted.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when no CA certificate can be read.
    pub fn get(&self) -> Result<reqwest::Client> {
        // What it guards is replaced in one step, so a panic elsewhere leaves it whole.
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((since, client)) = &*made
            && since.elapsed() < MAX_AGE
        {
            return Ok(client.clone());
        }
        let client = self.make()?;
        *made = Some((Instant::now(), client.clone()));
        Ok(client)
    }

    fn make(&self) -> Result<reqwest::Client> {
        let mut tls = self.trust.client(None)?;
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let plain = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .http1_only()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .tcp_nodelay(true)
            .pool_max_idle_per_host(MAX_IDLE_PER_HOST);
        (self.shape)(plain).build().map_err(|source| {
            let text = format!("set up a client: {source}");
            Error::new(ErrorKind::Internal, text)
        })
    }
}

/// A request or a body that broke, by what is at the bottom of it. `what` says what was to be done.
/// The URL is left out: a signature may be part of it.
pub fn transport_error(what: &str, host: &str, source: reqwest::Error) -> Error {
    let mut kind = if source.is_timeout() {
        ErrorKind::Timeout
    } else {
        ErrorKind::Network
    };
    let refused = source.is_connect();
    let source = source.without_url();
    let (mut is_final, mut errno) = (false, None);
    let mut deepest = source.to_string();
    let mut at: Option<&(dyn std::error::Error + 'static)> = Some(&source);
    while let Some(error) = at {
        deepest = error.to_string();
        if let Some(tls) = tls_error(error) {
            is_final = matches!(tls, rustls::Error::InvalidCertificate(_));
            kind = ErrorKind::Network;
            deepest = tls.to_string();
            break;
        }
        let io = error.downcast_ref::<std::io::Error>();
        errno = io.and_then(std::io::Error::raw_os_error).or(errno);
        at = error.source();
    }
    let text = format!("{what}: {}", one_line(&deepest));
    let mut error = Error::new(kind, text).with("host", host);
    if let Some(errno) = errno.filter(|_| refused && kind == ErrorKind::Network) {
        error = error.with_errno(errno);
    }
    match is_final {
        true => error.with_retry(Retry::Never),
        false => error,
    }
}

/// `Retry-After` in seconds or as a date (RFC 9110 section 10.2.3), an hour at most.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let now = jiff::Timestamp::now().as_second();
            Duration::from_secs(u64::try_from(date(text)? - now).unwrap_or(0))
        }
    };
    Some(wait.min(MAX_WAIT))
}

/// An HTTP date as seconds since 1970.
pub fn date(text: &str) -> Option<i64> {
    let parsed = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text.trim());
    parsed.ok().map(jiff::Timestamp::as_second)
}

/// One short line out of whatever a server wrote.
pub fn one_line(text: &str) -> String {
    let clean: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MAX_TEXT)
        .collect();
    clean.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `bytes 0-9/100` in `Content-Range`: first, last, size.
pub fn content_range(text: &str) -> Option<(u64, u64, u64)> {
    let (range, size) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last, size) = (first.parse().ok()?, last.parse().ok()?, size.parse().ok()?);
    (first <= last && last < size).then_some((first, last, size))
}

/// `bytes=0-9` for `Range`; `None` for all of a file.
pub fn range(offset: u64, len: Option<u64>) -> Option<String> {
    // No file reaches as far.
    const FARTHEST: u64 = 1 << 60;
    let end = len.map(|len| offset.saturating_add(len));
    let end = end.filter(|end| *end <= FARTHEST);
    (offset > 0 || end.is_some()).then(|| {
        let last = end.map_or(String::new(), |end| (end - 1).to_string());
        format!("bytes={offset}-{last}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_to_wait() {
        let wait = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, text.parse().unwrap());
            retry_after(&headers)
        };
        assert_eq!(wait("7"), Some(Duration::from_secs(7)));
        assert_eq!(wait("999999"), Some(MAX_WAIT));
        assert_eq!(wait("Mon, 01 Jan 2024 00:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(wait("Tue, 01 Jan 2999 00:00:00 GMT"), Some(MAX_WAIT));
        assert_eq!(wait("soon"), None);
    }

    #[test]
    fn ranges_of_answers() {
        assert_eq!(content_range("bytes 5-9/100"), Some((5, 9, 100)));
        for text in [
            "bytes */100",
            "bytes 9-5/100",
            "bytes 0-100/100",
            "5-9/100",
            "",
        ] {
            assert_eq!(content_range(text), None, "{text}");
        }
    }

    #[test]
    fn ranges_of_requests() {
        assert_eq!(range(0, None), None);
        assert_eq!(range(0, Some(1)).as_deref(), Some("bytes=0-0"));
        assert_eq!(range(5, Some(5)).as_deref(), Some("bytes=5-9"));
        assert_eq!(range(5, None).as_deref(), Some("bytes=5-"));
        assert_eq!(range(5, Some(u64::MAX)).as_deref(), Some("bytes=5-"));
    }

    #[test]
    fn what_servers_write_becomes_one_short_line() {
        assert_eq!(one_line(" a\r\n\tb\u{0} c "), "a b c");
        assert_eq!(one_line(&"x".repeat(1000)).len(), MAX_TEXT);
    }
}
