//! Whether a text is a URL that may be used, by its looks. Which schemes name local files is known
//! to the storage alone; whether it takes a URL is asked later, see `admission`.

use std::collections::HashMap;
use std::fmt;

use causeway_sdk::{ErrorKind, Storages, Url, UrlError};

/// Characters of a URL that an error message repeats.
const SHOWN_MAX: usize = 1024;

/// What is wrong with a URL. `Display` gives the reference's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offence {
    what: String,
    url: String,
}

impl Offence {
    pub(super) fn new(what: impl Into<String>, url: &str) -> Self {
        Self {
            what: what.into(),
            url: Self::shown(url),
        }
    }

    /// As much of a URL as a message repeats.
    pub(super) fn shown(url: &str) -> String {
        url.chars().take(SHOWN_MAX).collect()
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
    /// Schemes whose URLs name files of the gateway's own machine.
    local: HashMap<String, bool>,
}

fn parse(text: &str) -> Result<Url, Offence> {
    let text = text.trim();
    text.parse()
        .map_err(|error: UrlError| Offence::new(error.to_string(), text))
}

impl<'a> Checker<'a> {
    /// A checker with nothing learnt yet.
    pub fn new(storages: &'a dyn Storages) -> Self {
        Self {
            storages,
            local: HashMap::new(),
        }
    }

    /// The URL in a text, white space around it taken off.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn check(&mut self, text: &str) -> Result<Url, Offence> {
        let url = parse(text)?;
        if url.path().is_empty() || (url.path() == "/" && url.query().is_none()) {
            return Err(Offence::new("Missing path", text.trim()));
        }
        self.with_host(url, text)
    }

    /// The same for a place that may be the top of its storage, which is no file.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn check_place(&mut self, text: &str) -> Result<Url, Offence> {
        self.with_host(parse(text)?, text)
    }

    fn with_host(&mut self, url: Url, text: &str) -> Result<Url, Offence> {
        if url.host().is_empty() && !self.is_local(&url) {
            return Err(Offence::new("Missing host", text.trim()));
        }
        Ok(url)
    }

    fn is_local(&mut self, url: &Url) -> bool {
        if let Some(local) = self.local.get(url.scheme()) {
            return *local;
        }
        let local = match self.storages.storage_for(url) {
            Ok(storage) => storage.describe().local,
            // Served, but not now: the transfer says so when it runs.
            Err(error) => error.kind() == ErrorKind::Busy,
        };
        self.local.insert(url.scheme().to_owned(), local);
        local
    }
}
