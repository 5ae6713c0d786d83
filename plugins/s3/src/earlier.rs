//! Uploads that an earlier life of this process began and neither completed nor aborted, because it was
//! killed: removed when somebody who may writes to their bucket.
//!
//! Who may is who has the same key, or anybody where the key was good for a session only. What cannot
//! be removed stays written down for later.

use std::cell::LazyCell;
use std::fmt;

use causeway_sdk::Algorithm;
use serde::{Deserialize, Serialize};

use crate::caller::Caller;
use crate::leftover::Partial;
use crate::place::Place;

/// An upload, as it is written down.
#[derive(Clone, Serialize, Deserialize)]
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

    fn is_in_bucket_of(&self, place: &Place) -> bool {
        self.host == place.endpoint.host && self.bucket == place.bucket
    }

    fn is_open_to(&self, who: Option<&str>) -> bool {
        self.who.is_none() || self.who.as_deref() == who
    }
}

impl fmt::Display for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (host, bucket) = (&self.host, &self.bucket);
        write!(f, "parts of an upload to {bucket}/{} at {host}", self.key)
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
    // A hash for each write only where something was left in its bucket.
    let me = LazyCell::new(|| who(caller));
    let journal = &caller.inner.journal;
    if !journal.may_fit(|it| it.is_in_bucket_of(place) && it.is_open_to(me.as_deref())) {
        return;
    }
    let (caller, place, me) = (caller.clone(), place.clone(), me.clone());
    tokio::spawn(async move {
        let fits = |it: &Begun| it.is_in_bucket_of(&place) && it.is_open_to(me.as_deref());
        let remove = |it: Begun| {
            let partial = Partial::new(&caller, &place.with_key(&it.key));
            async move { partial.abort(&it.upload).await }
        };
        caller.inner.journal.sweep(fits, remove).await;
    });
}
