//! What the tests of this plugin share.
#![allow(dead_code, reason = "every test binary uses its own part")]

pub(crate) mod azure;
pub(crate) mod double;
pub(crate) mod dropbox;
pub(crate) mod gcs;
pub(crate) mod gdrive;
pub(crate) mod lab;
pub(crate) mod plot;
mod wire;

use std::sync::{Arc, Mutex};

use causeway_plugin_cloud::CloudStorage;
use causeway_sdk::{
    Bytes, CopyRequest, Credential, Ctx, Direction, ErrorKind, Host, ReadBody, ReadOptions, Result,
    Secret, Storage, Url, WriteBody, WriteOptions, Written,
};

pub(crate) fn url(text: impl AsRef<str>) -> Url {
    text.as_ref().parse().unwrap()
}

/// A storage with these options as JSON, in an empty environment.
pub(crate) fn storage(config: &str) -> CloudStorage {
    storage_in(config, |_| None)
}

pub(crate) fn storage_in(config: &str, get: impl Fn(&str) -> Option<String>) -> CloudStorage {
    let host = Host::new(|_, text| eprintln!("{text}"));
    CloudStorage::with_environment(config, host, get).unwrap()
}

/// Lines of the log, to look for secrets in.
pub(crate) fn storage_with_log(config: &str) -> (CloudStorage, Arc<Mutex<String>>) {
    let lines = Arc::new(Mutex::new(String::new()));
    let log = Arc::clone(&lines);
    let host = Host::new(move |_, text| log.lock().unwrap().push_str(text));
    let storage = CloudStorage::with_environment(config, host, |_| None).unwrap();
    (storage, lines)
}

pub(crate) fn bearer(token: &str) -> Credential {
    Credential::Bearer(Secret::new(token))
}

pub(crate) fn keys(access: &str, secret: &str) -> Credential {
    Credential::Keys {
        access: access.to_owned(),
        secret: Secret::new(secret),
        token: None,
        region: None,
    }
}

pub(crate) fn with(credential: Credential) -> Ctx {
    Ctx::new("test").with_credential(credential)
}

pub(crate) async fn read_all(body: &mut impl ReadBody) -> Result<Vec<u8>> {
    let mut all = Vec::new();
    while let Some(chunk) = body.next().await? {
        assert!(!chunk.is_empty());
        all.extend_from_slice(&chunk);
    }
    Ok(all)
}

pub(crate) async fn read(storage: &CloudStorage, cx: &Ctx, at: &Url) -> Result<Vec<u8>> {
    let mut body = storage.open_read(cx, at, ReadOptions::default()).await?;
    read_all(&mut body).await
}

pub(crate) fn options(size: Option<usize>, overwrite: bool) -> WriteOptions {
    WriteOptions {
        size: size.map(|it| it as u64),
        overwrite,
        ..WriteOptions::default()
    }
}

pub(crate) async fn write(
    storage: &CloudStorage,
    cx: &Ctx,
    at: &Url,
    data: &[u8],
) -> Result<Written> {
    write_with(storage, cx, at, data, options(Some(data.len()), true)).await
}

pub(crate) async fn write_with(
    storage: &CloudStorage,
    cx: &Ctx,
    at: &Url,
    data: &[u8],
    options: WriteOptions,
) -> Result<Written> {
    let mut body = storage.open_write(cx, at, options).await?;
    let mut offset = 0;
    for chunk in data.chunks(1 << 20) {
        body.write(offset, Bytes::copy_from_slice(chunk)).await?;
        offset += chunk.len() as u64;
    }
    body.commit().await
}

/// A copy within one account.
pub(crate) fn copy(from: &Url, to: &Url, overwrite: bool) -> CopyRequest {
    CopyRequest {
        direction: Direction::Push,
        source: from.clone(),
        destination: to.clone(),
        peer_credential: bearer("good"),
        overwrite,
        streams: 0,
        size: None,
        expect: None,
    }
}

pub(crate) fn kind<T: std::fmt::Debug>(outcome: Result<T>) -> ErrorKind {
    outcome.unwrap_err().kind()
}

/// Bytes that differ from place to place.
pub(crate) fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 31 + i / 257) as u8).collect()
}

/// A CA for tests that connect to nothing that has a certificate.
pub(crate) fn any_ca() -> String {
    let dir = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let file = dir.join(format!("any-ca-{}.pem", std::process::id()));
    let place = dir.join("any-ca.pem");
    if !place.exists() {
        let any = rcgen::generate_simple_self_signed(vec!["ca".into()]).unwrap();
        std::fs::write(&file, any.cert.pem()).unwrap();
        // Other tests find it whole or not at all.
        std::fs::rename(&file, &place).unwrap();
    }
    place.display().to_string()
}

/// What somebody without any credential gets from a URL.
pub(crate) async fn fetched(url: &str, ca: Option<&str>) -> Vec<u8> {
    let mut curl = tokio::process::Command::new("curl");
    curl.args(["-sSf", "--max-time", "20"]);
    if let Some(ca) = ca {
        curl.args(["--cacert", ca]);
    }
    let output = curl.arg(url).output().await.unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}
