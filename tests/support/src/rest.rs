//! The REST API as somebody, over TLS, with curl: a client that is not ours.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::programs::{clean, run_with, text};

const LIMIT: Duration = Duration::from_secs(60);

/// A certificate (or proxy) and its key.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Certificate, PEM, with its chain.
    pub cert: PathBuf,
    /// Key, PEM.
    pub key: PathBuf,
}

impl Identity {
    /// Certificate and key in one file.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        let cert = path.into();
        Self {
            key: cert.clone(),
            cert,
        }
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status code; 0 when there was no answer at all.
    pub status: u16,
    /// The body, unchanged.
    pub text: String,
    /// The body as JSON; null when it is none.
    pub body: Value,
    /// What curl said.
    pub trouble: String,
}

impl Answer {
    /// The body of an answer with this status.
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        self.body
    }

    /// `message` of an error with this status.
    pub fn refused(&self, status: u16) -> &str {
        assert_eq!(self.status, status, "{self:?}");
        self.body["message"]
            .as_str()
            .unwrap_or_else(|| panic!("no message: {self:?}"))
    }
}

/// One request, with curl.
pub fn request(
    ca: &Path,
    who: Option<&Identity>,
    method: &str,
    url: &str,
    body: Option<&Value>,
) -> Answer {
    let mut curl = clean("curl");
    curl.args([
        "-sS",
        "--max-time",
        "45",
        "--path-as-is",
        "-w",
        "\n%{http_code}",
    ])
    .arg("--cacert")
    .arg(ca);
    if let Some(who) = who {
        curl.arg("--cert").arg(&who.cert).arg("--key").arg(&who.key);
    }
    curl.args(["-X", method]);
    if body.is_some() {
        curl.args([
            "-H",
            "Content-Type: application/json",
            "--data-binary",
            "@-",
        ]);
    }
    let input = body.map(Value::to_string).unwrap_or_default();
    let output = run_with(curl.arg(url), &input, LIMIT);
    let printed = text(&output.stdout);
    let (text_, status) = printed.rsplit_once('\n').unwrap_or(("", "0"));
    Answer {
        status: status.parse().expect("curl prints the status last"),
        body: serde_json::from_str(text_).unwrap_or_default(),
        text: text_.to_owned(),
        trouble: text(&output.stderr),
    }
}

/// A URL as the value of a query parameter.
pub fn encode(value: &str) -> String {
    value
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}
