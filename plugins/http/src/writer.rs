//! Bytes from us: a streamed PUT, and what makes it a file or nothing.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use causeway_sdk::{
    Credential, Error, ErrorKind, Result, Stat, Url as Surl, WriteBody, WriteOptions, Written,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::cleanup::{Guard, ONCE, PATIENT};
use crate::config::UploadMode;
use crate::digest;
use crate::inspect::stat;
use crate::namespace::{look, mkdir, move_one};
use crate::storage::Inner;
use crate::upload::{self, Upload};
use crate::wire::{encode_segment, to_wire};

/// A file being written over HTTP.
pub struct HttpWrite {
    // Dropped in this order: the connection ends before the clean-up looks.
    upload: Upload,
    guard: Guard,
    inner: Arc<Inner>,
    credential: Credential,
    at: Surl,
    /// Where the PUT goes: the final name, or a temporary one beside it.
    target: Surl,
    options: WriteOptions,
    written: u64,
}

/// Opens a file for writing. The server has agreed when this returns.
pub(crate) async fn open(
    inner: &Arc<Inner>,
    credential: &Credential,
    at: &Surl,
    options: WriteOptions,
) -> Result<HttpWrite> {
    let before = look(inner, credential, at).await?;
    refuse_if_taken(at, before.as_ref(), options.overwrite)?;
    if options.parents
        && before.is_none()
        && let Some(parent) = at.parent()
    {
        mkdir(inner, credential, &parent, true).await?;
    }
    let (target, target_before) = match inner.config.upload {
        UploadMode::Direct => (at.clone(), before),
        UploadMode::Temporary => (temporary_name(inner, at), None),
    };
    let headers = headers(&options)?;
    let url = to_wire(&target)?;
    inner.places.admit_name(&url)?;
    // Dropped from here on, something of ours may come to be there.
    let mut guard = Guard::new(inner, credential, &target, target_before);
    guard.look(PATIENT);
    let begun = upload::begin(&inner.pool, credential, url, headers, options.size).await;
    let upload = match begun {
        Ok(upload) => {
            guard.look(ONCE);
            upload
        }
        // Refused by the server: what is there is not ours.
        Err(error) if error.remote_status().is_some() => {
            guard.disarm();
            return Err(error);
        }
        Err(error) => {
            guard.look(ONCE);
            guard.remove().await;
            return Err(error);
        }
    };
    Ok(HttpWrite {
        upload,
        guard,
        inner: inner.clone(),
        credential: credential.clone(),
        at: at.clone(),
        target,
        options,
        written: 0,
    })
}

fn refuse_if_taken(at: &Surl, there: Option<&Stat>, overwrite: bool) -> Result<()> {
    match there {
        Some(it) if it.is_directory() => {
            let text = format!("write {at}: it is a directory");
            Err(Error::new(ErrorKind::IsDirectory, text))
        }
        Some(_) if !overwrite => {
            let text = format!("write {at}: something is there already");
            Err(Error::new(ErrorKind::Exists, text))
        }
        _ => Ok(()),
    }
}

/// A hidden name beside the final one, new each time.
fn temporary_name(inner: &Inner, at: &Surl) -> Surl {
    let path = at.path();
    let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let nanos = now.map_or(0, |it| it.as_nanos());
    let (process, serial) = (std::process::id(), inner.next_serial());
    let mark = encode_segment(&format!("{nanos:x}-{process:x}-{serial:x}"));
    at.with_path(&format!("{directory}/.{name}.causeway-{mark}"))
}

fn headers(options: &WriteOptions) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    headers.insert(
        http::header::CONTENT_TYPE,
        HeaderValue::from_static("application/octet-stream"),
    );
    if !options.overwrite {
        headers.insert(http::header::IF_NONE_MATCH, HeaderValue::from_static("*"));
    }
    let (old, new) = options
        .expect
        .as_ref()
        .map(digest::announce)
        .unwrap_or_default();
    for (name, value) in [("digest", old), ("repr-digest", new)] {
        let value = value.and_then(|it| HeaderValue::from_str(&it).ok());
        if let Some(value) = value {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    Ok(headers)
}

impl HttpWrite {
    async fn finish(
        upload: Upload,
        inner: &Inner,
        credential: &Credential,
        target: &Surl,
        written: u64,
    ) -> Result<Stat> {
        upload.finish().await?;
        let stat = stat(inner, credential, target).await?;
        match stat.size {
            Some(size) if size != written => {
                let text = format!("write {target}: {written} bytes were sent, {size} arrived");
                Err(Error::new(ErrorKind::Integrity, text))
            }
            _ => Ok(stat),
        }
    }

    async fn put_in_place(
        inner: &Inner,
        credential: &Credential,
        target: &Surl,
        at: &Surl,
        overwrite: bool,
    ) -> Result<()> {
        // Not every server honours `Overwrite: F`.
        if !overwrite {
            let there = look(inner, credential, at).await?;
            refuse_if_taken(at, there.as_ref(), overwrite)?;
        }
        let (source, place) = (to_wire(target)?, to_wire(at)?);
        move_one(inner, credential, &source, &place, overwrite).await
    }

    fn check_size(&self) -> Result<()> {
        match self.options.size {
            Some(size) if size != self.written => {
                let (at, written) = (&self.at, self.written);
                let text = format!("write {at}: {size} bytes were announced, {written} came");
                Err(Error::new(ErrorKind::Invalid, text))
            }
            _ => Ok(()),
        }
    }
}

impl WriteBody for HttpWrite {
    async fn write(&mut self, offset: u64, chunk: Bytes) -> Result<()> {
        let end = offset.saturating_add(chunk.len() as u64);
        let is_too_much = self.options.size.is_some_and(|size| end > size);
        if offset != self.written || is_too_much {
            let text = format!("write {}: bytes out of place", self.at);
            return Err(Error::new(ErrorKind::Invalid, text));
        }
        if !chunk.is_empty() {
            self.upload.send(chunk).await?;
        }
        self.written = end;
        Ok(())
    }

    async fn commit(self) -> Result<Written> {
        let size = self.check_size();
        let Self {
            upload,
            mut guard,
            inner,
            credential,
            at,
            target,
            options,
            written,
        } = self;
        // From here on all bytes may be there and the server still busy with them.
        guard.look(PATIENT);
        let done = async {
            size?;
            let stat = Self::finish(upload, &inner, &credential, &target, written).await?;
            if target != at {
                let place =
                    Self::put_in_place(&inner, &credential, &target, &at, options.overwrite);
                place.await?;
            }
            Ok(stat)
        };
        match done.await {
            Ok(stat) => {
                guard.keep();
                Ok(Written {
                    bytes: written,
                    etag: stat.etag,
                    checksums: stat.checksums,
                })
            }
            Err(error) => {
                guard.look(ONCE);
                guard.remove().await;
                Err(error)
            }
        }
    }

    async fn abort(self) {
        let Self { upload, guard, .. } = self;
        drop(upload);
        guard.remove().await;
    }
}
