//! Directories that stood at a destination a moment ago: files that follow each other into one
//! directory look for it once. What was remembered wrongly costs a second try, never the transfer
//! (`a_directory_that_is_gone_is_made_again` in `tests/streams.rs`).

use std::collections::HashMap;
use std::time::Duration;

use causeway_sdk::Url;
use parking_lot::Mutex;
use tokio::time::Instant;

/// Older sights say nothing.
const MAX_AGE: Duration = Duration::from_secs(10);
/// Most directories remembered.
const MOST: usize = 4096;

/// The directories that the attempts of one worker saw.
#[derive(Default)]
pub(crate) struct Parents(Mutex<HashMap<String, Instant>>);

impl Parents {
    /// It stands there now.
    pub(crate) fn saw(&self, at: &Url) {
        let mut seen = self.0.lock();
        if seen.len() >= MOST {
            seen.retain(|_, since| since.elapsed() < MAX_AGE);
        }
        if seen.len() >= MOST {
            seen.clear();
        }
        seen.insert(at.as_str().to_owned(), Instant::now());
    }

    /// Whether it stood there lately.
    pub(crate) fn are_known(&self, at: &Url) -> bool {
        let seen = self.0.lock();
        let since = seen.get(at.as_str());
        since.is_some_and(|since| since.elapsed() < MAX_AGE)
    }

    /// Something failed there that may come of its absence.
    pub(crate) fn forget(&self, at: &Url) {
        self.0.lock().remove(at.as_str());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_was_seen_is_believed_for_a_while() {
        let parents = Parents::default();
        let at: Url = "mock://a/dir".parse().unwrap();
        assert!(!parents.are_known(&at));
        parents.saw(&at);
        assert!(parents.are_known(&at));
        parents.forget(&at);
        assert!(!parents.are_known(&at));
        parents.saw(&at);
        tokio::time::advance(MAX_AGE).await;
        assert!(!parents.are_known(&at));
        for number in 0..=MOST {
            parents.saw(&format!("mock://a/{number}").parse().unwrap());
        }
        assert!(parents.0.lock().len() <= MOST);
    }
}
