//! From the SURL a user wrote to the URL that goes over the wire, and back.
//!
//! SURLs are kept as they are; only here their characters are made fit for HTTP. Valid percent
//! triplets stay, so a user who encoded by himself and one who did not reach the same file.

use causeway_sdk::{Error, ErrorKind, Result, Url as Surl};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use url::Url;

/// Schemes served, with the one each stands for.
pub(crate) const SCHEMES: [(&str, &str); 4] = [
    ("http", "http"),
    ("https", "https"),
    ("dav", "http"),
    ("davs", "https"),
];

/// What may not stand in a path as it is (RFC 3986 section 3.3).
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// What may not stand in a query as it is.
const QUERY: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Whether a scheme is one of ours.
pub(crate) fn is_served(scheme: &str) -> bool {
    wire_scheme(scheme).is_some()
}

fn wire_scheme(scheme: &str) -> Option<&'static str> {
    SCHEMES
        .iter()
        .find(|(served, _)| served.eq_ignore_ascii_case(scheme))
        .map(|(_, wire)| *wire)
}

/// The URL to ask, without user information.
pub(crate) fn to_wire(at: &Surl) -> Result<Url> {
    let invalid = |why: &str| Error::new(ErrorKind::Invalid, format!("use {at}: {why}"));
    let scheme = wire_scheme(at.scheme()).ok_or_else(|| invalid("not a URL of this storage"))?;
    if at.host().is_empty() {
        return Err(invalid("no host"));
    }
    if at.userinfo().is_some() {
        return Err(invalid("user information is not supported"));
    }
    let mut text = format!("{scheme}://{}{}", at.authority(), encode(at.path(), PATH));
    if let Some(query) = at.query() {
        text.push('?');
        text.push_str(&encode(query, QUERY));
    }
    let url = Url::parse(&text).map_err(|source| invalid(&source.to_string()))?;
    // The URL standard resolves `..`, which on a storage would quietly be another file.
    if has_dot_segment(at.path()) {
        return Err(invalid("the path has a `.` or `..` segment"));
    }
    Ok(url)
}

fn has_dot_segment(path: &str) -> bool {
    path.split('/')
        .any(|segment| matches!(&*decode(segment), "." | ".."))
}

fn encode(text: &str, set: &'static AsciiSet) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        out.extend(utf8_percent_encode(&rest[..at], set));
        let is_triplet = rest
            .as_bytes()
            .get(at + 1..at + 3)
            .is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit));
        out.push_str(if is_triplet { "%" } else { "%25" });
        rest = &rest[at + 1..];
    }
    out.extend(utf8_percent_encode(rest, set));
    out
}

/// A name as one path segment of a URL.
pub(crate) fn encode_segment(name: &str) -> String {
    const SEGMENT: &AsciiSet = &PATH.add(b'/').add(b'%');
    utf8_percent_encode(name, SEGMENT).to_string()
}

/// Percent-decoded text; bytes that are no UTF-8 become the replacement character.
pub(crate) fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Scheme, host and port: what a connection belongs to.
pub(crate) fn origin(url: &Url) -> String {
    format!(
        "{}://{}:{}",
        url.scheme(),
        url.host_str().unwrap_or_default(),
        url.port_or_known_default().unwrap_or_default()
    )
}

/// The same URL as that of a collection, with a slash at the end.
pub(crate) fn collection(mut url: Url) -> Url {
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    url
}

/// A path without doubled and trailing slashes, to compare what servers write.
pub(crate) fn plain_path(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for segment in path.split('/').filter(|it| !it.is_empty()) {
        out.push('/');
        out.push_str(segment);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(text: &str) -> String {
        to_wire(&text.parse().unwrap()).unwrap().into()
    }

    #[test]
    fn schemes_map_and_odd_characters_are_encoded_once() {
        for (surl, expected) in [
            ("davs://h:1/a b", "https://h:1/a%20b"),
            ("dav://h/a%20b", "http://h/a%20b"),
            ("https://h/100%.txt", "https://h/100%25.txt"),
            ("https://h//eos//x", "https://h//eos//x"),
            ("https://h/a#b[1]|c", "https://h/a%23b%5B1%5D%7Cc"),
            ("https://h/ü?x=1&y=a b", "https://h/%C3%BC?x=1&y=a%20b"),
            ("HTTPS://h", "https://h/"),
            ("davs://[::1]:8443/x", "https://[::1]:8443/x"),
        ] {
            assert_eq!(wire(surl), expected, "{surl}");
        }
    }

    #[test]
    fn refuses_what_would_reach_something_else() {
        for surl in [
            "davs://u:p@h/x",
            "davs:///x",
            "davs://h/a/../b",
            "davs://h/a/%2e%2E/b",
            "other://h/x",
        ] {
            let error = to_wire(&surl.parse().unwrap()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{surl}");
        }
    }

    #[test]
    fn names_survive_a_round_trip() {
        for name in ["a b", "100%", "x%20y", "ü/?#", "&<>"] {
            assert_eq!(decode(&encode_segment(name)), name);
        }
        assert_eq!(plain_path("//a b//c/"), "/a b/c");
    }
}
