//! Headers of a plugin's request: what it may not write, because the gateway does, or because it
//! would make two requests out of one.

use reqwest::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderName, HeaderValue, LOCATION};

/// What the gateway writes itself.
const OURS: [&str; 14] = [
    "authorization",
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
/// Most headers of a request.
const MOST: usize = 100;

/// The headers, or why they are refused. `own` says that no credential goes with the request: then a
/// plugin may say who it is itself, with a key from its options for instance.
pub(super) fn checked(headers: &[(String, Vec<u8>)], own: bool) -> Result<HeaderMap, String> {
    if headers.len() > MOST {
        return Err(format!("it has more than {MOST} headers"));
    }
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        // Both types refuse line ends and other control characters.
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| "the name of a header has characters that are not allowed".to_owned())?;
        let allowed = own && name == AUTHORIZATION;
        if OURS.contains(&name.as_str()) && !allowed {
            return Err(format!("the header {name} is the gateway's to set"));
        }
        let value = HeaderValue::from_bytes(value).map_err(|_| {
            format!("the value of the header {name} has a line end or another control character")
        })?;
        map.append(name, value);
    }
    Ok(map)
}

/// Takes away what was meant for one server, before another is asked.
pub(super) fn leave_secrets(headers: &mut HeaderMap) {
    headers.remove(AUTHORIZATION);
    headers.remove(COOKIE);
}

/// Where an answer sends the caller.
pub(super) fn location(answer: &reqwest::Response) -> Option<String> {
    let redirects = matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let location = answer.headers().get(LOCATION).filter(|_| redirects)?;
    location.to_str().ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(name: &str, value: &[u8]) -> String {
        checked(&[(name.to_owned(), value.to_vec())], false).unwrap_err()
    }

    #[test]
    fn a_request_stays_one_request() {
        assert!(refused("x", b"1\r\nhost: evil").contains("line end"));
        assert!(refused("x\r\nhost", b"evil").contains("not allowed"));
        assert!(refused("x ", b"1").contains("not allowed"));
        for name in [
            "Host",
            "content-length",
            "Transfer-Encoding",
            "AUTHORIZATION",
        ] {
            assert!(refused(name, b"1").contains("the gateway's"), "{name}");
        }
        let one =
            |name: &str, own| checked(&[(name.to_owned(), b"1".to_vec())], own).map(|it| it.len());
        assert_eq!(one("Depth", false), Ok(1));
        assert_eq!(one("authorization", true), Ok(1));
        assert!(one("host", true).is_err());
    }
}
