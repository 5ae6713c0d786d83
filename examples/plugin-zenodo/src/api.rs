//! The repository's REST API: where things are, what its answers mean.

use std::collections::BTreeMap;
use std::time::Duration;

use causeway_sdk::http::{Request, Response};
use causeway_sdk::{Algorithm, Checksum, Ctx, Error, ErrorKind, Result, Retry, Stat, Url};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::Deserialize;

/// What a name is written in: everything but the unreserved characters and the slash is encoded.
const NAME: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');
/// Longest list of files that is read, in bytes.
const MOST: usize = 8 << 20;

/// Where a URL points.
#[derive(Clone)]
pub(crate) struct Place {
    /// Address of the list of the record's files.
    list: String,
    pub(crate) draft: bool,
    /// Name of the file, decoded; empty for the record itself.
    pub(crate) key: String,
}

/// A file as the repository tells it.
#[derive(Clone, Deserialize)]
pub(crate) struct File {
    pub(crate) key: String,
    #[serde(default)]
    pub(crate) size: Option<u64>,
    /// Algorithm and digits, with a colon between them.
    #[serde(default)]
    checksum: Option<String>,
    /// Of a draft: `pending` until its upload is committed.
    #[serde(default)]
    status: Option<String>,
}

/// All files of a record.
#[derive(Deserialize)]
struct Files {
    #[serde(default)]
    entries: Vec<File>,
}

impl File {
    pub(crate) fn is_complete(&self) -> bool {
        self.status.as_deref().is_none_or(|it| it == "completed")
    }

    pub(crate) fn checksum(&self) -> Option<Checksum> {
        let (name, digits) = self.checksum.as_deref()?.split_once(':')?;
        // An algorithm that the gateway does not know is no use to it.
        let algorithm: Algorithm = name.parse().ok()?;
        Some(Checksum::new(algorithm, digits))
    }

    pub(crate) fn stat(&self) -> Stat {
        Stat {
            size: self.size,
            etag: self.checksum.clone(),
            checksums: self.checksum().into_iter().collect(),
            ..Stat::default()
        }
    }
}

impl Place {
    pub(crate) fn parse(at: &Url, tls: bool) -> Result<Self> {
        let refuse = || {
            let message =
                format!("understand {at}: it must be /records/ID/NAME or /drafts/ID/NAME");
            Error::new(ErrorKind::Invalid, message)
        };
        let mut parts = at.path().trim_start_matches('/').splitn(3, '/');
        let draft = match parts.next() {
            Some("records") => false,
            Some("drafts") => true,
            _ => return Err(refuse()),
        };
        let id = parts
            .next()
            .filter(|it| !it.is_empty())
            .ok_or_else(refuse)?;
        let name = parts.next().unwrap_or_default().trim_end_matches('/');
        let name = percent_decode_str(name).decode_utf8();
        let key = name.map_err(|_| refuse())?.into_owned();
        let scheme = if tls { "https" } else { "http" };
        let port = at.port().map(|it| format!(":{it}")).unwrap_or_default();
        let of = if draft { "/draft" } else { "" };
        Ok(Self {
            list: format!("{scheme}://{}{port}/api/records/{id}{of}/files", at.host()),
            draft,
            key,
        })
    }

    /// Address of the file, or of something about it.
    pub(crate) fn address(&self, of: &str) -> String {
        let name = utf8_percent_encode(&self.key, NAME);
        format!("{}/{name}{of}", self.list)
    }

    /// What names below it begin with.
    pub(crate) fn prefix(&self) -> String {
        match self.key.as_str() {
            "" => String::new(),
            key => format!("{key}/"),
        }
    }

    /// The file, if there is one and it is whole.
    pub(crate) async fn file(&self, cx: &Ctx) -> Result<Option<File>> {
        let found = self.entry(cx).await?;
        Ok(found.filter(File::is_complete))
    }

    /// The file, also one whose upload was begun and never ended.
    pub(crate) async fn entry(&self, cx: &Ctx) -> Result<Option<File>> {
        if self.key.is_empty() {
            return Ok(None);
        }
        let answer = self.ask(cx, "GET", self.address("")).send().await?;
        match answer.status() {
            404 | 410 => Ok(None),
            _ => read(answer, "stat").await.map(Some),
        }
    }

    /// Every whole file of the record.
    pub(crate) async fn files(&self, cx: &Ctx) -> Result<Vec<File>> {
        let answer = self.ask(cx, "GET", self.list.clone()).send().await?;
        let files: Files = read(answer, "list").await?;
        let whole = files.entries.into_iter().filter(File::is_complete);
        Ok(whole.collect())
    }

    /// Names right below a directory.
    pub(crate) async fn children(&self, cx: &Ctx) -> Result<BTreeMap<String, Stat>> {
        let prefix = self.prefix();
        let mut children = BTreeMap::new();
        for file in self.files(cx).await? {
            let Some(below) = file.key.strip_prefix(&prefix) else {
                continue;
            };
            match below.split_once('/') {
                Some((directory, _)) => children.insert(directory.to_owned(), Stat::directory()),
                None => children.insert(below.to_owned(), file.stat()),
            };
        }
        Ok(children)
    }

    /// Announces a file that will be uploaded.
    pub(crate) async fn announce(&self, cx: &Ctx) -> Result<()> {
        let body = serde_json::json!([{ "key": self.key }]).to_string();
        let request = self.ask(cx, "POST", self.list.clone());
        let request = request.header("content-type", "application/json");
        check(request.send_bytes(body).await?, "write").map(drop)
    }

    pub(crate) async fn remove(&self, cx: &Ctx) -> Result<()> {
        let answer = self.ask(cx, "DELETE", self.address("")).send().await?;
        check(answer, "unlink").map(drop)
    }

    /// Makes an uploaded file part of the draft.
    pub(crate) async fn commit(&self, cx: &Ctx) -> Result<File> {
        let answer = self.ask(cx, "POST", self.address("/commit")).send().await?;
        read(answer, "commit").await
    }

    pub(crate) fn ask(&self, cx: &Ctx, method: &str, address: String) -> Request {
        let request = Request::new(method, address).credential(cx.credential());
        request.header("accept", "application/json")
    }
}

async fn read<T: for<'de> Deserialize<'de>>(answer: Response, operation: &str) -> Result<T> {
    let body = check(answer, operation)?.read_all(MOST).await?;
    serde_json::from_slice(&body).map_err(|reason| {
        let message = format!("understand the repository: {reason}");
        Error::new(ErrorKind::Remote, message).during(operation)
    })
}

/// An answer that is none is an error.
pub(crate) fn check(answer: Response, operation: &str) -> Result<Response> {
    if answer.is_success() {
        return Ok(answer);
    }
    let status = answer.status();
    let kind = match status {
        400 => ErrorKind::Invalid,
        401 => ErrorKind::AuthRequired,
        403 => ErrorKind::Denied,
        404 | 410 => ErrorKind::NotFound,
        409 | 412 => ErrorKind::Conflict,
        413 | 507 => ErrorKind::NoSpace,
        429 => ErrorKind::Throttled,
        502..=504 => ErrorKind::Busy,
        _ => ErrorKind::Remote,
    };
    let error = Error::new(
        kind,
        format!("{operation}: the repository answered {status}"),
    )
    .with_remote_status(status.into())
    .during(operation);
    let wait = answer.header("retry-after").and_then(|it| it.parse().ok());
    Err(match wait {
        Some(seconds) => error.with_retry(Retry::After(Duration::from_secs(seconds))),
        None => error,
    })
}

pub(crate) fn not_found(at: &Url) -> Error {
    Error::new(ErrorKind::NotFound, format!("no such file: {at}"))
}
