//! Where a user may be sent back to with a code, and how that is written.

use http::Uri;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The code is shown to the user, who carries it over by hand.
pub(super) const BY_HAND: &str = "urn:ietf:wg:oauth:2.0:oob";

/// What stays as it is in a query (RFC 3986, unreserved).
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Whether a code is safe on its way there: encrypted, or on the user's own machine. A fragment
/// would hide the code from the application.
pub(super) fn is_allowed(redirect: &str) -> bool {
    if redirect == BY_HAND {
        return true;
    }
    if redirect.contains('#') || redirect.contains(char::is_whitespace) {
        return false;
    }
    let Ok(uri) = redirect.parse::<Uri>() else {
        return false;
    };
    let Some(authority) = uri.authority().filter(|it| !it.as_str().contains('@')) else {
        return false;
    };
    let here = ["localhost", "127.0.0.1", "[::1]"];
    match uri.scheme_str() {
        _ if authority.host().is_empty() => false,
        Some(protocol) if protocol == TLS => true,
        Some(protocol) => protocol == PLAIN && here.contains(&authority.host()),
        None => false,
    }
}

const TLS: &str = "https";
const PLAIN: &str = "http";

/// Whether an application registered exactly this one.
pub(super) fn is_registered(redirect_to: &str, redirect: &str) -> bool {
    redirect_to.lines().any(|it| it == redirect)
}

/// A redirect with something to say.
pub(super) fn with(redirect: &str, pairs: &[(&str, Option<&str>)]) -> String {
    let mut place = redirect.to_owned();
    let mut next = if redirect.contains('?') { '&' } else { '?' };
    for (name, value) in pairs {
        let Some(value) = value else { continue };
        place.push(next);
        place.push_str(name);
        place.push('=');
        place.extend(utf8_percent_encode(value, QUERY));
        next = '&';
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_safe_ways_back() {
        for good in [
            BY_HAND,
            "https://app.example/back",
            "https://app.example:8443/back?x=1",
            "http://localhost/back",
            "http://localhost:8080/",
            "http://127.0.0.1:9/x",
            "http://[::1]:9/x",
        ] {
            assert!(is_allowed(good), "{good}");
        }
        for bad in [
            "",
            "/back",
            "http://app.example/back",
            "http://localhost.evil.example/",
            "http://localhost@evil.example/",
            "https://user@app.example/",
            "https://app.example/#x",
            "https://app.example/a b",
            "javascript:alert(1)",
            "data:text/html,x",
            "ftp://localhost/",
            "urn:ietf:wg:oauth:2.0:oob:auto",
        ] {
            assert!(!is_allowed(bad), "{bad}");
        }
    }

    #[test]
    fn what_is_said_is_encoded() {
        let pairs = [("code", Some("a b")), ("x", None), ("state", Some("&é\n"))];
        assert_eq!(
            with("https://a/", &pairs),
            "https://a/?code=a%20b&state=%26%C3%A9%0A"
        );
        assert_eq!(
            with("https://a/?y=1", &pairs[..1]),
            "https://a/?y=1&code=a%20b"
        );
    }

    #[test]
    fn registered_means_exactly() {
        assert!(is_registered("https://a/\nhttps://b/", "https://b/"));
        for other in ["https://b", "https://b/x", "https://a/\nhttps://b/", ""] {
            assert!(!is_registered("https://a/\nhttps://b/", other), "{other}");
        }
    }
}
