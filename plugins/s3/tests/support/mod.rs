//! What the tests of this plugin share.
#![allow(dead_code, reason = "every test binary uses its own part")]

pub(crate) mod double;
pub(crate) mod lab;
pub(crate) mod world;

use causeway_plugin_s3::S3Storage;
use causeway_sdk::{
    Bytes, Credential, Ctx, ErrorKind, Host, ReadBody, ReadOptions, Result, Secret, Storage, Url,
    WriteBody, WriteOptions, Written,
};

pub(crate) fn url(text: impl AsRef<str>) -> Url {
    text.as_ref().parse().unwrap()
}

/// A storage with these options as JSON, whatever the environment says.
pub(crate) fn storage(config: &str) -> S3Storage {
    let host = Host::new(|_, text| eprintln!("{text}"));
    S3Storage::with_environment(config, host, |_| None).unwrap()
}

pub(crate) fn keys(access: &str, secret: &str, token: Option<&str>) -> Credential {
    Credential::Keys {
        access: access.to_owned(),
        secret: Secret::new(secret),
        token: token.map(Secret::new),
        region: None,
    }
}

pub(crate) async fn read_all(body: &mut impl ReadBody) -> Result<Vec<u8>> {
    let mut all = Vec::new();
    while let Some(chunk) = body.next().await? {
        assert!(!chunk.is_empty());
        all.extend_from_slice(&chunk);
    }
    Ok(all)
}

pub(crate) async fn read(storage: &S3Storage, cx: &Ctx, at: &Url) -> Result<Vec<u8>> {
    let mut body = storage.open_read(cx, at, ReadOptions::default()).await?;
    read_all(&mut body).await
}

pub(crate) async fn write(storage: &S3Storage, cx: &Ctx, at: &Url, data: &[u8]) -> Result<Written> {
    let options = WriteOptions {
        size: Some(data.len() as u64),
        ..WriteOptions::default()
    };
    write_with(storage, cx, at, data, options).await
}

pub(crate) async fn write_with(
    storage: &S3Storage,
    cx: &Ctx,
    at: &Url,
    data: &[u8],
    options: WriteOptions,
) -> Result<Written> {
    let mut body = storage.open_write(cx, at, options).await?;
    let mut offset = 0;
    for chunk in data.chunks(300 << 10) {
        let chunk = Bytes::copy_from_slice(chunk);
        let len = chunk.len() as u64;
        if let Err(error) = body.write(offset, chunk).await {
            body.abort().await;
            return Err(error);
        }
        offset += len;
    }
    body.commit().await
}

pub(crate) fn kind<T: std::fmt::Debug>(outcome: Result<T>) -> ErrorKind {
    outcome.unwrap_err().kind()
}

/// Bytes that differ from place to place.
pub(crate) fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 31 + i / 257) as u8).collect()
}

/// Another client of HTTP, which knows nothing of S3.
pub(crate) fn stranger() -> reqwest::Client {
    // Refused when another test of this process did it before, and that is as good.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    reqwest::Client::builder().no_proxy().build().unwrap()
}
