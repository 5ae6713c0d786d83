//! The method that is meant, when a client cannot send it: forms of browsers know no DELETE, and
//! some proxies let only GET and POST through.
//!
//! A form says `_method=delete`; anybody else names the method in a header. Only POST may mean
//! something else, so nothing that a browser sends unasked ever changes anything.

use axum::body::Body;
use http::header::HeaderName;
use http::request::Parts;
use http::{HeaderMap, Method};
use hyper::body::Body as _;

use super::body;
use crate::error::ApiError;
use crate::extract::Pairs;

const HEADER: HeaderName = HeaderName::from_static("x-http-method-override");

/// A form that only says what it means is short; a longer one is left for the handler to read.
const LONGEST_FORM: u64 = 4096;

/// Puts the method that is meant into the request, and gives the body back.
///
/// # Errors
/// 400 for a form that breaks off.
pub(super) async fn settle(parts: &mut Parts, body: Body) -> Result<Body, ApiError> {
    if parts.method != Method::POST {
        return Ok(body);
    }
    if let Some(method) = named(&parts.headers) {
        parts.method = method;
        return Ok(body);
    }
    if !body::is_form(&parts.headers) || !is_short(&body) {
        return Ok(body);
    }
    let raw = body::read(body, &parts.headers, LONGEST_FORM as usize).await?;
    let form = Pairs::parse(&String::from_utf8_lossy(&raw));
    if form
        .get("_method")
        .is_some_and(|it| it.eq_ignore_ascii_case("delete"))
    {
        parts.method = Method::DELETE;
    }
    Ok(Body::from(raw))
}

fn named(headers: &HeaderMap) -> Option<Method> {
    let name = headers.get(HEADER)?.to_str().ok()?.trim();
    [Method::PUT, Method::DELETE]
        .into_iter()
        .find(|it| it.as_str().eq_ignore_ascii_case(name))
}

fn is_short(body: &Body) -> bool {
    body.size_hint()
        .upper()
        .is_some_and(|it| it <= LONGEST_FORM)
}
