//! The entries of `files`: each names sources, destinations and what goes with them.

use causeway_model::JsonText;
use causeway_model::oauth::TokenId;
use causeway_sdk::Url;
use serde_json::value::RawValue;

use super::document::{Key, Object, list};
use super::metadata;
use super::params::priority;
use super::surl::Checker;
use super::value::{
    integer, invalid, malformed, missing, need_integer, need_size, need_text, text,
};
use super::{Context, Tokens};
use crate::error::ApiError;

/// Checksum text of a file that has none: the algorithm alone.
const DEFAULT_CHECKSUM: &str = "ADLER32";

/// One entry.
pub(super) struct Entry {
    pub(super) sources: Vec<Url>,
    pub(super) destinations: Vec<Url>,
    pub(super) checksum: String,
    pub(super) has_checksum: bool,
    pub(super) filesize: u64,
    pub(super) metadata: Option<JsonText>,
    pub(super) activity: String,
    pub(super) strategy: Option<String>,
    pub(super) priority: Option<i32>,
    pub(super) scitag: Option<u32>,
    pub(super) staging_metadata: Option<JsonText>,
    pub(super) archive_metadata: Option<JsonText>,
    /// One for each source, or none.
    pub(super) source_tokens: Vec<TokenId>,
    /// One for each destination, or none.
    pub(super) destination_tokens: Vec<TokenId>,
}

impl Entry {
    /// Number of pairs it expands to.
    pub(super) fn pairs(&self) -> usize {
        self.sources.len().saturating_mul(self.destinations.len())
    }
}

/// Reads all entries.
pub(super) fn entries(
    raw: &RawValue,
    cx: &Context<'_>,
    tokens: &mut Tokens,
) -> Result<Vec<Entry>, ApiError> {
    let limit = cx.config.transfers_limit;
    let objects: Vec<Object<'_>> =
        list(raw, limit).map_err(|it| malformed(format!("files: {it}")))?;
    let mut checker = Checker::new(cx.storages);
    let entries = objects.iter().map(|it| entry(it, &mut checker, cx, tokens));
    let entries: Vec<Entry> = entries.collect::<Result<_, _>>()?;
    if entries.is_empty() || entries.iter().any(|it| it.pairs() == 0) {
        return Err(ApiError::bad_request("No valid pairs available"));
    }
    let pairs = entries
        .iter()
        .fold(0usize, |sum, it| sum.saturating_add(it.pairs()));
    if pairs > limit {
        return Err(invalid(format!("more than {limit} transfers in one job")));
    }
    Ok(entries)
}

fn entry(
    object: &Object<'_>,
    checker: &mut Checker<'_>,
    cx: &Context<'_>,
    tokens: &mut Tokens,
) -> Result<Entry, ApiError> {
    let size_limit = cx.config.metadata_limit;
    let sources = urls(object, "sources", checker, cx.config.transfers_limit)?;
    let destinations = urls(object, "destinations", checker, cx.config.transfers_limit)?;
    let checksum = match object.get("checksum") {
        Some(raw) => need_text(raw, "checksum")?.into_owned(),
        None => String::new(),
    };
    let activity = match object.get("activity") {
        Some(raw) => need_text(raw, "activity")?.into_owned(),
        None => String::new(),
    };
    let filesize = object.get("filesize").map(|raw| need_size(raw, "filesize"));
    let own = object
        .get("priority")
        .map(|raw| need_integer(raw, "priority"));
    let strategy = object.get("selection_strategy").map(strategy);
    Ok(Entry {
        source_tokens: tokens.read(object, "source_tokens", sources.len(), cx)?,
        destination_tokens: tokens.read(object, "destination_tokens", destinations.len(), cx)?,
        sources,
        destinations,
        has_checksum: !checksum.is_empty(),
        checksum: or_default(checksum, DEFAULT_CHECKSUM),
        filesize: filesize.transpose()?.unwrap_or(0),
        metadata: metadata::free(object.get("metadata"), "File metadata", size_limit)?,
        activity: or_default(activity, "default"),
        strategy: strategy.transpose()?,
        priority: own.transpose()?.map(priority),
        scitag: object.get("scitag").map(scitag).transpose()?,
        staging_metadata: metadata::strict(
            object.get("staging_metadata"),
            "Staging metadata",
            size_limit,
        )?,
        archive_metadata: metadata::strict(
            object.get("archive_metadata"),
            "Archive metadata",
            size_limit,
        )?,
    })
}

/// Its name; what is no text is no name either, and is told so when it matters.
fn strategy(raw: &RawValue) -> Result<String, ApiError> {
    let name = text(raw)?;
    Ok(name.map_or_else(|| raw.get().to_owned(), |it| it.into_owned()))
}

fn or_default(text: String, default: &str) -> String {
    match text.is_empty() {
        true => default.to_owned(),
        false => text,
    }
}

fn urls(
    object: &Object<'_>,
    name: &str,
    checker: &mut Checker<'_>,
    limit: usize,
) -> Result<Vec<Url>, ApiError> {
    let raw = object.get(name).ok_or_else(|| missing(name))?;
    let texts: Vec<Key<'_>> = list(raw, limit).map_err(|it| malformed(format!("{name}: {it}")))?;
    let urls = texts
        .iter()
        .map(|Key(text)| checker.check(text).map_err(invalid));
    urls.collect()
}

fn scitag(raw: &RawValue) -> Result<u32, ApiError> {
    match integer(raw) {
        Some(tag @ 65..=65_535) => Ok(tag as u32),
        _ => Err(invalid(format!(
            "Invalid SciTag value: {:.80} (not in [65, 65535] range)",
            raw.get()
        ))),
    }
}
