//! Does what a component must not, by the last segment of the path.
//!
//! | segment | what happens |
//! |---|---|
//! | `loop` | computes without end |
//! | `memory` | takes memory without end |
//! | `deep` | calls itself without end |
//! | `trap` | traps, in whichever operation |
//! | `admit`, `admit-loop` | traps, or computes without end, when it is asked about the URL |
//! | `stay` | waits for ever |
//! | `giant` | answers with a list for which its memory is too small |
//! | `heavy` | answers with a list that weighs more than its memory |
//! | `short`, `long`, `endless` | gives other bytes than it says |
//! | `count` | counts under one good name, and under thousands that do not fit |
//! | `call` | sends the request that the query describes |
//! | `reveal` | asks for the credential itself |
//!
//! A file that is written strikes when it is opened; below `late` when something is done with it, and below
//! `in-METHOD` in that method only. The options `{"in": "create", "how": "trap"}` (or `describe`, `loop`) make it
//! strike before anybody has a path.
//!
//! Anything else is a file of ten bytes. A component only; for any other target this crate is empty.
#![cfg(target_family = "wasm")]

mod files;
mod heavy;
mod strike;

use causeway_sdk::capability::{CredentialKind, ReadAbility};
use causeway_sdk::component::host::count;
use causeway_sdk::http::Request;
use causeway_sdk::{
    Algorithm, Capabilities, Checksum, Copied, CopyRequest, Credential, Ctx, DirPage, Entry, Error,
    ErrorKind, FileState, Host, Operation, Outcome, Page, ProgressSink, ReadOptions, Result, Space,
    StageRequest, Staged, Stat, Storage, TransferUrl, TurlRequest, Url, WriteOptions,
    export_plugin,
};

use crate::files::{Body, Sink};
use crate::strike::{strike, strike_in, strike_now};

export_plugin!(Hostile);

/// The storage.
pub struct Hostile {
    config: String,
}

pub(crate) const SIZE: u64 = 10;

impl Storage for Hostile {
    type Read = Body;
    type Write = Sink;

    fn create(config: &str, _host: Host) -> Result<Self> {
        strike_in("create", config);
        let config = config.to_owned();
        Ok(Self { config })
    }

    fn describe(&self) -> Capabilities {
        strike_in("describe", &self.config);
        Capabilities {
            name: "hostile-component".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            schemes: vec!["hostile".into()],
            operations: Operation::ALL.into(),
            read: ReadAbility {
                ranges: true,
                ..ReadAbility::default()
            },
            checksums: [Algorithm::Adler32].into(),
            credentials: vec![CredentialKind::Bearer, CredentialKind::None],
            ..Capabilities::default()
        }
    }

    fn admit(&self, at: &Url) -> Result<()> {
        match at.path().rsplit('/').next() {
            Some("admit") => strike_now("trap"),
            Some("admit-loop") => strike_now("loop"),
            _ => {}
        }
        Ok(())
    }

    async fn stat(&self, cx: &Ctx, at: &Url) -> Result<Stat> {
        match at.path().rsplit('/').next() {
            Some("call") => return call(cx, at).await,
            Some("reveal") => return reveal(cx),
            Some("count") => count_much(),
            _ => strike(at).await,
        }
        Ok(Stat::file(SIZE))
    }

    async fn list(&self, _cx: &Ctx, at: &Url, _page: Page) -> Result<DirPage> {
        strike(at).await;
        if at.path().ends_with("/heavy") {
            return Ok(heavy::page());
        }
        let giant = at.path().ends_with("/giant");
        let entry = Entry {
            name: "n".repeat(64),
            stat: Stat::file(SIZE),
        };
        Ok(DirPage {
            entries: vec![entry; if giant { 600_000 } else { 1 }],
            next: None,
        })
    }

    async fn mkdir(&self, _cx: &Ctx, at: &Url, _parents: bool) -> Result<()> {
        strike(at).await;
        Ok(())
    }

    async fn rmdir(&self, _cx: &Ctx, at: &Url) -> Result<()> {
        strike(at).await;
        Ok(())
    }

    async fn unlink(&self, _cx: &Ctx, at: &Url) -> Result<()> {
        strike(at).await;
        Ok(())
    }

    async fn rename(&self, _cx: &Ctx, from: &Url, _to: &Url, _overwrite: bool) -> Result<()> {
        strike(from).await;
        Ok(())
    }

    async fn checksum(&self, _cx: &Ctx, at: &Url, algorithm: Algorithm) -> Result<Checksum> {
        strike(at).await;
        Ok(Checksum::new(algorithm, "1"))
    }

    async fn space(&self, _cx: &Ctx, at: &Url) -> Result<Space> {
        strike(at).await;
        Ok(Space::default())
    }

    async fn open_read(&self, _cx: &Ctx, at: &Url, options: ReadOptions) -> Result<Body> {
        let how = at.path().rsplit('/').next().unwrap_or("");
        match how.strip_prefix("body-") {
            Some(_) => {}
            None => strike(at).await,
        }
        let asked = options.len.unwrap_or(SIZE).min(SIZE);
        let left = match how {
            "short" => 3,
            "long" => asked + 5,
            "endless" => u64::MAX,
            _ => asked,
        };
        Ok(Body {
            left,
            at: at.with_path(&format!("/{}", how.trim_start_matches("body-"))),
            strikes: how.starts_with("body-"),
        })
    }

    async fn open_write(&self, _cx: &Ctx, at: &Url, _options: WriteOptions) -> Result<Sink> {
        let path = at.path();
        if !path.contains("/late/") && !path.contains("/in-") {
            strike(at).await;
        }
        Ok(Sink(at.clone()))
    }

    async fn copy(&self, _cx: &Ctx, request: CopyRequest, _: ProgressSink) -> Result<Copied> {
        strike(&request.source).await;
        Ok(Copied::default())
    }

    async fn bring_online(&self, _cx: &Ctx, request: StageRequest) -> Result<Staged> {
        strike(&request.files[0]).await;
        Ok(Staged::default())
    }

    async fn poll_online(&self, _cx: &Ctx, _: &str, files: &[Url]) -> Result<Vec<FileState>> {
        strike(&files[0]).await;
        Ok(Vec::new())
    }

    async fn release(&self, _cx: &Ctx, _: &str, files: &[Url]) -> Result<Vec<FileState>> {
        strike(&files[0]).await;
        Ok(Vec::new())
    }

    async fn poll_archived(&self, _cx: &Ctx, files: &[Url]) -> Result<Vec<FileState>> {
        strike(&files[0]).await;
        Ok(Vec::new())
    }

    async fn resolve(&self, _cx: &Ctx, at: &Url, request: TurlRequest) -> Result<TransferUrl> {
        strike(at).await;
        Ok(TransferUrl {
            url: at.clone(),
            token: String::new(),
            access: request.access,
        })
    }

    async fn finish(&self, _cx: &Ctx, at: &Url, _: &TransferUrl, _: Outcome) -> Result<()> {
        strike(at).await;
        Ok(())
    }
}

/// Sends what the query describes; the answer's status is the size, its text the version.
async fn call(cx: &Ctx, at: &Url) -> Result<Stat> {
    let value = |key: &str| at.query_values(key).next();
    let method = value("method").unwrap_or_else(|| "GET".to_owned());
    let hops = value("redirects")
        .and_then(|it| it.parse().ok())
        .unwrap_or(0);
    let mut request = Request::new(&method, value("uri").unwrap_or_default()).redirects(hops);
    if let Some(name) = value("name") {
        request = request.header(&name, value("value").unwrap_or_default());
    }
    if value("credential").is_some() {
        request = request.credential(cx.credential());
    }
    let answer = request.send().await?;
    let status = answer.status();
    let text = answer.read_all(1 << 20).await?;
    Ok(Stat {
        etag: Some(String::from_utf8_lossy(&text).into_owned()),
        ..Stat::file(u64::from(status))
    })
}

fn count_much() {
    count("asked", 1);
    count(&"x".repeat(1 << 20), 1);
    count("no name{a=\"b\"}", 1);
    for number in 0..10_000 {
        count(&format!("other_{number}"), 1);
    }
}

fn reveal(cx: &Ctx) -> Result<Stat> {
    let Credential::Held(held) = cx.credential() else {
        return Err(Error::new(ErrorKind::NotFound, "find a credential"));
    };
    match held.reveal()? {
        Credential::Bearer(token) => Ok(Stat::file(token.expose().len() as u64)),
        _ => Err(Error::new(ErrorKind::NotFound, "find a token")),
    }
}
