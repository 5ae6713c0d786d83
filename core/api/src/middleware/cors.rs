//! Cross-origin requests of web pages, for the origins an operator lists.
//!
//! Such a page acts with the credentials of whoever looks at it, so there is no way to allow all
//! pages: an entry is an origin as browsers send it, `https://webfts.example.org`.

use axum::response::Response;
use http::HeaderMap;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderValue, ORIGIN, VARY,
};

/// What pages may read beside the body.
const EXPOSED: HeaderValue =
    HeaderValue::from_static("X-Delegation-ID, X-Request-Id, Retry-After, Allow");

/// How long a browser need not ask again, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// Where the page that sent a request comes from.
pub(super) enum Origin {
    /// No page is allowed here, so answers are the same for all.
    NobodyIsListed,
    /// Not from a page of the list.
    Unlisted,
    /// From this one of the list.
    Listed(HeaderValue),
}

impl Origin {
    /// Looks the request's origin up.
    pub(super) fn of(headers: &HeaderMap, list: &[String]) -> Self {
        match allowed(headers, list) {
            Some(origin) => Self::Listed(origin),
            None if list.is_empty() => Self::NobodyIsListed,
            None => Self::Unlisted,
        }
    }

    /// Lets the page read the answer, and tells caches that the answer depends on the page.
    pub(super) fn mark(self, response: &mut Response) {
        let headers = response.headers_mut();
        if !matches!(self, Self::NobodyIsListed) {
            headers.append(VARY, HeaderValue::from_static("Origin"));
        }
        if let Self::Listed(origin) = self {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            let yes = HeaderValue::from_static("true");
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, yes);
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        }
    }
}

/// Whether the request's origin is one of the list.
pub(super) fn is_allowed(headers: &HeaderMap, list: &[String]) -> bool {
    allowed(headers, list).is_some()
}

fn allowed(headers: &HeaderMap, list: &[String]) -> Option<HeaderValue> {
    let origin = headers.get(ORIGIN)?;
    let text = origin.to_str().ok()?;
    let listed = list.iter().any(|it| it.trim_end_matches('/') == text);
    listed.then(|| origin.clone())
}

/// Answer to OPTIONS, which may be a browser that asks whether it may.
pub(super) fn options(headers: &HeaderMap, list: &[String], allow: &str) -> Response {
    let mut response = super::methods(allow);
    let asks = headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    if asks && is_allowed(headers, list) {
        let answer = response.headers_mut();
        if let Ok(allow) = HeaderValue::from_str(allow) {
            answer.insert(ACCESS_CONTROL_ALLOW_METHODS, allow);
        }
        answer.insert(
            ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static("Content-Type, Authorization"),
        );
        answer.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    }
    response
}
