//! Pages for browsers: the same answers as tables, with forms that call the same routes.
//!
//! Stands behind the handlers: a handler answers JSON and knows nothing of pages. When the route has
//! a page (`pages`) and the browser prefers one, the JSON is drawn as tables, whatever its members
//! are. Nothing comes from another host, and a policy says so to the browser.
//!
//! # Invariants
//! - No text of an answer becomes markup: `core/api/tests/api/html.rs`.
//! - Every form calls a route that exists: `forms_call_routes` beside `pages`.

mod assets;
mod config_pages;
mod draw;
mod form;
mod pages;

use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, VARY};
use http::request::Parts;
use http::{HeaderMap, Method};
use hyper::body::Body as _;

use crate::error::Outcome;
use crate::middleware::negotiate::{Shape, shape};
use pages::Page;

pub(crate) use assets::{script, style};

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// For pages that say nothing themselves: they load nothing but our own style and script.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
     img-src 'self'; base-uri 'none'; frame-ancestors 'none'",
);

/// An answer larger than this stays JSON: nobody reads such a table.
const LARGEST: u64 = 4 << 20;

/// What the sender of a request wants to look at, if its route has a page.
pub(crate) struct Wish(Option<(&'static Page, HeaderMap)>);

impl Wish {
    /// Kept while the handler works, which takes the headers with it.
    pub(crate) fn of(parts: &Parts, route: &str) -> Self {
        let looks = matches!(parts.method, Method::GET | Method::HEAD);
        let page = looks.then(|| pages::of(route)).flatten();
        Self(page.map(|it| (it, parts.headers.clone())))
    }

    /// The handler's answer, or a page of it.
    ///
    /// # Errors
    /// 406 when neither JSON nor a page will do.
    pub(crate) async fn grant(self, response: Response) -> Outcome {
        let Some((page, headers)) = self.0 else {
            return Ok(response);
        };
        let wanted = shape(&headers)?;
        let mut response = match wanted {
            Shape::Html if is_small_json(&response) => paint(page, response).await,
            _ => response,
        };
        let vary = HeaderValue::from_static("Accept");
        response.headers_mut().append(VARY, vary);
        Ok(response)
    }
}

/// Tells the browser what a page may load, unless its maker did.
pub(crate) fn confine(response: &mut Response) {
    let headers = response.headers_mut();
    let kind = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    if kind.is_some_and(|it| it.starts_with(b"text/html")) {
        headers.entry(CONTENT_SECURITY_POLICY).or_insert(POLICY);
    }
}

fn is_small_json(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE);
    let json = kind.is_some_and(|it| it.as_bytes().starts_with(b"application/json"));
    let size = response.body().size_hint().upper();
    response.status().is_success() && json && size.is_some_and(|it| it <= LARGEST)
}

async fn paint(page: &Page, response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let raw = match axum::body::to_bytes(body, LARGEST as usize).await {
        Ok(raw) => raw,
        Err(error) => {
            tracing::error!(%error, "an answer broke off before it became a page");
            return Response::from_parts(parts, Body::empty());
        }
    };
    // What is no JSON after all goes out as the handler made it.
    let Ok(value) = serde_json::from_slice(&raw) else {
        return Response::from_parts(parts, Body::from(raw));
    };
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.insert(CONTENT_TYPE, HTML);
    Response::from_parts(parts, Body::from(pages::draw(page, &value)))
}
