//! Whether the storages take the URLs of a submission: one question for all of them, to the
//! storages that want to be asked. The only step of a submission that waits for a plugin.

use std::collections::HashMap;

use causeway_sdk::capability::Admission;
use causeway_sdk::{Error, ErrorKind, Storages, Url};

use super::value::invalid;
use super::{Offence, Submission};
use crate::error::ApiError;

/// Why a URL is not taken.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The storage does not want it.
    Offence(Offence),
    /// Nobody could be asked; the next time may be better.
    Unavailable(String),
}

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
        Some(Refusal::Offence(offence)) => Err(invalid(offence)),
        Some(Refusal::Unavailable(text)) => Err(ApiError::unavailable(text)),
        None => Ok(()),
    }
}

/// Asks about one URL.
///
/// # Errors
/// The storage's text.
pub async fn ask_one(storages: &dyn Storages, url: &Url) -> Result<(), ApiError> {
    match refusal(storages, std::slice::from_ref(url)).await {
        Some(Refusal::Offence(offence)) => Err(ApiError::bad_request(offence.to_string())),
        Some(Refusal::Unavailable(text)) => Err(ApiError::unavailable(text)),
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

async fn refusal(storages: &dyn Storages, urls: &[Url]) -> Option<Refusal> {
    if urls.is_empty() {
        return None;
    }
    let answers = storages.admit_all(urls).await;
    let refused =
        |(url, answer): (&Url, causeway_sdk::Result<()>)| Some(judge(url, &answer.err()?));
    urls.iter().zip(answers).find_map(refused)
}

/// Whether the URL was judged, or whether nobody came to it.
fn judge(url: &Url, error: &Error) -> Refusal {
    use ErrorKind::{Busy, Canceled, Internal, Throttled, Timeout};
    match error.kind() {
        Busy | Throttled | Timeout | Canceled | Internal => Refusal::Unavailable(format!(
            "The storage cannot be asked about {} now, try again later: {}",
            Offence::shown(url.as_str()),
            error.message()
        )),
        _ => Refusal::Offence(Offence::new(error.message(), url.as_str())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storage_that_could_not_be_asked_has_refused_nothing() {
        let url: Url = "davs://h/p".parse().unwrap();
        let lost = Error::new(ErrorKind::Internal, "the process died");
        assert!(matches!(judge(&url, &lost), Refusal::Unavailable(text)
            if text.contains("davs://h/p") && text.contains("died")));
        let refused = Error::new(ErrorKind::Invalid, "Missing host");
        let offence = Offence::new("Missing host", "davs://h/p");
        assert_eq!(judge(&url, &refused), Refusal::Offence(offence));
    }
}
