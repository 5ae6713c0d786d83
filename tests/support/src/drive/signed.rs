//! Signed requests as a provider reads them (RFC 5849, section 3), and the signature that they should
//! have, worked out by `openssl`.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::programs::{clean, run_with};
use crate::rest::encode;

/// One request, as far as it counts.
pub(super) struct Request {
    pub(super) method: String,
    host: String,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    oauth: Vec<(String, String)>,
}

impl Request {
    pub(super) fn oauth(&self, name: &str) -> &str {
        let found = self.oauth.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// What has to be signed (RFC 5849, section 3.4.1).
    pub(super) fn base(&self) -> String {
        let signed = |it: &&(String, String)| it.0 != "oauth_signature" && it.0 != "realm";
        let oauth = self.oauth.iter().filter(signed);
        let pairs = oauth.chain(&self.query);
        let mut pairs: Vec<(String, String)> = pairs.map(|(a, b)| (coded(a), coded(b))).collect();
        pairs.sort();
        let pairs: Vec<String> = pairs.iter().map(|(a, b)| format!("{a}={b}")).collect();
        let url = format!("http://{}{}", self.host, self.path);
        let parts = [&self.method, &coded(&url), &coded(&pairs.join("&"))];
        parts.map(String::as_str).join("&")
    }
}

/// The signature that a request should have, with the secret of its token.
pub(super) fn signature(request: &Request, secret: &str) -> String {
    let key = format!("{}&{}", coded(super::APP.1), coded(secret));
    let mut openssl = clean("openssl");
    openssl.args(["dgst", "-sha1", "-binary", "-hmac", &key]);
    let output = run_with(&mut openssl, &request.base(), Duration::from_secs(10));
    STANDARD.encode(output.stdout)
}

/// A request out of the lines of its head.
pub(super) fn read(head: &[String]) -> Request {
    let mut words = head[0].split(' ').map(str::to_owned);
    let (method, target) = (words.next(), words.next().unwrap_or_default());
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let header = |wanted: &str| {
        let lines = head.iter().filter_map(|it| it.split_once(": "));
        let mut found = lines.filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.next().map_or("", |it| it.1).to_owned()
    };
    let pair = |text: &str| {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        (decoded(name), decoded(value.trim_matches('"')))
    };
    let oauth = header("authorization");
    let oauth = oauth.strip_prefix("OAuth ").unwrap_or("");
    Request {
        method: method.unwrap_or_default(),
        host: header("host"),
        path: path.to_owned(),
        query: query
            .split('&')
            .filter(|it| !it.is_empty())
            .map(pair)
            .collect(),
        oauth: oauth.split(',').map(|it| pair(it.trim())).collect(),
    }
}

/// Section 3.6 of the standard.
pub(super) fn coded(text: &str) -> String {
    encode(text).replace("%7E", "~")
}

/// The same for each name of a path.
pub(super) fn coded_path(path: &str) -> String {
    path.split('/').map(coded).collect::<Vec<_>>().join("/")
}

/// Undoes it.
pub(super) fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let hex = tail.get(..2).and_then(|it| std::str::from_utf8(it).ok());
        let byte = hex.and_then(|it| u8::from_str_radix(it, 16).ok());
        match (first, byte) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            (first, _) => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
