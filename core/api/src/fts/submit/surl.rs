//! Whether a URL may be used. Which schemes name local files, and which of those are served, is
//! known to the storage alone.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use causeway_sdk::{DynStorage, Storages, Url, UrlError};

/// Characters of a URL that an error message repeats.
const SHOWN_MAX: usize = 1024;

/// What is wrong with a URL. `Display` gives the reference's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offence {
    what: String,
    url: String,
}

impl Offence {
    fn new(what: impl Into<String>, url: &str) -> Self {
        Self {
            what: what.into(),
            url: url.chars().take(SHOWN_MAX).collect(),
        }
    }
}

impl fmt::Display for Offence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.what, self.url)
    }
}

/// Checks URLs, and asks the host once per scheme.
pub struct Checker<'a> {
    storages: &'a dyn Storages,
    known: HashMap<String, Option<Served>>,
}

struct Served {
    storage: Arc<dyn DynStorage>,
    local: bool,
}

impl<'a> Checker<'a> {
    /// A checker with nothing learnt yet.
    pub fn new(storages: &'a dyn Storages) -> Self {
        Self {
            storages,
            known: HashMap::new(),
        }
    }

    /// The URL in a text, white space around it taken off.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn check(&mut self, text: &str) -> Result<Url, Offence> {
        let text = text.trim();
        let url: Url = text
            .parse()
            .map_err(|error: UrlError| Offence::new(error.to_string(), text))?;
        let served = self.served(&url);
        if let Some(served) = served {
            let refused = served.storage.admit(&url).err();
            if let Some(error) = refused {
                return Err(Offence::new(error.message(), text));
            }
        }
        let local = served.is_some_and(|it| it.local);
        if url.path().is_empty() || (url.path() == "/" && url.query().is_none()) {
            return Err(Offence::new("Missing path", text));
        }
        if url.host().is_empty() && !local {
            return Err(Offence::new("Missing host", text));
        }
        Ok(url)
    }

    /// A scheme that nobody serves is accepted: the transfer will say so when it runs.
    fn served(&mut self, url: &Url) -> Option<&Served> {
        let storages = self.storages;
        if !self.known.contains_key(url.scheme()) {
            let served = storages.storage_for(url).ok().map(|storage| Served {
                local: storage.describe().local,
                storage,
            });
            self.known.insert(url.scheme().to_owned(), served);
        }
        self.known.get(url.scheme()).and_then(Option::as_ref)
    }
}
