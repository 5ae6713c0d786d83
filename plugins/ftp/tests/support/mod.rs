//! What the tests of this plugin share.
#![allow(dead_code, reason = "every test binary uses its own part")]

pub(crate) mod double;
mod good;
pub(crate) mod lab;

use causeway_plugin_ftp::FtpStorage;
use causeway_sdk::{
    Bytes, Credential, Ctx, ErrorKind, Host, ReadBody, ReadOptions, Result, Secret, Storage, Url,
    WriteBody, WriteOptions, Written,
};

pub(crate) fn url(text: impl AsRef<str>) -> Url {
    text.as_ref().parse().unwrap()
}

/// A storage with these options as JSON.
pub(crate) fn storage(config: &str) -> FtpStorage {
    FtpStorage::create(config, Host::new(|_, text| eprintln!("{text}"))).unwrap()
}

pub(crate) async fn read_all(body: &mut impl ReadBody) -> Result<Vec<u8>> {
    let mut all = Vec::new();
    while let Some(chunk) = body.next().await? {
        assert!(!chunk.is_empty());
        all.extend_from_slice(&chunk);
    }
    Ok(all)
}

pub(crate) async fn read(storage: &FtpStorage, cx: &Ctx, at: &Url) -> Result<Vec<u8>> {
    let mut body = storage.open_read(cx, at, ReadOptions::default()).await?;
    read_all(&mut body).await
}

pub(crate) async fn write(
    storage: &FtpStorage,
    cx: &Ctx,
    at: &Url,
    data: &[u8],
) -> Result<Written> {
    let options = WriteOptions {
        size: Some(data.len() as u64),
        ..WriteOptions::default()
    };
    write_with(storage, cx, at, data, options).await
}

pub(crate) async fn write_with(
    storage: &FtpStorage,
    cx: &Ctx,
    at: &Url,
    data: &[u8],
    options: WriteOptions,
) -> Result<Written> {
    let mut body = storage.open_write(cx, at, options).await?;
    let mut offset = 0;
    for chunk in data.chunks(64 << 10) {
        body.write(offset, Bytes::copy_from_slice(chunk)).await?;
        offset += chunk.len() as u64;
    }
    body.commit().await
}

pub(crate) fn kind<T: std::fmt::Debug>(outcome: Result<T>) -> ErrorKind {
    outcome.unwrap_err().kind()
}

/// Waits until only these files are left on a server.
pub(crate) async fn left(server: &double::Double, expected: &[&str]) {
    for _ in 0..400 {
        if server.names() == expected {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("left are {:?}", server.names());
}

pub(crate) fn overwriting() -> WriteOptions {
    WriteOptions {
        overwrite: true,
        ..WriteOptions::default()
    }
}

/// Bytes that differ from place to place.
pub(crate) fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 31 + i / 257) as u8).collect()
}

/// A user and a password, as access keys.
pub(crate) fn keys(user: &str, password: &str) -> Credential {
    Credential::Keys {
        access: user.to_owned(),
        secret: Secret::new(password),
        token: None,
        region: None,
    }
}

pub(crate) fn anonymous() -> Ctx {
    Ctx::new("test")
}

pub(crate) fn alice() -> Ctx {
    Ctx::new("test").with_credential(keys("alice", "wonderland"))
}
