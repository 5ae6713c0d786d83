//! Requests and answers as doubles see and make them, and the forms in which services refuse.

use std::collections::HashMap;

use serde_json::{Value, json};

/// Method of the question that [`super::double::Double::unfinished`] asks a double.
pub(crate) const UNFINISHED: &str = "UNFINISHED";

/// What a double thinks of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    Good,
    /// It was good once.
    Expired,
    Unknown,
}

/// As tests without a user have it: `good` is good, and `expired` once was.
pub(crate) fn usual(token: &str) -> Token {
    match token {
        "good" => Token::Good,
        "expired" => Token::Expired,
        _ => Token::Unknown,
    }
}

/// A request as it came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// Not decoded, without the query.
    pub(crate) path: String,
    pub(crate) query: HashMap<String, String>,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The token that came with it; none is empty.
    pub(crate) fn token(&self) -> &str {
        let header = self.header("authorization");
        header.strip_prefix("Bearer ").unwrap_or_default()
    }

    pub(crate) fn asked(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }

    /// The same, to be remembered.
    pub(super) fn without_content(&self) -> Self {
        let mut it = self.clone();
        it.body.truncate(4096);
        it
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The metadata and the content of a `multipart/related` body.
    pub(crate) fn related(&self) -> (Value, Vec<u8>) {
        let kind = self.header("content-type");
        let boundary = kind.strip_prefix("multipart/related; boundary=").unwrap();
        let at = |wanted: &[u8], from: usize| {
            let mut places = self.body[from..].windows(wanted.len());
            from + places.position(|it| it == wanted).unwrap()
        };
        let mark = format!("\r\n--{boundary}");
        let first = at(b"\r\n\r\n", 0) + 4;
        let second = at(mark.as_bytes(), first);
        let content = at(b"\r\n\r\n", second) + 4;
        let end = at(format!("{mark}--").as_bytes(), content);
        let described = serde_json::from_slice(&self.body[first..second]).unwrap();
        (described, self.body[content..end].to_vec())
    }

    /// First and last byte that are wanted of a file of this size; an error means 416.
    pub(crate) fn range(&self, size: usize) -> Result<Option<(usize, usize)>, ()> {
        let Some(text) = self.header("range").strip_prefix("bytes=") else {
            return Ok(None);
        };
        let (first, last) = text.split_once('-').unwrap();
        let first: usize = first.parse().unwrap();
        let last = last
            .parse::<u64>()
            .map_or(size, |it| it.min(size as u64) as usize);
        if first >= size {
            return Err(());
        }
        Ok(Some((first, last.min(size - 1))))
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// The connection ends this many bytes too early.
    pub(crate) cut: usize,
}

pub(crate) fn reply(status: u16) -> Reply {
    Reply {
        status,
        ..Reply::default()
    }
}

pub(crate) fn ok(value: &Value) -> Reply {
    reply(200).json(value)
}

impl Reply {
    pub(crate) fn json(mut self, value: &Value) -> Self {
        self.body = value.to_string().into_bytes();
        self.with("Content-Type", "application/json")
    }

    pub(crate) fn text(mut self, text: impl ToString) -> Self {
        self.body = text.to_string().into_bytes();
        self
    }

    pub(crate) fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    /// The bytes of a file, or the part of it that is wanted.
    pub(crate) fn file(mut self, seen: &Seen, data: &[u8]) -> Self {
        match seen.range(data.len()) {
            Ok(None) => self.body = data.to_vec(),
            Ok(Some((first, last))) => {
                self.status = 206;
                self.body = data[first..=last].to_vec();
                self = self.with(
                    "Content-Range",
                    format!("bytes {first}-{last}/{}", data.len()),
                );
            }
            Err(()) => self.status = 416,
        }
        self
    }
}

/// Azure's form of an error.
pub(crate) fn azure(status: u16, code: &str) -> Reply {
    let text = format!(
        "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>said because of {code}</Message></Error>"
    );
    reply(status).with("x-ms-error-code", code).text(text)
}

/// Google's form of an error.
pub(crate) fn google(status: u16, reason: &str) -> Reply {
    let error = json!({
        "code": status,
        "message": format!("said because of {reason}"),
        "errors": [{"domain": "global", "reason": reason, "message": reason}],
    });
    reply(status).json(&json!({ "error": error }))
}

/// Dropbox's form of an error.
pub(crate) fn dropbox(status: u16, summary: &str) -> Reply {
    let tag = summary.split('/').next().unwrap();
    let value = json!({"error_summary": format!("{summary}/..."), "error": {".tag": tag}});
    reply(status).json(&value)
}

/// A request without its body.
pub(super) fn head(text: &str) -> Seen {
    let mut lines = text.split("\r\n");
    let mut first = lines.next().unwrap_or("").split(' ');
    let (method, target) = (first.next().unwrap_or(""), first.next().unwrap_or(""));
    let url = url::Url::parse(&format!("http://double{target}")).unwrap();
    Seen {
        method: method.to_owned(),
        path: url.path().to_owned(),
        query: url.query_pairs().into_owned().collect(),
        headers: lines
            .filter_map(|it| it.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect(),
        body: Vec::new(),
    }
}

pub(crate) fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8()
        .unwrap()
        .into_owned()
}

/// Digits of a checksum.
pub(crate) fn sum(algorithm: causeway_sdk::Algorithm, data: &[u8]) -> String {
    let mut hasher = algorithm.hasher();
    hasher.update(data);
    hasher.finish().hex
}

/// A path as it stands in a URL.
pub(crate) fn encoded(path: &str) -> String {
    percent_encoding::utf8_percent_encode(path, percent_encoding::NON_ALPHANUMERIC)
        .to_string()
        .replace("%2F", "/")
}

/// Dropbox's hash: SHA-256 over the SHA-256 of every block of 4 MiB.
pub(crate) fn content_hash(data: &[u8]) -> String {
    let blocks = data
        .chunks(4 << 20)
        .map(|it| sum(causeway_sdk::Algorithm::Sha256, it));
    let inner: Vec<u8> = blocks.flat_map(|it| hex::decode(it).unwrap()).collect();
    sum(causeway_sdk::Algorithm::Sha256, &inner)
}
