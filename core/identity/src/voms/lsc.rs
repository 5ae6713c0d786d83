//! `.lsc` files: who may speak for a VO, as names.
//!
//! Each file describes one VOMS server: the subject of its certificate, the issuer of that, and so
//! on for as many certificates as the server sends along. Alternatives stand behind a line that says
//! `NEXT CHAIN`, for servers that change their certificate.

use crate::dn;

/// What one file says: alternatives, each a list of subject and issuer, the server's own first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lsc {
    chains: Vec<Vec<(String, String)>>,
}

/// Why a file is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LscError {
    #[error("it holds no names")]
    Empty,
    #[error("a subject has no issuer")]
    Odd,
    #[error("line {0} is not a name in slash form")]
    NotAName(usize),
}

impl Lsc {
    pub(crate) fn parse(text: &str) -> Result<Self, LscError> {
        let mut chains = vec![Vec::new()];
        for (index, line) in text.lines().enumerate() {
            let line = line.trim().trim_matches('"').trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if is_separator(line) {
                chains.push(Vec::new());
            } else if !line.starts_with('/') {
                return Err(LscError::NotAName(index + 1));
            } else if let Some(chain) = chains.last_mut() {
                chain.push(dn::comparable(line));
            }
        }
        chains.retain(|chain| !chain.is_empty());
        if chains.is_empty() {
            return Err(LscError::Empty);
        }
        let pairs: Option<Vec<_>> = chains.into_iter().map(pairs).collect();
        let chains = pairs.ok_or(LscError::Odd)?;
        Ok(Self { chains })
    }

    /// True when one alternative describes these certificates (subject and issuer, the server's own
    /// first), each of them and in this order.
    pub(crate) fn describes(&self, certificates: &[(String, String)]) -> bool {
        let known = |(described, real): (&(String, String), &(String, String))| {
            described.0 == dn::comparable(&real.0) && described.1 == dn::comparable(&real.1)
        };
        !certificates.is_empty()
            && self.chains.iter().any(|chain| {
                chain.len() >= certificates.len() && chain.iter().zip(certificates).all(known)
            })
    }
}

fn is_separator(line: &str) -> bool {
    let words = line.trim_matches('-').trim();
    line.starts_with('-') && words.eq_ignore_ascii_case("next chain")
}

fn pairs(names: Vec<String>) -> Option<Vec<(String, String)>> {
    let mut names = names.into_iter();
    let mut out = Vec::new();
    while let Some(subject) = names.next() {
        out.push((subject, names.next()?));
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(names: &[&str]) -> Vec<(String, String)> {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        pairs(names).unwrap()
    }

    #[test]
    fn describes_the_server_and_every_certificate_that_comes_along() {
        let lsc = Lsc::parse("/CN=voms\n/CN=Sub CA\n/CN=Sub CA\n/CN=Root\n").unwrap();
        assert!(lsc.describes(&chain(&["/CN=voms", "/CN=Sub CA"])));
        assert!(lsc.describes(&chain(&[
            "/CN=voms",
            "/CN=Sub CA",
            "/CN=Sub CA",
            "/CN=Root"
        ])));
        assert!(!lsc.describes(&chain(&["/CN=voms", "/CN=Root"])));
        assert!(!lsc.describes(&chain(&[
            "/CN=voms",
            "/CN=Sub CA",
            "/CN=Sub CA",
            "/CN=Other"
        ])));
        assert!(!lsc.describes(&[]));
        let short = Lsc::parse("/CN=voms\n/CN=Sub CA\n").unwrap();
        assert!(!short.describes(&chain(&[
            "/CN=voms",
            "/CN=Sub CA",
            "/CN=Sub CA",
            "/CN=Root"
        ])));
    }

    #[test]
    fn alternatives_comments_quotes_and_old_attribute_names() {
        let text = "# voms\r\n\"/O=a/CN=one/Email=x@y\"\r\n /O=CA \n------ NEXT CHAIN ------\n\n\
                    /CN=two\n/O=CA\n------NEXT CHAIN------\n";
        let lsc = Lsc::parse(text).unwrap();
        assert!(lsc.describes(&chain(&["/O=a/CN=one/emailAddress=x@y", "/O=CA"])));
        assert!(lsc.describes(&chain(&["/CN=two", "/O=CA"])));
        assert!(!lsc.describes(&chain(&["/O=CA", "/CN=two"])));
    }

    #[test]
    fn files_that_say_nothing_are_refused() {
        assert_eq!(Lsc::parse("# nothing\n"), Err(LscError::Empty));
        assert_eq!(Lsc::parse("/CN=a\n"), Err(LscError::Odd));
        assert_eq!(Lsc::parse("/CN=a\nCN=b\n"), Err(LscError::NotAName(2)));
        assert_eq!(
            Lsc::parse("/a\n---- NEXT CHAIN ----\n/b\n/c\n"),
            Err(LscError::Odd)
        );
    }
}
