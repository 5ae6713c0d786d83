//! A directory as one JSON object, written while the storage hands out its pages, so that a
//! directory of any size needs the memory of one page.

use axum::body::Body;
use bytes::Bytes;
use causeway_sdk::{DirPage, Entry, Error, ErrorKind, Page};
use futures_util::stream;
use http::StatusCode;
use serde_json::json;

use super::target::Target;
use crate::error::{ApiError, Outcome};
use crate::fts::wire;

/// Entries asked for at once.
const PAGE: u32 = 1000;

/// Answers with the whole directory. Trouble with the first page becomes a status; trouble later
/// breaks the answer off, so that nobody takes half a directory for a whole one.
pub(super) async fn respond(target: Target) -> Outcome {
    let first = page(&target, None).await?;
    let state = Some(Progress {
        target,
        page: first,
        is_first: true,
    });
    let chunks = stream::try_unfold(state, |progress| async move {
        match progress {
            None => Ok::<_, ApiError>(None),
            Some(progress) => progress.step().await.map(Some),
        }
    });
    let body = Body::from_stream(chunks);
    Ok(wire::with_body(StatusCode::OK, "application/json", body))
}

struct Progress {
    target: Target,
    page: DirPage,
    is_first: bool,
}

impl Progress {
    /// The text of this page, and the next one if there is one.
    async fn step(self) -> Result<(Bytes, Option<Self>), ApiError> {
        let Self {
            target,
            page: current,
            is_first,
        } = self;
        let mut text = text(&current.entries, is_first);
        let Some(cursor) = current.next else {
            text.push_str(if is_first && text.is_empty() {
                "{}"
            } else {
                "}"
            });
            return Ok((text.into(), None));
        };
        let next = page(&target, Some(cursor.clone())).await?;
        if next.next.as_ref() == Some(&cursor) {
            return Err(Error::new(ErrorKind::Internal, "list: the storage repeats itself").into());
        }
        let progress = Self {
            target,
            page: next,
            // A first page without entries leaves the next one to begin the list.
            is_first: is_first && current.entries.is_empty(),
        };
        Ok((text.into(), Some(progress)))
    }
}

async fn page(target: &Target, cursor: Option<String>) -> Result<DirPage, ApiError> {
    let page = Page {
        cursor,
        limit: PAGE,
    };
    let cx = target.renewed();
    target
        .limited(target.storage.list(&cx, &target.url, page))
        .await
}

fn text(entries: &[Entry], is_first: bool) -> String {
    let mut text = String::with_capacity(entries.len() * 80 + 2);
    let mut separator = if is_first { "{" } else { "," };
    for entry in entries {
        text.push_str(separator);
        separator = ",";
        let slash = if entry.stat.is_directory() { "/" } else { "" };
        let name = json!(format!("{}{slash}", entry.name));
        let stat = json!({
            "size": entry.stat.size.unwrap_or(0),
            "mode": entry.stat.mode_or_default(),
            "mtime": entry.stat.mtime.unwrap_or(0),
        });
        text.push_str(&format!("{name}:{stat}"));
    }
    text
}
