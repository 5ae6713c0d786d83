//! From paths to ids: one question for each segment. Where several have one name, the oldest counts.

use causeway_sdk::{Algorithm, Result, Stat};
use http::Method;
use serde::Deserialize;

use crate::caller::Caller;
use crate::digest::from_hex;
use crate::error::parse_time;
use crate::exchange::{Request, send};
use crate::place::wire;

/// The type of a folder.
pub(super) const FOLDER: &str = "application/vnd.google-apps.folder";
/// What all types of Google's own begin with.
const DOCUMENT: &str = "application/vnd.google-apps.";
/// What is asked for of a file.
pub(super) const FIELDS: &str = "id,name,mimeType,size,modifiedTime,md5Checksum,sha1Checksum,sha256Checksum,headRevisionId,version";

/// A file or a folder as JSON.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Item {
    pub(super) id: String,
    pub(super) name: String,
    mime_type: String,
    size: Option<String>,
    modified_time: String,
    md5_checksum: Option<String>,
    sha1_checksum: Option<String>,
    sha256_checksum: Option<String>,
    head_revision_id: Option<String>,
    version: Option<String>,
}

/// One page of files.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Listing {
    pub(super) files: Vec<Item>,
    pub(super) next_page_token: Option<String>,
}

impl Item {
    /// The user's "My Drive".
    pub(super) fn top() -> Self {
        Self {
            id: "root".into(),
            mime_type: FOLDER.into(),
            ..Self::default()
        }
    }

    pub(super) fn is_folder(&self) -> bool {
        self.mime_type == FOLDER
    }

    /// Texts, tables and the like: they can be exported, not read.
    pub(super) fn is_document(&self) -> bool {
        self.mime_type.starts_with(DOCUMENT)
    }

    pub(super) fn stat(&self) -> Stat {
        if self.is_folder() {
            return Stat::directory();
        }
        let revision = self.head_revision_id.as_ref().or(self.version.as_ref());
        let sums = [
            (Algorithm::Md5, &self.md5_checksum),
            (Algorithm::Sha1, &self.sha1_checksum),
            (Algorithm::Sha256, &self.sha256_checksum),
        ];
        Stat {
            size: self.size.as_ref().and_then(|it| it.parse().ok()),
            mtime: parse_time(&self.modified_time),
            etag: revision.map(|it| format!("\"{it}\"")),
            checksums: sums
                .into_iter()
                .filter_map(|(algorithm, it)| from_hex(algorithm, it.as_deref()?))
                .collect(),
            ..Stat::default()
        }
    }
}

/// A text inside a query, where quotes and backslashes are written with a backslash.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

async fn ask(caller: &Caller, query: &str, limit: u32, token: Option<&str>) -> Result<Listing> {
    let (fields, limit) = (format!("nextPageToken,files({FIELDS})"), limit.to_string());
    let mut pairs = vec![
        ("q", query),
        ("fields", &fields),
        ("pageSize", &limit),
        ("orderBy", "createdTime"),
        ("spaces", "drive"),
        ("supportsAllDrives", "true"),
        ("includeItemsFromAllDrives", "true"),
    ];
    if let Some(token) = token {
        pairs.push(("pageToken", token));
    }
    let request = Request::new(
        Method::GET,
        wire(&caller.base(), "/drive/v3/files", &pairs)?,
    );
    send(caller, "look into", request).await?.json().await
}

/// What is in a folder, page by page.
pub(super) async fn children(
    caller: &Caller,
    folder: &str,
    limit: u32,
    token: Option<&str>,
) -> Result<Listing> {
    let query = format!("{} in parents and trashed = false", quoted(folder));
    ask(caller, &query, limit, token).await
}

/// What has this name in a folder.
pub(super) async fn child(caller: &Caller, folder: &str, name: &str) -> Result<Option<Item>> {
    let (folder, wanted) = (quoted(folder), quoted(name));
    let query = format!("{folder} in parents and name = {wanted} and trashed = false");
    let mut token = None;
    for _ in 0..100 {
        let found = ask(caller, &query, 100, token.as_deref()).await?;
        // Drive finds names that differ in case, too.
        if let Some(item) = found.files.into_iter().find(|it| it.name == name) {
            return Ok(Some(item));
        }
        token = found.next_page_token;
        if token.is_none() {
            return Ok(None);
        }
    }
    Ok(None)
}

/// What a path leads to.
pub(super) async fn resolve(caller: &Caller, key: &str) -> Result<Option<Item>> {
    let mut item = Item::top();
    for name in key.split('/').filter(|it| !it.is_empty()) {
        if !item.is_folder() {
            return Ok(None);
        }
        match child(caller, &item.id, name).await? {
            Some(it) => item = it,
            None => return Ok(None),
        }
    }
    Ok(Some(item))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_quotes() {
        assert_eq!(quoted("a'b\\"), r"'a\'b\\'");
    }

    #[test]
    fn what_google_keeps_is_told() {
        let item: Item = serde_json::from_str(
            r#"{"id":"1","name":"n","mimeType":"text/plain","size":"4","headRevisionId":"r",
                "md5Checksum":"098f6bcd4621d373cade4e832627b4f6","sha1Checksum":"short",
                "modifiedTime":"2024-01-01T00:00:00.000Z"}"#,
        )
        .unwrap();
        let stat = item.stat();
        assert_eq!((stat.size, stat.mtime), (Some(4), Some(1_704_067_200)));
        assert_eq!(
            (stat.etag.as_deref(), stat.checksums.len()),
            (Some("\"r\""), 1)
        );
        assert!(!item.is_document() && Item::top().is_folder());
    }
}
