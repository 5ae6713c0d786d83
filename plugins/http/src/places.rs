//! What was learned of servers on the way: where WebDAV is spoken, and which habits to expect.

use std::collections::HashMap;

use causeway_sdk::{Error, ErrorKind, Result};
use http::header;
use parking_lot::Mutex;
use url::Url;

use crate::exchange::Answer;
use crate::wire::{decode, origin};

/// Most places remembered.
const MAX_PLACES: usize = 4096;

/// What is known of places. A place is a host and the first segment of the path: one server may
/// serve WebDAV in one tree and plain files in another.
#[derive(Default)]
pub(crate) struct Places(Mutex<HashMap<String, Place>>);

#[derive(Clone, Copy, Default)]
struct Place {
    speaks_dav: bool,
    is_xrootd: bool,
}

impl Places {
    fn key(url: &Url) -> String {
        let first = url.path().trim_start_matches('/').split('/').next();
        format!("{}/{}", origin(url), first.unwrap_or_default())
    }

    /// `None` as long as nobody asked.
    pub(crate) fn speaks_dav(&self, url: &Url) -> Option<bool> {
        let known = self.0.lock();
        known.get(&Self::key(url)).map(|it| it.speaks_dav)
    }

    /// XrdHTTP 5.5 takes the target of a MOVE as it is written, without decoding it, and writes the
    /// names of a listing without encoding them.
    pub(crate) fn takes_names_literally(&self, url: &Url) -> bool {
        let known = self.0.lock();
        known.get(&Self::key(url)).is_some_and(|it| it.is_xrootd)
    }

    /// Refuses a name the server would cut: XrdHTTP decodes `%3F` and then sees a query.
    pub(crate) fn admit_name(&self, url: &Url) -> Result<()> {
        if self.takes_names_literally(url) && decode(url.path()).contains('?') {
            let text = format!("use {}: this server takes no `?` in names", url.path());
            return Err(Error::new(ErrorKind::Invalid, text));
        }
        Ok(())
    }

    /// A PROPFIND was answered as it should be.
    pub(crate) fn saw_dav(&self, url: &Url, answer: &Answer) {
        self.learn(url, true, answer.header(header::SERVER));
    }

    /// A PROPFIND was not understood.
    pub(crate) fn saw_no_dav(&self, url: &Url, answer: &Answer) {
        self.learn(url, false, answer.header(header::SERVER));
    }

    fn learn(&self, url: &Url, speaks_dav: bool, server: Option<&str>) {
        let mut known = self.0.lock();
        if known.len() >= MAX_PLACES {
            known.clear();
        }
        let place = known.entry(Self::key(url)).or_default();
        // One odd entry does not take back what was seen to work.
        place.speaks_dav |= speaks_dav;
        place.is_xrootd = server.is_some_and(|it| it.starts_with("XrootD"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn a_place_is_a_tree_of_a_host_and_good_news_stays() {
        let places = Places::default();
        places.learn(&url("https://h/plain/x"), false, None);
        places.learn(&url("https://h/dav/x"), true, Some("XrootD/v5.5.3"));
        places.learn(&url("https://h/dav/odd"), false, Some("XrootD/v5.5.3"));
        assert_eq!(places.speaks_dav(&url("https://h/plain/y")), Some(false));
        assert_eq!(places.speaks_dav(&url("https://h:443/dav/")), Some(true));
        assert_eq!(places.speaks_dav(&url("https://g/dav/")), None);
        assert!(places.takes_names_literally(&url("https://h/dav/z")));
        assert!(!places.takes_names_literally(&url("https://h/plain/z")));
    }
}
