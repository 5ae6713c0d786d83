//! Checksums of what passes through a write.

use causeway_sdk::{Algorithm, Checksum, Error, Hasher, Result};

use crate::backend::Put;
use crate::digest::ContentHash;
use crate::error::at;
use causeway_sdk::ErrorKind;

/// What a service wants to have, or tells, of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Plain(Algorithm),
    /// Dropbox's own.
    Content,
}

/// Checksums being computed.
pub(crate) struct Sums {
    plain: Vec<Hasher>,
    content: Option<ContentHash>,
}

/// Checksums of all bytes.
#[derive(Debug, Default)]
pub(crate) struct Summed {
    pub(crate) plain: Vec<Checksum>,
    pub(crate) content: Option<String>,
}

impl Sums {
    /// For what a service wants, and what the caller expects.
    pub(crate) fn new(wanted: Kind, expected: Option<&Checksum>) -> Self {
        let mut algorithms: Vec<Algorithm> = expected.iter().map(|it| it.algorithm).collect();
        if let Kind::Plain(algorithm) = wanted
            && !algorithms.contains(&algorithm)
        {
            algorithms.push(algorithm);
        }
        Self {
            plain: algorithms.into_iter().map(Algorithm::hasher).collect(),
            content: (wanted == Kind::Content).then(ContentHash::new),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.plain.iter_mut().for_each(|it| it.update(bytes));
        if let Some(content) = &mut self.content {
            content.update(bytes);
        }
    }

    pub(crate) fn finish(self) -> Summed {
        Summed {
            plain: self.plain.into_iter().map(Hasher::finish).collect(),
            content: self.content.map(ContentHash::finish),
        }
    }
}

impl Summed {
    pub(crate) fn get(&self, algorithm: Algorithm) -> Option<&Checksum> {
        self.plain.iter().find(|it| it.algorithm == algorithm)
    }

    /// Compares with what the caller expects.
    pub(crate) fn check(&self, expected: Option<&Checksum>, what: &str) -> Result<()> {
        let found = expected.and_then(|it| self.get(it.algorithm));
        match (expected, found) {
            (Some(wanted), Some(found)) if wanted.normalized() != found.normalized() => {
                Err(damaged(
                    what,
                    &format!("{wanted} was expected, the bytes have {found}"),
                ))
            }
            _ => Ok(()),
        }
    }

    /// Compares with what the service tells.
    pub(crate) fn compare(&self, put: &Put, what: &str) -> Result<()> {
        for told in &put.written.checksums {
            if let Some(own) = self.get(told.algorithm)
                && own.normalized() != told.normalized()
            {
                return Err(damaged(what, &format!("{own} was sent, {told} arrived")));
            }
        }
        match (&self.content, &put.content_hash) {
            (Some(own), Some(told)) if own != told => Err(damaged(
                what,
                &format!("content hash {own} was sent, {told} arrived"),
            )),
            _ => Ok(()),
        }
    }

    /// Whether a file that is there is known to be what was sent.
    pub(crate) fn is_same(&self, put: &Put, what: &str) -> bool {
        let told = &put.written.checksums;
        let is_comparable = match (&self.content, &put.content_hash) {
            (Some(_), Some(_)) => true,
            _ => told.iter().any(|it| self.get(it.algorithm).is_some()),
        };
        is_comparable && self.compare(put, what).is_ok()
    }
}

fn damaged(what: &str, why: &str) -> Error {
    at(ErrorKind::Integrity, "write", what, why)
}

#[cfg(test)]
mod tests {
    use causeway_sdk::Written;

    use super::*;

    fn summed(wanted: Kind, expected: Option<&Checksum>) -> Summed {
        let mut sums = Sums::new(wanted, expected);
        sums.update(b"te");
        sums.update(b"st");
        sums.finish()
    }

    #[test]
    fn damage_is_found_on_both_sides() {
        let md5 = Checksum::new(Algorithm::Md5, "098F6BCD4621d373cade4e832627b4f6");
        let other = Checksum::new(Algorithm::Adler32, "00000001");
        let it = summed(Kind::Plain(Algorithm::Md5), Some(&other));
        assert_eq!(it.plain.len(), 2);
        assert!(it.check(Some(&md5), "x").is_ok() && it.check(None, "x").is_ok());
        let kind = it.check(Some(&other), "x").unwrap_err().kind();
        assert_eq!(kind, ErrorKind::Integrity);
        let put = |sum: Checksum| Put {
            written: Written {
                checksums: vec![sum],
                ..Written::default()
            },
            content_hash: Some("x".into()),
        };
        assert!(it.compare(&put(md5), "x").is_ok());
        assert!(it.compare(&put(other), "x").is_err());
        let it = summed(Kind::Content, None);
        assert!(
            it.compare(&put(Checksum::new(Algorithm::Md5, "")), "x")
                .is_err()
        );
    }
}
