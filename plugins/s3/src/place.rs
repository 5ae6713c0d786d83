//! An endpoint, a bucket and a key, and where they go over the wire.

use std::fmt;

use causeway_sdk::{Error, ErrorKind, Result, Url as Surl};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use crate::reading::invalid;

/// Schemes served.
pub(crate) const SCHEMES: [&str; 2] = ["s3", "s3s"];
/// Longest key, in bytes.
const MAX_KEY: usize = 1024;
pub(crate) const AMAZON: &str = ".amazonaws.com";

/// All but RFC 3986's unreserved: what the signature is computed over.
pub(crate) const STRICT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// The same for a whole key.
const KEY: &AsciiSet = &STRICT.remove(b'/');

/// A server of buckets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) tls: bool,
    /// With the port, when it is not the usual one.
    pub(crate) host: String,
    /// Region that the configuration or the name says.
    pub(crate) region: Option<String>,
    /// The bucket is part of the host.
    pub(crate) is_virtual: bool,
    /// Named by nobody: the host follows from the region.
    pub(crate) is_amazon: bool,
}

/// What a URL means. Without a bucket it is the top of an endpoint, without a key a whole bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) endpoint: Endpoint,
    pub(crate) bucket: String,
    pub(crate) key: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.endpoint.tls { "s3s" } else { "s3" };
        write!(f, "{scheme}://{}", self.endpoint.host)?;
        for part in [&self.bucket, &self.key] {
            if !part.is_empty() {
                write!(f, "/{}", utf8_percent_encode(part, KEY))?;
            }
        }
        Ok(())
    }
}

impl Place {
    pub(crate) fn check(&self, at: &Surl) -> Result<()> {
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
        if !self.bucket.chars().all(good) {
            return Err(invalid(at, "this is no name of a bucket"));
        }
        if self.key.len() > MAX_KEY {
            return Err(invalid(at, "the object's name is too long"));
        }
        Ok(())
    }

    /// The same bucket, another key.
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

    /// The place one above, if that can be a directory of its own.
    pub(crate) fn parent(&self) -> Option<Self> {
        let (parent, _) = self.key.rsplit_once('/')?;
        Some(self.with_key(parent))
    }

    /// Scheme, host, and the bucket when it is part of the host.
    pub(crate) fn origin(&self) -> String {
        let scheme = if self.endpoint.tls { "https" } else { "http" };
        let host = &self.endpoint.host;
        if self.endpoint.is_virtual && !self.bucket.is_empty() {
            format!("{scheme}://{}.{host}", self.bucket)
        } else {
            format!("{scheme}://{host}")
        }
    }

    /// What a request goes to.
    pub(crate) fn url(&self, query: &[(&str, String)]) -> Result<Url> {
        let mut text = self.origin();
        if !self.endpoint.is_virtual && !self.bucket.is_empty() {
            text.push('/');
            text.extend(utf8_percent_encode(&self.bucket, STRICT));
        }
        text.push('/');
        text.extend(utf8_percent_encode(&self.key, KEY));
        if !self.endpoint.is_virtual && self.key.is_empty() && !self.bucket.is_empty() {
            text.pop();
        }
        for (i, (name, value)) in query.iter().enumerate() {
            text.push(if i == 0 { '?' } else { '&' });
            text.push_str(name);
            text.push('=');
            text.extend(utf8_percent_encode(value, STRICT));
        }
        Url::parse(&text)
            .map_err(|source| Error::new(ErrorKind::Invalid, format!("use {self}: {source}")))
    }

    /// `bucket/key` as the header of a copy wants it.
    pub(crate) fn copy_source(&self) -> String {
        let bucket = utf8_percent_encode(&self.bucket, STRICT);
        format!("/{bucket}/{}", utf8_percent_encode(&self.key, KEY))
    }

    /// Whether the bucket is part of the host.
    pub(crate) fn is_virtual(&self) -> bool {
        self.endpoint.is_virtual
    }

    /// Whether one request can name both.
    pub(crate) fn is_same_endpoint(&self, other: &Self) -> bool {
        self.endpoint.host == other.endpoint.host && self.endpoint.tls == other.endpoint.tls
    }
}
