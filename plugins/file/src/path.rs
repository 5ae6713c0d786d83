//! From a URL to a place below a configured root, by its text alone.
//!
//! Dots are resolved as in URLs (RFC 3986 section 5.2.4) before anything touches the disk, so a
//! URL means the same whatever links exist. Links are the business of [`crate::confine`].

use std::path::{Path, PathBuf};

use causeway_sdk::{Error, ErrorKind, Result, Url};
use percent_encoding::percent_decode_str;

/// The scheme this plugin serves.
pub(crate) const SCHEME: &str = "file";

/// A place below a root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The configured directory.
    pub(crate) root: PathBuf,
    /// Path below it; empty for the root itself. No `.`, no `..`.
    pub(crate) below: PathBuf,
}

impl Place {
    /// Finds the innermost root that holds a URL.
    pub(crate) fn of(at: &Url, roots: &[PathBuf]) -> Result<Self> {
        let path = local_path(at)?;
        let root = roots
            .iter()
            .filter(|root| path.starts_with(root))
            .max_by_key(|root| root.components().count());
        match root.and_then(|root| Some((root, path.strip_prefix(root).ok()?))) {
            Some((root, below)) => Ok(Self {
                root: root.clone(),
                below: below.to_owned(),
            }),
            None => Err(refused()),
        }
    }

    /// The directory above, and the name in it; `None` for a root itself.
    pub(crate) fn split(&self) -> Option<(&Path, &std::ffi::OsStr)> {
        Some((self.below.parent()?, self.below.file_name()?))
    }
}

/// The answer to a URL outside the roots. The wording is fixed: clients look for it.
pub(crate) fn refused() -> Error {
    Error::new(ErrorKind::Denied, "Can not transfer local files")
}

/// The absolute path of a URL, decoded, without dots.
fn local_path(at: &Url) -> Result<PathBuf> {
    use std::os::unix::ffi::OsStringExt as _;
    let own_host = at.host().is_empty() || at.host().eq_ignore_ascii_case("localhost");
    if !at.scheme().eq_ignore_ascii_case(SCHEME) || !own_host || !at.path().starts_with('/') {
        return Err(refused());
    }
    let mut path = PathBuf::from("/");
    for segment in at.path().split('/') {
        let name: Vec<u8> = percent_decode_str(segment).collect();
        match name.as_slice() {
            b"" | b"." => {}
            b".." => {
                path.pop();
            }
            name if name.contains(&0) || name.contains(&b'/') => {
                return Err(Error::new(
                    ErrorKind::Invalid,
                    "use a name with a slash or a zero byte in it",
                ));
            }
            _ => path.push(std::ffi::OsString::from_vec(name)),
        }
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn below(url: &str) -> Option<String> {
        let roots = [PathBuf::from("/data"), PathBuf::from("/data/inner/")];
        let place = Place::of(&url.parse().unwrap(), &roots).ok()?;
        Some(format!(
            "{}:{}",
            place.root.display(),
            place.below.display()
        ))
    }

    #[test]
    fn inside() {
        for (url, expected) in [
            ("file:///data/a/b", "/data:a/b"),
            ("file://localhost/data//a/./b/", "/data:a/b"),
            ("file:/data/a%20b%25", "/data:a b%"),
            ("file:///data/a b%zz", "/data:a b%zz"),
            ("file:///data/inner/x", "/data/inner/:x"),
            ("file:///x/../data/a", "/data:a"),
            ("file:///data", "/data:"),
        ] {
            assert_eq!(below(url).as_deref(), Some(expected), "{url}");
        }
    }

    #[test]
    fn outside() {
        for url in [
            "file:///etc/passwd",
            "file:///data/../etc/passwd",
            "file:///data/%2e%2e/etc/passwd",
            "file:///data/a/..%2f..%2fetc",
            "file:///database",
            "file://other/data/a",
            "file:data/a",
            "file:///data/a%00b",
        ] {
            assert_eq!(below(url), None, "{url}");
        }
    }
}
