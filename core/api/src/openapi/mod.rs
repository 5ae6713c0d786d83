//! What the surface says about itself: `/openapi.json`, and the older listing at `/api-docs`.
//!
//! The routes come from [`ROUTES`]; what a user should know about each stands in `groups`, beside
//! no code, so that a text can be read and changed without reading handlers. Called by
//! `fts::routes::docs`; knows nothing of requests.
//!
//! # Invariants
//! - Every route is described and everything described is served: `tests.rs` beside this.
//! - Every route of the reference is there with its statuses: `tests/api/seed_routes.rs`.
//! - `docs/openapi.json` is this very document: `tests/api/openapi.rs`.
//! - Answers have the shapes that the document says: `tests/api/openapi.rs`, and under requests of
//!   any kind the statuses, too: `tests/schemathesis.rs` of the whole program.

mod doc;
mod document;
mod groups;
mod kind;
mod listing;
mod page;
mod words;

use std::sync::LazyLock;

use serde_json::Value;

use crate::fts::router::ROUTES;
use groups::groups;

/// The document at `/openapi.json`.
pub fn openapi() -> &'static Value {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(|| document::document(ROUTES, &groups()));
    &DOCUMENT
}

/// The list of resources at `/api-docs`.
pub(crate) fn resources() -> Value {
    listing::resources(&groups())
}

/// One resource of that list.
pub(crate) fn resource(id: &str) -> Option<Value> {
    let groups = groups();
    let group = groups.iter().find(|it| it.id == id)?;
    Some(listing::resource(group, &groups))
}

/// The same for people.
pub(crate) fn page() -> String {
    page::page(openapi())
}

#[cfg(test)]
mod tests;
