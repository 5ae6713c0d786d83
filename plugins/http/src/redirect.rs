//! Where a redirect leads and what may be sent there. A pure policy; `exchange` and `upload` obey.
//!
//! # Invariants
//! - A credential goes to the origin it was meant for and to no other: not to another host, not
//!   to another port, not from https down to http. Once dropped it stays dropped.

use causeway_sdk::{Error, ErrorKind, Result};
use http::{HeaderMap, StatusCode, header};
use url::Url;

use crate::wire::origin;

/// Most redirects followed for one request.
pub(crate) const MAX_HOPS: u32 = 10;

/// The next request of a chain.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Hop {
    pub(crate) url: Url,
    /// Same origin as before: credentials may go along.
    pub(crate) same_origin: bool,
    /// The method becomes GET (303).
    pub(crate) see_other: bool,
}

/// Reads a redirect; `None` when the answer is none.
pub(crate) fn next(
    from: &Url,
    status: StatusCode,
    headers: &HeaderMap,
    hops: u32,
) -> Result<Option<Hop>> {
    let is_redirect = matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308);
    let Some(location) = headers.get(header::LOCATION).filter(|_| is_redirect) else {
        return Ok(None);
    };
    let refuse = |why: &str| {
        let text = format!("follow a redirect of {}: {why}", origin(from));
        Error::new(ErrorKind::Remote, text).with_remote_status(status.as_u16().into())
    };
    if hops >= MAX_HOPS {
        return Err(refuse("too many redirects"));
    }
    let mut url = std::str::from_utf8(location.as_bytes())
        .ok()
        .and_then(|text| from.join(text).ok())
        .ok_or_else(|| refuse("its target is no URL"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(refuse("its target is of another protocol"));
    }
    strip_user(&mut url).map_err(|()| refuse("its target has no host"))?;
    Ok(Some(Hop {
        same_origin: origin(from) == origin(&url),
        see_other: status == StatusCode::SEE_OTHER,
        url,
    }))
}

/// A server must not choose under which user we come.
fn strip_user(url: &mut Url) -> Result<(), ()> {
    url.set_username("")?;
    url.set_password(None)
}

/// Whether two hosts belong to one site: the same host, or the same name but for the first label.
///
/// A storage that redirects a third-party copy to one of its disk servers must be able to pass the
/// peer's token on, or such copies never work. The head of the storage has that token already.
pub(crate) fn same_site(one: &Url, two: &Url) -> bool {
    if one.scheme() != two.scheme() {
        return false;
    }
    let (Some(url::Host::Domain(one)), Some(url::Host::Domain(two))) = (one.host(), two.host())
    else {
        return one.host() == two.host();
    };
    let site = |host: &str| {
        let (_, rest) = host.split_once('.')?;
        rest.contains('.').then(|| rest.to_owned())
    };
    one == two || site(one).is_some_and(|it| Some(it) == site(two))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    fn follow(from: &str, location: &str, hops: u32) -> Result<Option<Hop>> {
        let mut headers = HeaderMap::new();
        headers.insert(header::LOCATION, location.parse().unwrap());
        next(&url(from), StatusCode::TEMPORARY_REDIRECT, &headers, hops)
    }

    #[test]
    fn only_the_same_origin_is_the_same() {
        for (location, expected) in [
            ("/other", true),
            ("https://a.org/x", true),
            ("https://A.org:443/x", true),
            ("https://a.org:444/x", false),
            ("https://b.org/x", false),
            ("http://a.org/x", false),
            ("https://a.org.evil.org/x", false),
            ("//b.org/x", false),
        ] {
            let hop = follow("https://a.org/p", location, 0).unwrap().unwrap();
            assert_eq!(hop.same_origin, expected, "{location}");
        }
    }

    #[test]
    fn the_number_of_hops_and_the_protocols_are_limited() {
        assert!(follow("https://a.org/p", "/x", MAX_HOPS).is_err());
        assert!(follow("https://a.org/p", "file:///etc/passwd", 0).is_err());
        let hop = follow("https://a.org/p", "https://u:p@a.org/x", 0);
        assert_eq!(hop.unwrap().unwrap().url, url("https://a.org/x"));
    }

    #[test]
    fn an_answer_without_location_is_no_redirect() {
        let answer = next(
            &url("https://a.org"),
            StatusCode::FOUND,
            &HeaderMap::new(),
            0,
        );
        assert_eq!(answer.unwrap(), None);
    }

    #[test]
    fn a_site_is_one_domain_and_one_scheme() {
        let is = |one: &str, two: &str| same_site(&url(one), &url(two));
        assert!(is("https://eos.cern.ch/", "https://fst7.cern.ch:8443/"));
        assert!(!is("https://eos.cern.ch/", "http://fst7.cern.ch/"));
        assert!(!is("https://eos.cern.ch/", "https://cern.ch.evil.org/"));
        assert!(!is("https://a.org/", "https://b.org/"));
        assert!(!is("https://127.0.0.1/", "https://127.0.0.2/"));
    }
}
