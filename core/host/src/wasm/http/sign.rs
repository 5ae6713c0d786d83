//! Signature of a request with a pair of keys: AWS version 4 for the service `s3`, without the body,
//! which may not be known yet. What protects the body is the connection.

use aws_lc_rs::{digest, hmac};
use causeway_sdk::{Error, ErrorKind, Result, Secret};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};

const UNSIGNED: &str = "UNSIGNED-PAYLOAD";
/// Where no region is named, servers other than Amazon's do not care.
const REGION: &str = "us-east-1";
/// All but unreserved characters.
const STRICT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Keys to sign with.
pub(super) struct Keys<'a> {
    pub(super) access: &'a str,
    pub(super) secret: &'a Secret,
    pub(super) token: Option<&'a Secret>,
    pub(super) region: Option<&'a str>,
}

/// Adds what makes a request a signed one.
pub(super) fn sign(
    keys: &Keys<'_>,
    method: &Method,
    url: &Url,
    headers: &mut HeaderMap,
    now: Timestamp,
) -> Result<()> {
    sign_body(keys, method, url, headers, now, UNSIGNED)
}

fn sign_body(
    keys: &Keys<'_>,
    method: &Method,
    url: &Url,
    headers: &mut HeaderMap,
    now: Timestamp,
    body: &str,
) -> Result<()> {
    let time = now
        .to_zoned(TimeZone::UTC)
        .strftime("%Y%m%dT%H%M%SZ")
        .to_string();
    let (date, region) = (&time[..8], keys.region.unwrap_or(REGION));
    headers.insert(
        HeaderName::from_static("x-amz-content-sha256"),
        value(body)?,
    );
    headers.insert(HeaderName::from_static("x-amz-date"), value(&time)?);
    if let Some(token) = keys.token {
        let mut hidden = value(token.expose())?;
        hidden.set_sensitive(true);
        headers.insert(HeaderName::from_static("x-amz-security-token"), hidden);
    }
    let (names, lines) = signed(url, headers);
    let asked = format!(
        "{method}\n{}\n{}\n{lines}\n{names}\n{body}",
        path(url),
        query(url)
    );
    let scope = format!("{date}/{region}/s3/aws4_request");
    let hash = hex::encode(digest::digest(&digest::SHA256, asked.as_bytes()));
    let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{hash}");
    let first = first_key(keys.secret);
    let key = [region, "s3", "aws4_request"]
        .into_iter()
        .fold(mac(first.expose().as_bytes(), date), |key, part| {
            mac(key.as_ref(), part)
        });
    let signature = hex::encode(mac(key.as_ref(), &text));
    let access = keys.access;
    let mut line = value(&format!(
        "AWS4-HMAC-SHA256 Credential={access}/{scope}, SignedHeaders={names}, Signature={signature}"
    ))?;
    line.set_sensitive(true);
    headers.insert(AUTHORIZATION, line);
    Ok(())
}

fn first_key(secret: &Secret) -> Secret {
    Secret::new(format!("AWS4{}", secret.expose()))
}

fn mac(key: &[u8], text: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
}

fn value(text: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(text).map_err(|_| {
        Error::new(
            ErrorKind::AuthRequired,
            "use the pair of keys: it has characters that no header has",
        )
    })
}

/// Names of the headers that are signed, and their lines.
fn signed(url: &Url, headers: &HeaderMap) -> (String, String) {
    let host = match (url.host_str().unwrap_or_default(), url.port()) {
        (host, Some(port)) => format!("{host}:{port}"),
        (host, None) => host.to_owned(),
    };
    let mut all = vec![("host".to_owned(), host)];
    for name in headers.keys() {
        let values = headers.get_all(name).iter();
        let values: Vec<String> = values
            .map(|it| String::from_utf8_lossy(it.as_bytes()).trim().to_owned())
            .collect();
        all.push((name.to_string(), values.join(",")));
    }
    all.sort();
    let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
    let lines = all
        .iter()
        .map(|(name, value)| format!("{name}:{value}\n"))
        .collect();
    (names.join(";"), lines)
}

fn strict(text: &str) -> String {
    let plain: Vec<u8> = percent_decode_str(text).collect();
    percent_encoding::percent_encode(&plain, STRICT).to_string()
}

fn path(url: &Url) -> String {
    let parts: Vec<String> = url.path().split('/').map(strict).collect();
    parts.join("/")
}

fn query(url: &Url) -> String {
    let pairs = url
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|it| !it.is_empty());
    let mut pairs: Vec<(String, String)> = pairs
        .map(|it| it.split_once('=').unwrap_or((it, "")))
        .map(|(key, value)| (strict(key), strict(value)))
        .collect();
    pairs.sort();
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    pairs.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature(uri: &str, extra: Option<(&'static str, &'static str)>) -> String {
        let secret = Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
        let keys = Keys {
            access: "AKIAIOSFODNN7EXAMPLE",
            secret: &secret,
            token: None,
            region: None,
        };
        let mut headers = HeaderMap::new();
        if let Some((name, value)) = extra {
            headers.insert(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        let now: Timestamp = "2013-05-24T00:00:00Z".parse().unwrap();
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let url = Url::parse(uri).unwrap();
        sign_body(&keys, &Method::GET, &url, &mut headers, now, empty).unwrap();
        let line = headers[AUTHORIZATION].to_str().unwrap();
        line.rsplit_once("Signature=").unwrap().1.to_owned()
    }

    /// The examples of the service's own documentation.
    #[test]
    fn known_signatures() {
        let object = signature(
            "https://examplebucket.s3.amazonaws.com/test.txt",
            Some(("range", "bytes=0-9")),
        );
        assert_eq!(
            object,
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        );
        let lifecycle = signature("https://examplebucket.s3.amazonaws.com/?lifecycle", None);
        assert_eq!(
            lifecycle,
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
        );
        let list = signature(
            "https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J",
            None,
        );
        assert_eq!(
            list,
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
        );
    }

    #[test]
    fn encoding_is_the_services() {
        let url = Url::parse("https://h/a b/c%2Fd/é!?b=1&a=x y").unwrap();
        assert_eq!(path(&url), "/a%20b/c%2Fd/%C3%A9%21");
        assert_eq!(query(&url), "a=x%20y&b=1");
    }
}
