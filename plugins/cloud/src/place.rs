//! From the URL a user wrote to the service, the container and the name it means.
//!
//! | written | means |
//! |---|---|
//! | `azure://ACCOUNT/CONTAINER/PATH` | a blob; the account may have `.blob.core.windows.net` behind it |
//! | `gs://BUCKET/PATH`, `gcloud://BUCKET/PATH` | an object |
//! | `gs://storage.googleapis.com/BUCKET/PATH`, `gs://BUCKET.storage.googleapis.com/PATH` | the same |
//! | `dropbox://dropbox.com/PATH` | a file of the user whose token is used |
//! | `gdrive://drive.google.com/PATH` | a file below that user's "My Drive" |
//!
//! Names are what the path says, percent-decoded, without slashes at either end.

use std::fmt;

use causeway_sdk::{Error, ErrorKind, Result, Url as Surl};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::Url;

use crate::error::internal;

/// Schemes served.
pub(crate) const SCHEMES: [&str; 5] = ["azure", "gs", "gcloud", "dropbox", "gdrive"];

/// All but RFC 3986's unreserved.
pub(crate) const STRICT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// The same for a whole path.
const PATH: &AsciiSet = &STRICT.remove(b'/');

const AZURE_HOST: &str = ".blob.core.windows.net";
const GOOGLE_HOST: &str = "storage.googleapis.com";
const DROPBOX_HOSTS: [&str; 4] = ["", "dropbox.com", "www.dropbox.com", "api.dropboxapi.com"];
const DRIVE_HOSTS: [&str; 3] = ["", "drive.google.com", "www.googleapis.com"];

/// Whose protocol is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Service {
    Azure,
    Gcs,
    Dropbox,
    Drive,
}

/// What a URL means. Without a key it is the top of a container or of a user's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) service: Service,
    /// As it was written, for messages.
    scheme: String,
    host: String,
    /// Account of Azure, else empty.
    pub(crate) account: String,
    /// Container or bucket, empty for the drives.
    pub(crate) bucket: String,
    pub(crate) key: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        let bucket = if self.host == self.bucket {
            ""
        } else {
            &self.bucket
        };
        for part in [bucket, &self.key] {
            if !part.is_empty() {
                write!(f, "/{}", utf8_percent_encode(part, PATH))?;
            }
        }
        Ok(())
    }
}

fn invalid(at: &Surl, why: &str) -> Error {
    Error::new(ErrorKind::Invalid, format!("use {at}: {why}"))
}

impl Place {
    /// Understands a URL.
    pub(crate) fn of(at: &Surl) -> Result<Self> {
        if at.userinfo().is_some() {
            return Err(invalid(at, "keys do not go into URLs"));
        }
        if at.query().is_some() {
            return Err(invalid(at, "names have no query; write `?` as %3F"));
        }
        if at.port().is_some() || at.host().contains(['[', ':']) {
            return Err(invalid(
                at,
                "another server is named by the option `endpoint`",
            ));
        }
        let scheme = at.scheme().to_ascii_lowercase();
        let host = at.host().to_ascii_lowercase();
        let path = decoded(at)?;
        let place = |service, account: &str, bucket: &str, key: &str| Self {
            service,
            scheme: scheme.clone(),
            host: host.clone(),
            account: account.to_owned(),
            bucket: bucket.to_owned(),
            key: key.trim_start_matches('/').to_owned(),
        };
        let split = |path: &str| match path.split_once('/') {
            Some((bucket, key)) => (bucket.to_owned(), key.to_owned()),
            None => (path.to_owned(), String::new()),
        };
        let found = match scheme.as_str() {
            "azure" => {
                let account = host.strip_suffix(AZURE_HOST).unwrap_or(&host);
                let (bucket, key) = split(&path);
                place(Service::Azure, account, &bucket, &key)
            }
            "gs" | "gcloud" if host == GOOGLE_HOST => {
                let (bucket, key) = split(&path);
                place(Service::Gcs, "", &bucket, &key)
            }
            "gs" | "gcloud" => {
                let home = format!(".{GOOGLE_HOST}");
                place(
                    Service::Gcs,
                    "",
                    host.strip_suffix(&home).unwrap_or(&host),
                    &path,
                )
            }
            "dropbox" if DROPBOX_HOSTS.contains(&&*host) => place(Service::Dropbox, "", "", &path),
            "gdrive" if DRIVE_HOSTS.contains(&&*host) => place(Service::Drive, "", "", &path),
            "dropbox" | "gdrive" => {
                return Err(invalid(at, "the host must be the service's own, or none"));
            }
            _ => return Err(invalid(at, "its scheme is not served here")),
        };
        found.check(at)?;
        Ok(found)
    }

    fn check(&self, at: &Surl) -> Result<()> {
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '$');
        let is_plain = |it: &str| it.chars().all(good) && !it.starts_with('.');
        let is_drive = matches!(self.service, Service::Dropbox | Service::Drive);
        if !is_drive && (self.bucket.is_empty() || !is_plain(&self.bucket)) {
            return Err(invalid(at, "it names no container or bucket"));
        }
        let letters = |it: &str| {
            it.bytes()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        };
        let is_account = !self.account.is_empty() && letters(&self.account);
        if self.service == Service::Azure && !is_account {
            return Err(invalid(
                at,
                "accounts have lower-case letters and digits only",
            ));
        }
        if self.key.len() > 1024 {
            return Err(invalid(at, "the name is too long"));
        }
        self.check_segments(at)
    }

    /// What a service would change silently is refused: the file would be somewhere else.
    fn check_segments(&self, at: &Surl) -> Result<()> {
        let is_flat = matches!(self.service, Service::Azure | Service::Gcs);
        for segment in self.key.split('/') {
            if matches!(segment, "." | "..") {
                return Err(invalid(at, "`.` and `..` cannot be in the path"));
            }
            if segment.is_empty() && !self.key.is_empty() && !is_flat {
                return Err(invalid(at, "there are two slashes in a row"));
            }
            if segment.chars().any(char::is_control) {
                return Err(invalid(at, "there are control characters in the name"));
            }
            let is_changed = match self.service {
                Service::Azure => segment.contains('\\') || segment.ends_with('.'),
                Service::Dropbox => segment.contains('\\') || segment.ends_with(' '),
                Service::Gcs | Service::Drive => false,
            };
            if is_changed {
                return Err(invalid(at, "the service does not keep a name like this"));
            }
        }
        Ok(())
    }

    /// The same container, another key.
    pub(crate) fn with_key(&self, key: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            ..self.clone()
        }
    }

    /// What all names below this one begin with, as a directory.
    pub(crate) fn prefix(&self) -> String {
        if self.key.is_empty() {
            String::new()
        } else {
            format!("{}/", self.key)
        }
    }

    /// The place one above; `None` for the top.
    pub(crate) fn parent(&self) -> Option<Self> {
        if self.key.is_empty() {
            return None;
        }
        let parent = self.key.rsplit_once('/').map_or("", |(parent, _)| parent);
        Some(self.with_key(parent))
    }

    /// The last segment.
    pub(crate) fn name(&self) -> &str {
        self.key.rsplit('/').next().unwrap_or_default()
    }
}

/// The path without slashes at its ends, percent-decoded.
fn decoded(at: &Surl) -> Result<String> {
    let path = at.path().trim_matches('/');
    let text = percent_decode_str(path).decode_utf8();
    let text = text.map_err(|_| invalid(at, "names are UTF-8"))?;
    Ok(text.trim_matches('/').to_owned())
}

/// A path for the wire: everything encoded, slashes kept.
pub(crate) fn encode_path(path: &str) -> String {
    utf8_percent_encode(path, PATH).to_string()
}

/// One segment or value for the wire.
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, STRICT).to_string()
}

/// What a request goes to; `path` is encoded already.
pub(crate) fn wire(base: &str, path: &str, query: &[(&str, &str)]) -> Result<Url> {
    let mut text = format!("{}{path}", base.trim_end_matches('/'));
    for (i, (name, value)) in query.iter().enumerate() {
        text.push(if i == 0 { '?' } else { '&' });
        text.push_str(name);
        text.push('=');
        text.extend(utf8_percent_encode(value, STRICT));
    }
    Url::parse(&text).map_err(|source| internal("make a request", source))
}

#[cfg(test)]
#[path = "place_tests.rs"]
mod tests;
