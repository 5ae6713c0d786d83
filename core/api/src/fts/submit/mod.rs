//! From the body of a submission to rows: a pure function.
//!
//! Called by the route; calls nothing that waits, but for the question whether the storages take
//! the URLs, which comes last and by itself: [`admission`].
//! Laxness is that of the reference: unknown members are ignored at every level, an explicit null
//! means the default, and of a member that stands twice the last one counts.
//!
//! # Invariants
//! - No input makes it panic: `arbitrary_bytes_never_panic` in `tests/api/parser.rs`.
//! - What it refuses leaves nothing behind: `nothing_of_it_is_stored` in `tests/api/malformed.rs`.
//! - A user's metadata comes back as the very text that was sent: `metadata_round_trips`.

use std::sync::Arc;

use causeway_model::ports::JobView;
use causeway_model::{Deletion, FileId, Job, Principal, Timestamp, Transfer};
use causeway_sdk::Storages;

use crate::authorization::HeaderIdentity;
use crate::config::SubmitConfig;
use crate::error::ApiError;
use crate::state::Bans;

pub mod admission;
mod checksum;
mod deletion;
mod document;
mod files;
mod ids;
mod job;
mod metadata;
mod modify;
mod overwrite;
mod pairs;
mod params;
mod ranking;
mod reuse;
mod states;
pub mod strategy;
mod surl;
mod tokens;
mod value;

pub use document::Document;
pub(crate) use document::read_object;
pub(crate) use modify::{only_member, wanted_priority};
pub use strategy::{Replicas, Strategy};
pub use surl::{Checker, Offence};
pub use tokens::Tokens;

/// What a submission is judged by.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Who submits.
    pub principal: &'a Principal,
    /// Storages, asked whether their URLs name local files.
    pub storages: &'a dyn Storages,
    /// Who gives out tokens that are believed.
    pub identity: &'a dyn HeaderIdentity,
    /// Bans.
    pub bans: &'a dyn Bans,
    /// Settings.
    pub config: &'a SubmitConfig,
    /// Name of this node.
    pub submit_host: &'a str,
    /// Now.
    pub now: Timestamp,
}

/// Rows of a new job. Transfers and deletions are numbered from 0 until [`Submission::into_view`].
#[derive(Clone, Debug)]
pub struct Submission {
    /// The job.
    pub job: Job,
    /// Its transfers.
    pub files: Vec<Transfer>,
    /// Its deletions.
    pub deletions: Vec<Deletion>,
    /// The replicas, when there are several, until [`strategy::choose`].
    pub replicas: Option<Replicas>,
    /// The tokens of its transfers.
    pub tokens: Tokens,
}

impl Submission {
    /// Lets transfers wait whose tokens have to be made ready first.
    pub fn hold_for_tokens(&mut self) {
        self.tokens.hold(&mut self.files);
    }

    /// Number of rows that need a file id.
    pub fn len(&self) -> u64 {
        (self.files.len() + self.deletions.len()) as u64
    }

    /// True when there is nothing to do; the parser yields no such submission.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows with their final numbers.
    pub fn into_view(mut self, first_file_id: u64) -> JobView {
        for (file, id) in self.files.iter_mut().zip(first_file_id..) {
            file.file_id = FileId(id);
        }
        let first_deletion = first_file_id + self.files.len() as u64;
        for (row, id) in self.deletions.iter_mut().zip(first_deletion..) {
            row.file_id = FileId(id);
        }
        JobView {
            job: Arc::new(self.job),
            files: self.files.into_iter().map(Arc::new).collect(),
            deletions: self.deletions.into_iter().map(Arc::new).collect(),
        }
    }
}

/// Reads a whole body.
///
/// # Errors
/// What is wrong with it, in the reference's words.
pub fn parse(body: &[u8], cx: Context<'_>) -> Result<Submission, ApiError> {
    build(&Document::read(body)?, cx)
}

/// Turns a document into rows.
///
/// # Errors
/// What is wrong with it, in the reference's words.
pub fn build(document: &Document<'_>, cx: Context<'_>) -> Result<Submission, ApiError> {
    let params = params::Params::read(&document.params()?)?;
    match (document.files, document.delete) {
        (Some(_), Some(_)) => Err(ApiError::bad_request(
            "Simultaneous transfer and namespace operations not supported",
        )),
        (None, None) => Err(ApiError::bad_request(
            "No transfers or namespace operations specified",
        )),
        (Some(files), None) => job::transfers(files, &params, cx),
        (None, Some(urls)) => deletion::deletions(urls, &params, cx),
    }
}
