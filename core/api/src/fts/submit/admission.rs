//! Whether the storages take the URLs of a submission: one question for all of them, to the
//! storages that want to be asked. The only step of a submission that waits for a plugin.

use std::collections::HashMap;

use causeway_sdk::capability::Admission;
use causeway_sdk::{Storages, Url};

use super::value::invalid;
use super::{Offence, Submission};
use crate::error::ApiError;

/// Asks about every URL of a submission.
///
/// # Errors
/// The first URL that is refused, with the storage's text.
pub async fn ask(storages: &dyn Storages, submission: &Submission) -> Result<(), ApiError> {
    let files = submission.files.iter();
    let files = files.flat_map(|it| [&it.source_surl, &it.dest_surl]);
    let deletions = submission.deletions.iter().map(|it| &it.source_surl);
    let urls = to_be_asked(storages, files.chain(deletions));
    match refusal(storages, &urls).await {
        Some(offence) => Err(invalid(offence)),
        None => Ok(()),
    }
}

/// Asks about one URL.
///
/// # Errors
/// The storage's text.
pub async fn ask_one(storages: &dyn Storages, url: &Url) -> Result<(), Offence> {
    match refusal(storages, std::slice::from_ref(url)).await {
        Some(offence) => Err(offence),
        None => Ok(()),
    }
}

/// Those whose storage wants to be asked: for most schemes that is none.
fn to_be_asked<'a>(storages: &dyn Storages, urls: impl Iterator<Item = &'a Url>) -> Vec<Url> {
    let mut wanted: HashMap<&str, bool> = HashMap::new();
    let mut asks = |url: &'a Url| {
        *wanted.entry(url.scheme()).or_insert_with(|| {
            // A scheme that nobody serves is accepted: the transfer will say so when it runs.
            let storage = storages.storage_for(url);
            storage.is_ok_and(|it| it.describe().admission == Admission::Ask)
        })
    };
    urls.filter(|url| asks(url)).cloned().collect()
}

async fn refusal(storages: &dyn Storages, urls: &[Url]) -> Option<Offence> {
    if urls.is_empty() {
        return None;
    }
    let answers = storages.admit_all(urls).await;
    let refused = |(url, answer): (&Url, causeway_sdk::Result<()>)| {
        Some(Offence::new(answer.err()?.message(), url.as_str()))
    };
    urls.iter().zip(answers).find_map(refused)
}
