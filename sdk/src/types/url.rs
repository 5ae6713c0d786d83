//! A storage URL, kept exactly as it was written.
//!
//! Grid users put characters into SURLs that browsers would rewrite, and a SURL that comes back
//! from the API must be the one that went in. So this type splits a text by the generic syntax of
//! RFC 3986 section 3 and never normalises it. A plugin whose protocol has a stricter URL converts.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A URL with scheme, authority, path and query; the fragment, if any, is part of what precedes it.
///
/// ```
/// use causeway_sdk::Url;
/// let url: Url = "davs://se.example.org:443/vo/file?x=1".parse().unwrap();
/// assert_eq!((url.scheme(), url.host(), url.port()), ("davs", "se.example.org", Some(443)));
/// assert_eq!((url.path(), url.query()), ("/vo/file", Some("x=1")));
/// assert_eq!(url.storage(), "davs://se.example.org");
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Url {
    text: Box<str>,
    scheme: u16,
    authority: u16,
    path: u16,
}

/// Why a text is no storage URL. The texts are those FTS users know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// There is no `scheme:` in front.
    #[error("Missing scheme")]
    MissingScheme,
    /// Longer than [`Url::MAX_LEN`] bytes.
    #[error("URL longer than {} characters", Url::MAX_LEN)]
    TooLong,
    /// A control character, which no protocol can carry safely.
    #[error("Control character in URL")]
    ControlCharacter,
}

impl Url {
    /// Longest URL accepted, in bytes.
    pub const MAX_LEN: usize = 8192;

    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Scheme as written, without the colon.
    pub fn scheme(&self) -> &str {
        &self.text[..self.scheme as usize]
    }

    /// `user@host:port`, empty when there is none.
    pub fn authority(&self) -> &str {
        let start = self.scheme as usize + 1;
        self.text[start..self.authority as usize]
            .strip_prefix("//")
            .unwrap_or("")
    }

    /// User information before the `@`.
    pub fn userinfo(&self) -> Option<&str> {
        self.authority().rsplit_once('@').map(|(user, _)| user)
    }

    fn host_port(&self) -> &str {
        self.authority()
            .rsplit_once('@')
            .map_or(self.authority(), |(_, host)| host)
    }

    /// Host; an IPv6 address keeps its brackets.
    pub fn host(&self) -> &str {
        let text = self.host_port();
        match text.rfind(':') {
            Some(colon) if !text[colon..].contains(']') => &text[..colon],
            _ => text,
        }
    }

    /// Port, when one is given.
    pub fn port(&self) -> Option<u16> {
        let text = self.host_port();
        text[self.host().len()..].strip_prefix(':')?.parse().ok()
    }

    /// Path, beginning with `/` when there is an authority; not decoded.
    pub fn path(&self) -> &str {
        &self.text[self.authority as usize..self.path as usize]
    }

    /// Path with its percent-encoding undone: what it names, not how it is written.
    ///
    /// ```
    /// # use causeway_sdk::Url;
    /// let url: Url = "mock://h/a%20b".parse().unwrap();
    /// assert_eq!(url.decoded_path(), "/a b");
    /// ```
    pub fn decoded_path(&self) -> String {
        decode(self.path())
    }

    /// What follows the first `?`; not decoded.
    pub fn query(&self) -> Option<&str> {
        self.text[self.path as usize..].strip_prefix('?')
    }

    /// Storage element: `scheme://host` in lower case, without port and user (FTS convention).
    pub fn storage(&self) -> String {
        format!("{}://{}", self.scheme(), self.host()).to_ascii_lowercase()
    }

    /// The URL of the directory above, query kept; `None` at the root.
    ///
    /// ```
    /// # use causeway_sdk::Url;
    /// let url: Url = "mock://h/a/b?x=1".parse().unwrap();
    /// assert_eq!(url.parent().unwrap().as_str(), "mock://h/a?x=1");
    /// ```
    pub fn parent(&self) -> Option<Self> {
        let path = self.path().trim_end_matches('/');
        let slash = path.rfind('/')?;
        let parent = path[..slash].trim_end_matches('/');
        Some(self.with_path(if parent.is_empty() { "/" } else { parent }))
    }

    /// The same URL with another path, query kept.
    pub fn with_path(&self, path: &str) -> Self {
        let text = format!(
            "{}{path}{}",
            &self.text[..self.authority as usize],
            &self.text[self.path as usize..]
        );
        Self {
            path: (self.authority as usize + path.len()) as u16,
            text: text.into(),
            ..*self
        }
    }

    /// The same URL without its query.
    pub fn without_query(&self) -> Self {
        Self {
            text: self.text[..self.path as usize].into(),
            ..*self
        }
    }

    /// Text for logs and messages: no user information, no query.
    pub fn redacted(&self) -> String {
        let query = if self.query().is_some() {
            "?<redacted>"
        } else {
            ""
        };
        let slashes = if self.text[self.scheme as usize + 1..].starts_with("//") {
            "//"
        } else {
            ""
        };
        format!(
            "{}:{slashes}{}{}{query}",
            self.scheme(),
            self.host_port(),
            self.path()
        )
    }

    /// Values of one query parameter, percent-decoded, in order.
    pub fn query_values<'a>(&'a self, key: &'a str) -> impl Iterator<Item = String> + 'a {
        self.query_pairs()
            .filter(move |(name, _)| name == key)
            .map(|(_, value)| value)
    }

    /// All query parameters, percent-decoded, in order.
    pub fn query_pairs(&self) -> impl Iterator<Item = (String, String)> + '_ {
        self.query()
            .unwrap_or("")
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                (decode(name), decode(value))
            })
    }
}

/// For the glue at a boundary, where the other side has split the text already.
#[cfg(not(target_family = "wasm"))]
impl Url {
    /// Ends of scheme, authority and path.
    pub(crate) fn ends(&self) -> [u16; 3] {
        [self.scheme, self.authority, self.path]
    }

    /// Puts a text and its ends together again; `None` when they cannot belong together.
    pub(crate) fn assemble(text: &str, [scheme, authority, path]: [u16; 3]) -> Option<Self> {
        let ordered = scheme < authority && authority <= path;
        let fits = [scheme, authority, path]
            .iter()
            .all(|end| text.is_char_boundary(usize::from(*end)));
        let colon = text.as_bytes().get(usize::from(scheme)) == Some(&b':');
        (ordered && fits && colon && text.len() <= Self::MAX_LEN).then(|| Self {
            text: text.into(),
            scheme,
            authority,
            path,
        })
    }
}

fn decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8_lossy()
        .into_owned()
}

impl FromStr for Url {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        if text.len() > Self::MAX_LEN {
            return Err(UrlError::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(UrlError::ControlCharacter);
        }
        let scheme = text.find(':').ok_or(UrlError::MissingScheme)?;
        if !is_scheme(&text[..scheme]) {
            return Err(UrlError::MissingScheme);
        }
        let rest = scheme + 1;
        let authority = match text[rest..].strip_prefix("//") {
            Some(tail) => rest + 2 + tail.find(['/', '?']).unwrap_or(tail.len()),
            None => rest,
        };
        let path = text[authority..]
            .find('?')
            .map_or(text.len(), |query| authority + query);
        Ok(Self {
            text: text.into(),
            scheme: scheme as u16,
            authority: authority as u16,
            path: path as u16,
        })
    }
}

/// RFC 3986 section 3.1: a letter, then letters, digits, `+`, `-`, `.`.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.redacted())
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.redacted())
    }
}

impl Serialize for Url {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Url {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn splits_without_changing_anything() {
        let it = url("root://User@Se.Example.org:1094//eos/a b%20c/../d?x=1&x=2");
        assert_eq!(
            it.as_str(),
            "root://User@Se.Example.org:1094//eos/a b%20c/../d?x=1&x=2"
        );
        assert_eq!(it.host(), "Se.Example.org");
        assert_eq!(it.port(), Some(1094));
        assert_eq!(it.path(), "//eos/a b%20c/../d");
        assert_eq!(it.storage(), "root://se.example.org");
        assert_eq!(it.query_values("x").collect::<Vec<_>>(), ["1", "2"]);
    }

    #[test]
    fn ipv6_and_local_paths() {
        let v6 = url("https://[::1]:8443/x");
        assert_eq!((v6.host(), v6.port()), ("[::1]", Some(8443)));
        let local = url("file:///tmp/x");
        assert_eq!((local.host(), local.path()), ("", "/tmp/x"));
    }

    #[test]
    fn refuses_what_has_no_scheme() {
        for text in ["/local/path", "://host/path", "", "1a://h/p", "a b://h"] {
            assert_eq!(text.parse::<Url>(), Err(UrlError::MissingScheme), "{text}");
        }
        assert_eq!(
            "mock://h/\n".parse::<Url>(),
            Err(UrlError::ControlCharacter)
        );
    }

    #[test]
    fn parents_end_at_the_root() {
        assert_eq!(url("file:///a/b").parent().unwrap().as_str(), "file:///a");
        assert_eq!(url("file:///a").parent().unwrap().as_str(), "file:///");
        assert!(url("file:///").parent().is_none());
        assert!(url("mock://h").parent().is_none());
    }

    #[test]
    fn shows_no_user_and_no_query() {
        assert_eq!(
            url("s3://key:secret@h/p?sig=1").to_string(),
            "s3://h/p?<redacted>"
        );
    }
}
