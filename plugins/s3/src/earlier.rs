//! Uploads that an earlier life of this process began and neither completed nor aborted, because it was
//! killed: removed when somebody who may writes to their bucket.
//!
//! Who may is who has the same key, or anybody where the key was good for a session only. What cannot
//! be removed stays written down for later.

use causeway_sdk::Algorithm;
use serde::{Deserialize, Serialize};

use crate::caller::Caller;
use crate::leftover::Partial;
use crate::place::Place;
use crate::upload::CLEANUP_LIMIT;

/// An upload, as it is written down.
#[derive(Serialize, Deserialize)]
pub(crate) struct Begun {
    host: String,
    bucket: String,
    key: String,
    upload: String,
    /// Whose it is, without saying who that is; keys that are good for a session change and are
    /// nobody's.
    who: Option<String>,
}

impl Begun {
    pub(crate) fn new(caller: &Caller, place: &Place, upload: &str) -> Self {
        Self {
            host: place.endpoint.host.clone(),
            bucket: place.bucket.clone(),
            key: place.key.clone(),
            upload: upload.to_owned(),
            who: who(caller),
        }
    }

    /// Whether one who is there now may remove it.
    fn is_reached_by(&self, caller: &Caller, place: &Place) -> bool {
        let is_same = self.who.is_none() || self.who == who(caller);
        is_same && self.host == place.endpoint.host && self.bucket == place.bucket
    }
}

fn who(caller: &Caller) -> Option<String> {
    let name = match caller.keys() {
        Some(keys) if keys.token.is_some() => return None,
        Some(keys) => keys.key_id.as_str(),
        None => "",
    };
    let mut hasher = Algorithm::Sha256.hasher();
    hasher.update(name.as_bytes());
    Some(hasher.finish().hex)
}

/// Removes in the background what earlier lives left in a bucket, when somebody is there who may.
pub(crate) fn remove_earlier(caller: &Caller, place: &Place) {
    if caller.inner.journal.is_empty() {
        return;
    }
    let (caller, place) = (caller.clone(), place.clone());
    tokio::spawn(async move {
        let journal = &caller.inner.journal;
        let fits = |it: &Begun| it.is_reached_by(&caller, &place);
        for (begun, entry) in journal.take(fits).await {
            let at = place.with_key(&begun.key);
            let partial = Partial::new(&caller, &at);
            match tokio::time::timeout(CLEANUP_LIMIT, partial.abort(&begun.upload)).await {
                Ok(Ok(())) => {
                    caller.note(&format!(
                        "removed parts of an upload of an earlier life: {at}"
                    ));
                    entry.forget();
                }
                Ok(Err(error)) => {
                    partial.warn(&error.to_string());
                    journal.give_back(begun, entry);
                }
                Err(_) => {
                    partial.warn("no answer in time");
                    journal.give_back(begun, entry);
                }
            }
        }
    });
}
