//! Cross-origin requests of web pages, for the origins an operator lists.

use axum::response::Response;
use http::HeaderMap;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_REQUEST_METHOD, HeaderValue, ORIGIN, VARY,
};

/// The request's origin, when it is one of the list.
pub(super) fn allowed_origin(headers: &HeaderMap, list: &[String]) -> Option<HeaderValue> {
    let origin = headers.get(ORIGIN)?;
    let text = origin.to_str().ok()?;
    let listed = list.iter().any(|it| it.trim_end_matches('/') == text);
    listed.then(|| origin.clone())
}

/// Lets the page read the answer.
pub(super) fn mark(response: &mut Response, origin: Option<HeaderValue>) {
    let Some(origin) = origin else { return };
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(
        ACCESS_CONTROL_ALLOW_CREDENTIALS,
        HeaderValue::from_static("true"),
    );
    headers.append(VARY, HeaderValue::from_static("Origin"));
}

/// Answer to OPTIONS, which may be a browser that asks whether it may.
pub(super) fn options(headers: &HeaderMap, list: &[String], allow: &str) -> Response {
    let mut response = super::methods(allow);
    let asks = headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    if asks && allowed_origin(headers, list).is_some() {
        let answer = response.headers_mut();
        if let Ok(allow) = HeaderValue::from_str(allow) {
            answer.insert(ACCESS_CONTROL_ALLOW_METHODS, allow);
        }
        answer.insert(
            ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static("Content-Type, Authorization"),
        );
    }
    response
}
