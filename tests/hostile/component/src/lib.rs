//! Does what a component must not, by the last segment of the path.
//!
//! | segment | what happens |
//! |---|---|
//! | `loop` | computes without end |
//! | `memory` | takes memory without end |
//! | `deep` | calls itself without end |
//! | `trap` | traps, in whichever operation |
//! | `stay` | waits for ever |
//! | `giant` | answers with a list for which its memory is too small |
//! | `heavy` | answers with a list that weighs more than its memory |
//! | `short`, `long`, `endless` | gives other bytes than it says |
//! | `call` | sends the request that the query describes |
//! | `reveal` | asks for the credential itself |
//!
//! Anything else is a file of ten bytes. A component only; for any other target this crate is empty.
#![cfg(target_family = "wasm")]

mod heavy;

use causeway_sdk::capability::{CredentialKind, ReadAbility};
use causeway_sdk::component::host::sleep;
use causeway_sdk::http::Request;
use causeway_sdk::{
    Algorithm, Bytes, Capabilities, Checksum, Copied, CopyRequest, Credential, Ctx, DirPage, Entry,
    Error, ErrorKind, FileState, Host, Opened, Operation, Outcome, Page, ProgressSink, ReadBody,
    ReadOptions, Result, Space, StageRequest, Staged, Stat, Storage, TransferUrl, TurlRequest, Url,
    WriteBody, WriteOptions, Written, export_plugin,
};
use std::hint::black_box;
use std::time::Duration;

export_plugin!(Hostile);

/// The storage.
pub struct Hostile;

const SIZE: u64 = 10;

/// What the path asks for.
async fn strike(at: &Url) {
    match at.path().rsplit('/').next() {
        Some("loop") => {
            let mut number = 0_u64;
            loop {
                number = black_box(number.wrapping_add(1));
            }
        }
        Some("memory") => {
            let mut all = Vec::new();
            loop {
                all.push(black_box(vec![1_u8; 1 << 20]));
            }
        }
        Some("deep") => {
            black_box(deeper(1));
        }
        Some("trap") => panic!("as asked"),
        Some("stay") => loop {
            sleep(Duration::from_millis(5)).await;
        },
        _ => {}
    }
}

#[allow(unconditional_recursion)]
fn deeper(depth: u64) -> u64 {
    let room = black_box([depth; 64]);
    black_box(deeper(depth + 1)) + room[1]
}

impl Storage for Hostile {
    type Read = Body;
    type Write = Sink;

    fn create(_config: &str, _host: Host) -> Result<Self> {
        Ok(Self)
    }

    fn describe(&self) -> Capabilities {
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
        assert!(!at.path().ends_with("/admit"), "as asked");
        Ok(())
    }

    async fn stat(&self, cx: &Ctx, at: &Url) -> Result<Stat> {
        match at.path().rsplit('/').next() {
            Some("call") => return call(cx, at).await,
            Some("reveal") => return reveal(cx),
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
        let path = at.path().to_owned();
        if !path.contains("/late/") {
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

fn reveal(cx: &Ctx) -> Result<Stat> {
    let Credential::Held(held) = cx.credential() else {
        return Err(Error::new(ErrorKind::NotFound, "find a credential"));
    };
    match held.reveal()? {
        Credential::Bearer(token) => Ok(Stat::file(token.expose().len() as u64)),
        _ => Err(Error::new(ErrorKind::NotFound, "find a token")),
    }
}

/// A file being read.
pub struct Body {
    left: u64,
    at: Url,
    strikes: bool,
}

impl ReadBody for Body {
    fn opened(&self) -> Opened {
        Opened {
            size: Some(SIZE),
            etag: None,
        }
    }

    async fn next(&mut self) -> Result<Option<Bytes>> {
        if self.strikes {
            strike(&self.at).await;
        }
        let some = self.left.min(1 << 16);
        self.left -= some;
        Ok((some > 0).then(|| vec![b'x'; some as usize].into()))
    }
}

/// A file being written.
pub struct Sink(Url);

impl WriteBody for Sink {
    async fn write(&mut self, _offset: u64, _chunk: Bytes) -> Result<()> {
        strike(&self.0).await;
        Ok(())
    }

    async fn commit(self) -> Result<Written> {
        strike(&self.0).await;
        Ok(Written::default())
    }

    async fn abort(self) {
        strike(&self.0).await;
    }
}
